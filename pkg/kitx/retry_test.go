package kitx_test

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
	"github.com/sajin-gallery/sajin/pkg/kitx"
)

// The most that calls may be repeated, beyond a tenth of them.
const reserve = 10

// F34: 200 callers, each a call a second, of a service that refuses everything
// for a minute. It is asked for hardly more than they ask, and serves all again
// within seconds of its recovery.
func TestF34_ARetryStormIsBounded(t *testing.T) {
	for name, breaker := range map[string]bool{"without a breaker": false, "with one": true} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { storm(t, breaker) }) })
	}
}

func storm(t *testing.T, breaker bool) {
	const callers, seconds, recovery = 200, 60, 10
	var asked, called, refused atomic.Int64
	var down atomic.Bool
	down.Store(true)
	service := func(context.Context, any) (any, error) {
		asked.Add(1)
		if down.Load() {
			return nil, fault.New(fault.Unavailable, "down", "Down.")
		}
		return "answer", nil
	}
	call := kitx.Retry(3, 50*time.Millisecond)(service)
	if breaker {
		call = kitx.Retry(3, 50*time.Millisecond)(kitx.Breaker("catalog")(service))
	}
	round := func() {
		var all sync.WaitGroup
		for i := range callers {
			all.Go(func() {
				time.Sleep(time.Duration(i) * time.Second / callers)
				called.Add(1)
				if _, err := call(t.Context(), nil); err != nil {
					refused.Add(1)
				}
			})
		}
		all.Wait()
	}
	for range seconds {
		round()
	}
	if most := called.Load()*11/10 + reserve; asked.Load() > most || refused.Load() != called.Load() {
		t.Errorf("%d calls became %d attempts, at most %d are allowed; %d were refused", called.Load(), asked.Load(), most, refused.Load())
	}
	if breaker && asked.Load() > called.Load()/10 {
		t.Errorf("with a breaker %d calls became %d attempts", called.Load(), asked.Load())
	}
	down.Store(false)
	for range recovery {
		round()
	}
	refused.Store(0)
	if round(); refused.Load() > 0 {
		t.Errorf("%d s after the end %d of %d calls are refused", recovery, refused.Load(), callers)
	}
}

// A glitch is made up for as long as glitches are rare, and again when they
// have been.
func TestTheRetryBudgetIsEarnedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fails := true
		calls := 0
		call := kitx.Retry(2, time.Millisecond)(func(context.Context, any) (any, error) {
			calls++
			if fails {
				return nil, fault.New(fault.Unavailable, "down", "Down.")
			}
			return "answer", nil
		})
		retries := func(n int) int {
			calls = 0
			for range n {
				_, _ = call(t.Context(), nil)
			}
			return calls - n
		}
		for _, step := range []struct {
			fails   bool
			calls   int
			retries int
		}{{true, 100, reserve + 9}, {true, 10, 1}, {false, 50, 0}, {true, 5, 5}, {false, 1000, 0}, {true, reserve, reserve}} {
			fails = step.fails
			if got := retries(step.calls); got < step.retries || got > step.retries+1 {
				t.Errorf("%+v: %d retries", step, got)
			}
		}
	})
}

// What is left of the caller's time goes along, so that the service stops when
// the answer is no longer wanted.
func TestTheDeadlineGoesAlong(t *testing.T) {
	for within, want := range map[time.Duration]time.Duration{time.Second: time.Second, time.Minute: 5 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			var left time.Duration
			ended := make(chan time.Duration, 1)
			service := httpx.CallerDeadline(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				ends, _ := r.Context().Deadline()
				left = time.Until(ends)
				start := time.Now()
				<-r.Context().Done()
				ended <- time.Since(start)
				problem.Write(w, r, r.Context().Err())
			}))
			_, err := client(service.ServeHTTP, kitx.Deadline(5*time.Second), kitx.Deadline(within))(t.Context(), ask{})
			if took := <-ended; fault.KindOf(err) != fault.Timeout || left != want || took != want {
				t.Errorf("of %v the service has %v and took %v: %v", within, left, took, err)
			}
		})
	}
}
