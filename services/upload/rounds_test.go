package upload

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// slow is a sweep that needs longer than there is between two.
type slow struct {
	orders []ingest.Order
	takes  []time.Duration
}

var errCut = errors.New("cut")

func (s *slow) sweep(ctx context.Context, o ingest.Order) (Swept, error) {
	s.orders = append(s.orders, o)
	needs := s.takes[0]
	s.takes = s.takes[1:]
	select {
	case <-time.After(needs):
		return Swept{}, nil
	case <-ctx.Done():
		return Swept{Cut: &ingest.Place{}}, errCut
	}
}

// A sweep of everything that is cut goes on where it was, the last days are
// swept in between, and the part of the manifests stays the same until it is
// through.
func TestRoundsGoOnWhereTheyWereCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const every, age = 10 * time.Minute, 30 * time.Second
		s := &slow{takes: []time.Duration{time.Hour, time.Second, time.Hour, time.Second, time.Minute, time.Second}}
		r := &rounds{sweep: s.sweep, now: time.Now, every: every, age: age, said: func(context.Context, Swept, error) {}, turn: 7}
		var next []time.Duration
		for len(s.takes) > 0 {
			pause := r.once(t.Context())
			next = append(next, pause)
			time.Sleep(pause)
		}
		var everything []bool
		for _, o := range s.orders {
			everything = append(everything, o.Since.IsZero())
		}
		if want := []bool{true, false, true, false, true, false}; !slices.Equal(everything, want) {
			t.Fatalf("swept everything: %v, want %v", everything, want)
		}
		if want := []time.Duration{age, every, age, every, every, every}; !slices.Equal(next, want) {
			t.Errorf("the next are due after %v, want %v", next, want)
		}
		for i, goesOn := range []bool{false, false, true, false, true, false} {
			if o := s.orders[i]; (o.From != nil) != goesOn || everything[i] && o.Turn != 7 {
				t.Errorf("sweep %d: %+v; goes on: %v, want %v", i, o, o.From != nil, goesOn)
			}
		}
		if r.turn != 8 {
			t.Errorf("the next turn is %d, want 8", r.turn)
		}
	})
}

// What fails for another reason than its time begins anew.
func TestRoundsBeginAnewAfterAFailure(t *testing.T) {
	var orders []ingest.Order
	r := &rounds{
		sweep: func(_ context.Context, o ingest.Order) (Swept, error) {
			orders = append(orders, o)
			return Swept{}, errCut
		},
		now: time.Now, every: time.Hour, age: time.Second, said: func(context.Context, Swept, error) {},
	}
	for range 2 {
		if next := r.once(t.Context()); next != time.Second {
			t.Errorf("tried again after %v", next)
		}
	}
	for i, o := range orders {
		if o.From != nil || !o.Since.IsZero() {
			t.Errorf("sweep %d: %+v", i, o)
		}
	}
}
