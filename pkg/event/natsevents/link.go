package natsevents

import (
	"context"
	"sync"
)

// link knows when the connection was made anew. What was asked over the one before
// may have got lost with it, and nobody answers it. The zero value is ready for
// use. Safe for concurrent use.
type link struct {
	mu   sync.Mutex
	gone chan struct{} // closed when the connection that is used now was replaced
}

// current is closed when the connection that is used now was replaced.
func (l *link) current() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gone == nil {
		l.gone = make(chan struct{})
	}
	return l.gone
}

// renewed says that there is a new connection.
func (l *link) renewed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gone != nil {
		close(l.gone)
	}
	l.gone = make(chan struct{})
}

// ask runs a question that may be asked twice, again whenever the connection was
// replaced while it waited.
func (l *link) ask(ctx context.Context, question func(context.Context) error) error {
	for {
		gone := l.current()
		trying, cancel := until(ctx, gone)
		err := question(trying)
		cancel()
		select {
		case <-gone:
		default:
			return err
		}
		if err == nil || ctx.Err() != nil {
			return err
		}
	}
}

// until is a context that ends with ctx or when gone is closed.
func until(ctx context.Context, gone <-chan struct{}) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-gone:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}
