package imageworker

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
)

// Config bounds a pool. Engine, AtOnce, Timeout and Memory must be set.
type Config struct {
	// Engine is given to the engine in every worker, as JSON. It is seen in the
	// list of processes.
	Engine any
	// AtOnce is how many images are decoded at the same time. As many workers
	// more may read headers and metadata meanwhile, which takes milliseconds.
	AtOnce int
	// Timeout ends one call, and the worker with it: the image is too complex.
	Timeout time.Duration
	// Memory is the most that an image may be estimated to need, in bytes. A
	// quarter more is allowed, and what a worker needs of its own.
	Memory int64
	// Idle is how long a worker waits for the next image before it ends. The
	// default is 30 seconds.
	Idle time.Duration
	// Calls is how many calls a worker serves before it is replaced. The default
	// is 1000, three for an image.
	Calls int
	Log   *slog.Logger // slog.Default when nil
}

// maxMapped is from which memory on a worker is replaced: what a large image
// took is free for the next, but counts as the worker's.
const maxMapped = 192 << 20

// Pool is an [ingest.Imager] and [ingest.MetadataReader] of worker processes.
// They are started when there is work. It is safe for concurrent use.
type Pool struct {
	cfg   Config
	setup setup
	start func(context.Context, setup) (*process, error)
	heavy chan struct{} // a place for each Derive at work
	light chan struct{} // and for each other call

	mu      sync.Mutex
	idle    []*process // the last one was used last
	closed  bool
	started bool // a worker, ever
	own     *inProcess
	ending  sync.WaitGroup // idle workers that are being ended
}

// New makes a pool. Close ends its workers.
func New(cfg Config) (*Pool, error) {
	if engine == nil {
		return nil, errors.New("imageworker: the program does not call Main first thing, and so cannot be a worker")
	}
	config, err := json.Marshal(cfg.Engine)
	if err != nil {
		return nil, err
	}
	if cfg.Idle == 0 {
		cfg.Idle = 30 * time.Second
	}
	if cfg.Calls == 0 {
		cfg.Calls = 1000
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	return &Pool{
		cfg: cfg, start: start, setup: setup{Engine: config, Memory: cfg.Memory + cfg.Memory/4},
		heavy: make(chan struct{}, cfg.AtOnce), light: make(chan struct{}, cfg.AtOnce),
	}, nil
}

// Close ends the workers that are idle, and makes those at work end when they
// are done. Calls afterwards are refused as unavailable.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()
	for _, w := range idle {
		w.timer.Stop()
		w.end()
	}
	p.ending.Wait()
}

var (
	errBusy   = fault.New(fault.Unavailable, "images_busy", "Too many images are being worked on. Please try again later.")
	errFailed = fault.New(fault.Unavailable, "image_worker_failed", "The image could not be worked on just now. Please try again later.")
)

// enter waits for a place. An end of the time for an image while it waits for
// others is not its fault.
func enter(ctx context.Context, lane chan struct{}) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case lane <- struct{}{}:
		return nil
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return errBusy
		}
		return ctx.Err()
	}
}

// take gives a worker: the one that was used last, or, if it must be fresh, a
// new one in place of an idle one.
func (p *Pool) take(ctx context.Context, fresh bool) (*process, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, errFailed
	}
	var w *process
	if n := len(p.idle); n > 0 {
		w, p.idle = p.idle[n-1], p.idle[:n-1]
		w.timer.Stop()
	}
	p.mu.Unlock()
	if w != nil && !fresh {
		return w, nil
	}
	if w != nil {
		w.end()
	}
	w, err := p.start(ctx, p.setup)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.started = p.started || err == nil
	return w, err
}

// give takes a worker back, unless it has done enough.
func (p *Pool) give(w *process) {
	p.mu.Lock()
	if p.closed || w.spoiled || w.calls >= p.cfg.Calls || w.mapped > maxMapped*shadow {
		p.mu.Unlock()
		w.end()
		return
	}
	defer p.mu.Unlock()
	p.idle = append(p.idle, w)
	w.timer = time.AfterFunc(p.cfg.Idle, func() { p.retire(w) })
}

// retire ends a worker that is still idle.
func (p *Pool) retire(w *process) {
	p.mu.Lock()
	i := slices.Index(p.idle, w)
	if i < 0 {
		p.mu.Unlock()
		return
	}
	p.idle = slices.Delete(p.idle, i, i+1)
	p.ending.Add(1)
	defer p.ending.Done()
	p.mu.Unlock()
	w.end()
}
