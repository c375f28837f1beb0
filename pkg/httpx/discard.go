package httpx

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// DiscardTimeout bounds how long a connection waits, after the answer, for the
// rest of a body that the handler did not read.
const DiscardTimeout = time.Second

// DiscardWithin bounds that wait. Without it net/http reads what is left of a
// refused body, up to 256 KiB, before it goes on or closes the connection, and a
// client that sends nothing keeps it for ever. It must be the outermost
// middleware; Serve applies it.
//
// It also waits where net/http does not: when the client had asked before it
// sent (Expect: 100-continue), net/http closes the connection on a client that
// is still sending, and the reset takes the answer along.
func DiscardWithin(d time.Duration) Middleware {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Body == nil || r.Body == http.NoBody {
				next.ServeHTTP(w, r)
				return
			}
			control := http.NewResponseController(w)
			body := &begun{ReadCloser: r.Body}
			r = r.WithContext(r.Context()) // a copy: the server knows its own body by its type
			r.Body = body
			// The server sets its own deadline before the next request. After the
			// body's end it reads on to notice a client that leaves, and a deadline
			// that passed while a slow client takes its answer would look like one.
			bound := func() {
				if !body.ended.Load() {
					_ = control.SetReadDeadline(time.Now().Add(d))
				}
			}
			defer bound()
			next.ServeHTTP(w, r)
			if r.Header.Get("Expect") != "" && body.unfinished() {
				bound()
				_ = control.Flush() // the client may stop when it has the answer
				_, _ = io.Copy(io.Discard, body)
			}
		})
	}
}

// begun is a body that knows whether somebody has begun to read it, whether it
// has ended, and whether it can be read on. One that was not begun was never
// asked for. A handler may leave a reader behind, so that it is safe for
// concurrent use.
type begun struct {
	io.ReadCloser
	read, ended, failed atomic.Bool
}

func (b *begun) Read(p []byte) (int, error) {
	b.read.Store(true)
	n, err := b.ReadCloser.Read(p)
	switch {
	case errors.Is(err, io.EOF):
		b.ended.Store(true)
	case err != nil:
		b.failed.Store(true)
	}
	return n, err
}

func (b *begun) unfinished() bool { return b.read.Load() && !b.ended.Load() && !b.failed.Load() }
