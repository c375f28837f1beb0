package upload

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// A sweep looks back this far; one in a while looks at everything.
const (
	sweepBack    = 48 * time.Hour
	sweepAllEach = 6 * time.Hour
	// repeatParts: a sweep of everything publishes this part of all manifests
	// again, so that within a week the catalog hears of each.
	repeatParts = uint32(7 * 24 * time.Hour / sweepAllEach)
)

// rounds are the sweeps of a running service. Each may take as long as there is
// between two of them: one that needs longer is cut, and goes on from there with
// the next but one. In between the last days are swept, so that what has just
// been left undone never waits for the whole store to be looked at. Where they
// have come to is in memory only: a new process begins anew.
type rounds struct {
	sweep      func(context.Context, ingest.Order) (Swept, error)
	now        func() time.Time
	every, age time.Duration // as SweepEvery and SweepAge are
	said       func(ctx context.Context, done Swept, err error)

	all, recent *ingest.Place // where a sweep of everything, or of the last days, was cut
	turn        uint32        // of the manifests
	wholeAt     time.Time     // when everything was last looked at to the end
	rest        bool          // a sweep of everything was cut last: it is the others' turn
}

func (s *Service) rounds() *rounds {
	return &rounds{
		sweep: s.core.SweepBy, now: s.deps.Now, every: s.cfg.SweepEvery, age: s.cfg.SweepAge, said: s.saySwept,
		turn: rand.Uint32(), // any part will do to begin with
	}
}

// run sweeps at once and then every so often, sooner when a sweep was cut or has
// left something young for later. It ends with ctx.
func (r *rounds) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		timer.Reset(r.once(ctx))
	}
}

// once sweeps once, and says after how long the next one is due.
func (r *rounds) once(ctx context.Context) time.Duration {
	limited, cancel := context.WithTimeout(ctx, r.every)
	defer cancel()
	now := r.now()
	order, cut := ingest.Order{Now: now, Since: now.Add(-sweepBack)}, &r.recent
	if age := now.Sub(r.wholeAt); (age < 0 || age >= sweepAllEach) && !r.rest {
		order, cut = ingest.Order{Now: now, Turn: r.turn, Turns: repeatParts}, &r.all
	}
	order.From = *cut
	done, err := r.sweep(limited, order)
	r.said(ctx, done, err)
	*cut = done.Cut
	everything := order.Since.IsZero()
	r.rest = everything && done.Cut != nil
	if everything && err == nil {
		r.wholeAt = now
		r.turn++
	}
	if err != nil || done.Young > 0 {
		return min(r.age, r.every)
	}
	return r.every
}

func (s *Service) saySwept(ctx context.Context, done Swept, err error) {
	countSwept(ctx, done)
	switch {
	case ctx.Err() != nil:
	case done.Cut != nil:
		s.deps.Log.InfoContext(ctx, "the sweep takes longer than there is between two; it will go on from where it was cut")
	case err != nil:
		s.deps.Log.WarnContext(ctx, "the sweep was cut short", "err", err)
	case done.Taken+done.Processed+done.Removed+done.Sessions+done.Failed > 0:
		s.deps.Log.InfoContext(ctx, "swept", "taken", done.Taken, "processed", done.Processed, "removed", done.Removed, "sessions", done.Sessions, "failed", done.Failed)
	}
}
