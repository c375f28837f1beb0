package ingest

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/sajin-gallery/sajin/pkg/blob"
)

// silence is how long a request that sends through a session may bring no byte
// before another one of the same session takes its place. A client whose
// connection died does not know that the server still waits on it; one that is
// alive and slow brings something in that time, or is told to ask and goes on.
const silence = 500 * time.Millisecond

// patience is how long a request waits for a session that another one has. The
// last bytes of a dead connection may be read when it waits already, and the
// silence begins after them.
const patience = 2 * silence

// senders knows the requests that send through the sessions of this process.
type senders struct {
	mu       sync.Mutex
	sessions map[string]*sender
}

// sender is a request that holds a session.
type sender struct {
	overtaken chan struct{} // closed when another request is to have the session
	released  chan struct{} // closed when it holds the session no more

	mu    sync.Mutex
	since time.Time // of the read that waits for bytes; zero while none does
}

func (w *senders) add(session string) *sender {
	one := &sender{overtaken: make(chan struct{}), released: make(chan struct{})}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sessions[session] = one
	return one
}

func (w *senders) of(session string) *sender {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sessions[session]
}

// remove ends what add began, once the session is released.
func (w *senders) remove(session string, one *sender) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sessions[session] == one {
		delete(w.sessions, session)
	}
	close(one.released)
}

// overtake ends the sender of a session that has been silent for long enough,
// and waits until it has let go.
func (w *senders) overtake(ctx context.Context, session string) {
	one := w.of(session)
	if one == nil || one.quiet() < silence {
		return
	}
	one.giveWay()
	select {
	case <-one.released:
	case <-ctx.Done():
	}
}

// giveWay may be called by several at a time.
func (one *sender) giveWay() {
	one.mu.Lock()
	defer one.mu.Unlock()
	select {
	case <-one.overtaken:
	default:
		close(one.overtaken)
	}
}

// quiet is how long the sender has been waiting for the next byte; 0 while it is
// at work with those that it has.
func (one *sender) quiet() time.Duration {
	one.mu.Lock()
	defer one.mu.Unlock()
	if one.since.IsZero() {
		return 0
	}
	return time.Since(one.since)
}

func (one *sender) waits(since time.Time) {
	one.mu.Lock()
	defer one.mu.Unlock()
	one.since = since
}

// arriving reads what arrives so that the sender can be overtaken while it waits
// for it: then it ends with blob.ErrHeld. What is read of body ends with it; a
// read that waits for a byte then goes on until body ends. Close it.
func (one *sender) arriving(body io.Reader) io.ReadCloser {
	out, in := io.Pipe()
	stop := make(chan struct{})
	go func() {
		select {
		case <-one.overtaken:
			_ = in.CloseWithError(blob.ErrHeld)
		case <-stop:
		}
	}()
	go func() {
		defer close(stop)
		buf := make([]byte, arrivingBytes)
		for {
			one.waits(time.Now())
			n, err := body.Read(buf)
			one.waits(time.Time{})
			if n > 0 {
				if _, gone := in.Write(buf[:n]); gone != nil {
					return
				}
			}
			if err != nil {
				_ = in.CloseWithError(err) // io.EOF at its end
				return
			}
		}
	}()
	return out
}

// arrivingBytes is how much of a chunk is read at a time.
const arrivingBytes = 64 << 10

// hold takes hold of a session. A request that has it and falls silent makes
// room; one that goes on keeps it, and the answer is blob.ErrHeld, after patience
// at most.
func (s *Service) hold(ctx context.Context, session string) (blob.HeldPartial, error) {
	for until := time.Now().Add(patience); ; {
		h, err := s.ports.Partials.Hold(ctx, session)
		one := s.senders.of(session)
		left := time.Until(until)
		if !errors.Is(err, blob.ErrHeld) || left <= 0 || one == nil {
			return h, err
		}
		silent := time.NewTimer(min(silence-one.quiet(), left))
		select {
		case <-one.released:
		case <-silent.C:
			s.senders.overtake(ctx, session)
		case <-ctx.Done():
			silent.Stop()
			return nil, err
		}
		silent.Stop()
	}
}
