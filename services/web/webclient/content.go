package webclient

import (
	"errors"
	"io"
	"net/http"
	"sync"
)

// Content opens a file's bytes from an offset on, as often as it must. An error
// of it, or of its reader, ends the sending.
type Content func(offset int64) (io.ReadCloser, error)

// cursor keeps the content open from one chunk to the next, since to begin in
// the middle of a compressed file means to read all before it.
type cursor struct {
	open Content
	r    io.ReadCloser
	at   int64
}

// lend gives n bytes from an offset on as the body of a request.
func (c *cursor) lend(from, n int64, progress func(int64)) (*lent, error) {
	if c.r == nil || c.at != from {
		c.close()
		r, err := c.open(from)
		if err != nil {
			return nil, err
		}
		c.r, c.at = r, from
	}
	return &lent{r: io.LimitedReader{R: c.r, N: n}, at: from, progress: progress}, nil
}

// giveBack takes the body away from the transport, which may go on reading it
// after it has given an answer. The content is kept open if all of it was read.
func (c *cursor) giveBack(b *lent, answered bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = true
	c.at = b.at
	if !answered || b.r.N > 0 || b.err != nil {
		c.close()
	}
}

func (c *cursor) close() {
	if c.r != nil {
		_ = c.r.Close() // it was only read
		c.r = nil
	}
}

// lent is a part of the content as a request's body.
type lent struct {
	mu       sync.Mutex
	r        io.LimitedReader
	at       int64
	progress func(int64)
	over     bool
	err      error // the content's own
}

func (b *lent) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over {
		return 0, http.ErrBodyReadAfterClose
	}
	n, err := b.r.Read(p)
	b.at += int64(n)
	if n > 0 {
		b.progress(b.at)
	}
	switch {
	case errors.Is(err, io.EOF) && b.r.N > 0:
		b.err, err = errSize, errSize
	case err != nil && err != io.EOF: //nolint:errorlint // the reader's own end, as io.Reader says
		b.err = err
	}
	return n, err
}

// Close leaves the content open for the next chunk.
func (*lent) Close() error { return nil }

// failure is why the content could not be read; nil where it could, or was not.
func (b *lent) failure() error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}
