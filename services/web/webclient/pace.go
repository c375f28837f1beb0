package webclient

import (
	"cmp"
	"context"
	"math/rand/v2"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
)

// Pace is how often, and with what pauses, a request is repeated that failed and
// may succeed later. The zero value means eight attempts without progress, the
// pauses growing from half a second to thirty.
type Pace struct {
	Attempts int           // in a row without progress
	First    time.Duration // the first pause; each is twice the one before, with jitter
	Most     time.Duration // of a pause
	// Patience is the longest Retry-After that is waited for; a server that asks
	// for more is taken at its word and given up. Two minutes when zero.
	Patience time.Duration
}

func (p Pace) withDefaults() Pace {
	return Pace{
		Attempts: cmp.Or(p.Attempts, 8), First: cmp.Or(p.First, 500*time.Millisecond),
		Most: cmp.Or(p.Most, 30*time.Second), Patience: cmp.Or(p.Patience, 2*time.Minute),
	}
}

// tries counts the failures in a row.
type tries struct {
	pace   Pace
	failed int
}

// progress forgets them.
func (t *tries) progress() { t.failed = 0 }

// again waits after a failure, and returns the error when it is not worth
// another attempt.
func (t *tries) again(ctx context.Context, err error) error {
	t.failed++
	asked := fault.Public(err).Retry
	if !fault.KindOf(err).Retryable() || t.failed >= t.pace.Attempts || asked > t.pace.Patience || ctx.Err() != nil {
		return err
	}
	pause := min(t.pace.First<<(t.failed-1), t.pace.Most)
	pause = max(asked, pause/2+rand.N(pause/2+1))
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return fault.Wrap("webclient.again", context.Cause(ctx))
	}
}

// patiently repeats do until it succeeds or is not worth another attempt.
func patiently[T any](ctx context.Context, p Pace, do func() (T, error)) (T, error) {
	for t := (tries{pace: p}); ; {
		out, err := do()
		if err == nil {
			return out, nil
		}
		if err := t.again(ctx, err); err != nil {
			return out, err
		}
	}
}
