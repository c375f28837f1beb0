package kitx

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/go-kit/kit/endpoint"

	"github.com/sajin-gallery/sajin/pkg/fault"
)

// What all calls through one Retry may repeat together: a tenth of them, and a
// few at once. So a service that fails for everybody is asked hardly more often
// than it is when it works, and a glitch costs nobody anything.
const (
	retryShare   = 0.1
	retryReserve = 10
)

// Retry repeats an idempotent call that failed with a retryable fault, up to
// attempts in all, waiting base (more than 0), 2*base, … with jitter. It gives up
// when the context ends, or when its calls have used up what they may repeat: a
// tenth of their number, and a reserve of 10.
func Retry(attempts int, base time.Duration) endpoint.Middleware {
	budget := &retryBudget{left: retryReserve}
	return func(next endpoint.Endpoint) endpoint.Endpoint {
		return func(ctx context.Context, request any) (any, error) {
			budget.earn()
			for attempt := 1; ; attempt++ {
				response, err := next(ctx, request)
				if err == nil || attempt >= attempts || !fault.KindOf(err).Retryable() || ctx.Err() != nil || !budget.spend() {
					return response, err
				}
				wait := base << (attempt - 1)
				select {
				case <-time.After(wait/2 + rand.N(wait)):
				case <-ctx.Done():
					return nil, err
				}
			}
		}
	}
}

// retryBudget is safe for concurrent use.
type retryBudget struct {
	mu   sync.Mutex
	left float64 // retries
}

func (b *retryBudget) earn() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = min(b.left+retryShare, retryReserve)
}

func (b *retryBudget) spend() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}
