package ingest

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

var errClosed = fault.New(fault.Unavailable, "stopping", "The service is stopping. Please try again shortly.")

// flights runs at most one piece of work per image at a time and lets everyone
// who wants the same join it. The work has a life of its own: whoever waits may
// go away, as a client does that hangs up, and the work goes on.
type flights struct {
	timeout time.Duration
	log     *slog.Logger
	life    context.Context // of the work, not of a caller
	end     context.CancelFunc

	mu      sync.Mutex
	closed  bool
	running map[string]*flight
	all     sync.WaitGroup
}

type flight struct {
	done     chan struct{}
	manifest contract.Manifest
	err      error
}

func newFlights(timeout time.Duration, log *slog.Logger) *flights {
	life, end := context.WithCancel(context.Background())
	return &flights{timeout: timeout, log: log, life: life, end: end, running: map[string]*flight{}}
}

type work func(ctx context.Context) (contract.Manifest, error)

// join starts the work for id, or joins it where it is running, and waits for
// its end or the caller's.
func (f *flights) join(ctx context.Context, id string, do work) (contract.Manifest, error) {
	current, err := f.take(id, do)
	if err != nil {
		return contract.Manifest{}, err
	}
	select {
	case <-current.done:
		return current.manifest, current.err
	case <-ctx.Done():
		return contract.Manifest{}, fault.Wrap("ingest.join", ctx.Err())
	}
}

func (f *flights) take(id string, do work) (*flight, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if current := f.running[id]; current != nil {
		return current, nil
	}
	if f.closed {
		return nil, errClosed
	}
	current := &flight{done: make(chan struct{})}
	f.running[id] = current
	f.all.Go(func() { f.run(id, current, do) })
	return current, nil
}

func (f *flights) run(id string, current *flight, do work) {
	ctx, cancel := context.WithTimeout(f.life, f.timeout)
	defer cancel()
	defer func() {
		f.mu.Lock()
		delete(f.running, id)
		f.mu.Unlock()
		close(current.done)
	}()
	current.manifest, current.err = contain(ctx, f.log, id, do)
}

// contain makes an error of a panic: a defect that one file brings out must not
// end the process for all.
func contain(ctx context.Context, log *slog.Logger, id string, do work) (m contract.Manifest, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			log.ErrorContext(ctx, "panic while processing", "id", id, "cause", cause, "stack", string(debug.Stack()))
			err = fault.As(fault.Internal, "ingest.contain", fmt.Errorf("panic: %v", cause))
		}
	}()
	return do(ctx)
}

func (f *flights) close(ctx context.Context) {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	finished := make(chan struct{})
	go func() { f.all.Wait(); close(finished) }()
	select {
	case <-finished:
	case <-ctx.Done():
	}
	f.end()
	<-finished
}
