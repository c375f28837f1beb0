package upload

import (
	"context"
	"time"
)

// A sweep looks back this far; one in a while looks at everything.
const (
	sweepBack    = 48 * time.Hour
	sweepAllEach = 6 * time.Hour
)

// sweep runs the sweep at once and then every SweepEvery, sooner when it has
// left something young for later.
func (s *Service) sweep(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var all time.Time // when everything was last looked at
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		now, since := s.deps.Now(), s.deps.Now().Add(-sweepBack)
		if age := now.Sub(all); age < 0 || age >= sweepAllEach {
			since = time.Time{}
		}
		again, ok := s.sweepOnce(ctx, now, since)
		if ok && since.IsZero() {
			all = now
		}
		timer.Reset(again)
	}
}

func (s *Service) sweepOnce(ctx context.Context, now, since time.Time) (again time.Duration, ok bool) {
	limited, cancel := context.WithTimeout(ctx, s.cfg.SweepEvery)
	defer cancel()
	done, err := s.core.Sweep(limited, now, since)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		s.deps.Log.WarnContext(ctx, "the sweep was cut short", "err", err)
	case done.Processed+done.Removed+done.Sessions+done.Failed > 0:
		s.deps.Log.InfoContext(ctx, "swept", "processed", done.Processed, "removed", done.Removed, "sessions", done.Sessions, "failed", done.Failed)
	}
	if err != nil || done.Young > 0 {
		return min(s.cfg.SweepAge, s.cfg.SweepEvery), err == nil
	}
	return s.cfg.SweepEvery, true
}
