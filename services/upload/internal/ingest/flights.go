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
//
// So many images are in work at one time; the others wait in the order in which
// they came. Who waits has no memory, no file and no try yet: a process that
// ends with many waiting leaves nothing behind for which the next would have to
// wait.
type flights struct {
	timeout time.Duration // for the work, without the wait for a place
	places  chan struct{}
	log     *slog.Logger
	life    context.Context // of the work, not of a caller
	end     context.CancelFunc
	closing chan struct{}

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

func newFlights(atOnce int, timeout time.Duration, log *slog.Logger) *flights {
	life, end := context.WithCancel(context.Background())
	return &flights{
		timeout: timeout, places: make(chan struct{}, atOnce), log: log, life: life, end: end,
		closing: make(chan struct{}), running: map[string]*flight{},
	}
}

type work func(ctx context.Context) (contract.Manifest, error)

// join starts the work for id, or joins it where it is running, and waits for
// its end or the caller's.
func (f *flights) join(ctx context.Context, id string, do work) (contract.Manifest, error) {
	return f.wait(ctx, id, f.places, do)
}

// joinAside is join for work that joins other work itself. It takes no place: as
// much of it as there are places would leave none for what all of it waits for.
func (f *flights) joinAside(ctx context.Context, id string, do work) (contract.Manifest, error) {
	return f.wait(ctx, id, nil, do)
}

func (f *flights) wait(ctx context.Context, id string, places chan struct{}, do work) (contract.Manifest, error) {
	current, err := f.take(id, places, do)
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

func (f *flights) take(id string, places chan struct{}, do work) (*flight, error) {
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
	f.all.Go(func() { f.run(id, current, places, do) })
	return current, nil
}

func (f *flights) run(id string, current *flight, places chan struct{}, do work) {
	defer func() {
		f.mu.Lock()
		delete(f.running, id)
		f.mu.Unlock()
		close(current.done)
	}()
	if places != nil {
		select {
		case places <- struct{}{}:
			defer func() { <-places }()
		case <-f.closing:
			current.err = errClosed
			return
		}
	}
	ctx, cancel := context.WithTimeout(f.life, f.timeout)
	defer cancel()
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
	if !f.closed {
		close(f.closing) // who waits for a place is left to the sweep
	}
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
