package httpx_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sajin-gallery/sajin/pkg/httpx"
)

// shedding is a handler whose requests take a second, and what came of them.
type shedding struct {
	http.Handler
	mu      sync.Mutex
	running int
	most    int
	waits   []string // the Retry-After of those that were turned away
	served  int
}

func newShedding(load httpx.Load) *shedding {
	s := &shedding{}
	s.Handler = httpx.Shed(load, nil)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		s.count(1)
		time.Sleep(time.Second)
		s.count(-1)
	}))
	return s
}

func (s *shedding) count(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running += n
	s.most = max(s.most, s.running)
}

func (s *shedding) ask(t *testing.T) {
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/", nil))
	s.mu.Lock()
	defer s.mu.Unlock()
	switch w.Code {
	case http.StatusOK:
		s.served++
	case http.StatusServiceUnavailable:
		s.waits = append(s.waits, w.Header().Get("Retry-After"))
	default:
		t.Errorf("answered %d", w.Code)
	}
}

func TestSheddingAtTheLimit(t *testing.T) {
	const running, waiting = 5, 3
	for asked, refused := range map[int]int{running: 0, running + waiting - 1: 0, running + waiting: 0, running + waiting + 1: 1, 100: 92} {
		synctest.Test(t, func(t *testing.T) {
			s := newShedding(httpx.Load{Running: running, Waiting: waiting, Patience: 2 * time.Second})
			var all sync.WaitGroup
			for range asked {
				all.Go(func() { s.ask(t) })
			}
			all.Wait()
			if len(s.waits) != refused || s.served != asked-refused || s.most > running {
				t.Errorf("of %d: %d refused, %d served, %d at once", asked, len(s.waits), s.served, s.most)
			}
		})
	}
}

func TestPatienceEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShedding(httpx.Load{Running: 1, Waiting: 10, Patience: 1500 * time.Millisecond})
		start := time.Now()
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() { s.ask(t) })
		}
		all.Wait()
		if s.served != 2 || len(s.waits) != 3 || time.Since(start) != 2*time.Second {
			t.Errorf("%d served, %d refused after %v", s.served, len(s.waits), time.Since(start))
		}
		if s.ask(t); s.served != 3 {
			t.Error("afterwards nobody is served")
		}
	})
}

// Those who are turned away do not come back all at once.
func TestTheTurnedAwayAreSpread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShedding(httpx.Load{})
		spread := map[string]bool{}
		for range 200 {
			s.ask(t)
		}
		for _, wait := range s.waits {
			seconds, err := strconv.Atoi(wait)
			if err != nil || seconds < 2 || seconds > 4 {
				t.Errorf("Retry-After %q", wait)
			}
			spread[wait] = true
		}
		if len(s.waits) != 200 || len(spread) < 3 {
			t.Errorf("%d turned away, told %v", len(s.waits), spread)
		}
	})
}

func TestAClientThatLeavesGivesUpItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShedding(httpx.Load{Running: 1, Waiting: 1, Patience: time.Hour})
		go s.ask(t)
		synctest.Wait()
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		s.ServeHTTP(httptest.NewRecorder(), r.WithContext(ctx))
		s.ask(t) // its place is free
		if s.served != 2 {
			t.Errorf("%d served", s.served)
		}
	})
}
