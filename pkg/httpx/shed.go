package httpx

import (
	"context"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
)

// Load is how many requests of one class a service takes on.
type Load struct {
	Running  int           // at once
	Waiting  int           // for their turn, beyond those
	Patience time.Duration // how long each of them waits
}

var errOverloaded = fault.New(fault.Unavailable, "overloaded",
	"More is asked of the gallery at this moment than it can do. Please try again shortly.").RetryAfter(2 * time.Second)

// Shed turns away what is beyond a load, at once or when it has waited for its
// turn in vain, with 503 and a Retry-After that spreads who comes back. A wave
// that is short only waits. fail answers; nil means problem+json.
func Shed(load Load, fail func(http.ResponseWriter, *http.Request, error)) Middleware {
	if fail == nil {
		fail = problem.Write
	}
	turns := &turns{load: load, running: make(chan struct{}, load.Running)}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !turns.take(r.Context()) {
				fail(w, r, errOverloaded)
				return
			}
			defer turns.leave()
			next.ServeHTTP(w, r)
		})
	}
}

// turns are safe for concurrent use.
type turns struct {
	load    Load
	running chan struct{}
	waiting atomic.Int64
}

func (t *turns) take(ctx context.Context) bool {
	select {
	case t.running <- struct{}{}:
		return true
	default:
	}
	defer t.waiting.Add(-1)
	if t.waiting.Add(1) > int64(t.load.Waiting) {
		return false
	}
	patience := time.NewTimer(t.load.Patience)
	defer patience.Stop()
	select {
	case t.running <- struct{}{}:
		return true
	case <-patience.C:
	case <-ctx.Done():
	}
	return false
}

func (t *turns) leave() { <-t.running }
