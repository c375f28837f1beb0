package catalog

import (
	"context"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
)

const (
	tidyTimeout  = time.Minute
	compactBatch = 1000
)

// RunTidy purges what has been in the trash for TrashPeriod, and forgets changes
// older than ChangesPeriod and events taken in before EventsPeriod, at once and
// then every so often, until ctx ends.
func (s *Service) RunTidy(ctx context.Context, every time.Duration) {
	for ctx.Err() == nil {
		if err := s.Tidy(ctx); err != nil {
			s.report(ctx, "tidying up failed and is tried again", err)
		}
		s.rest(ctx, every, nil)
	}
}

// Tidy does it once, as far as a minute goes.
func (s *Service) Tidy(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, tidyTimeout)
	defer cancel()
	_, err := s.tidy(ctx, func(Expired) {})
	return err
}

// Kept counts what a pass of the upkeep did.
type Kept struct {
	Purged    int // images whose time in the trash was over
	Forgotten int // changes
	Events    int // notes of events that were taken in long ago
	Sent      int // events of the outbox
	Aside     int // events of the outbox that no bus takes, which were set aside
}

// Keep does once, and to the end, what RunTidy and RunRelay do now and then, and
// says which images it purges. What it has done is counted beside an error too.
// Events that a relay elsewhere has claimed are left to it.
func (s *Service) Keep(ctx context.Context, say func(Expired)) (Kept, error) {
	done, err := s.tidy(ctx, say)
	if err != nil {
		return done, err
	}
	passed, err := s.drain(ctx)
	done.Sent, done.Aside = passed.sent, passed.aside
	return done, fault.Wrap("catalog.Keep", err)
}

// MaxNamed is the most images that Due names; the others are counted.
const MaxNamed = 1000

// Due is what Keep would do now; it changes nothing. An image that is purged is
// an event in the outbox, which is sent.
func (s *Service) Due(ctx context.Context, say func(Expired)) (Kept, error) {
	at := s.dates()
	all, err := s.store.Expired(ctx, at.Trashed, MaxNamed)
	if err != nil {
		return Kept{}, fault.Wrap("catalog.Due", err)
	}
	for _, e := range all {
		say(e)
	}
	out, err := s.store.Due(ctx, at)
	out.Sent += out.Purged
	return out, fault.Wrap("catalog.Due", err)
}

func (s *Service) dates() Dates {
	now := s.now()
	return Dates{Now: now, Trashed: now.Add(-TrashPeriod), Changes: now.Add(-ChangesPeriod), Events: now.Add(-EventsPeriod)}
}

func (s *Service) tidy(ctx context.Context, say func(Expired)) (done Kept, err error) {
	for {
		purged, err := s.purgeExpired(ctx, say)
		if err != nil {
			return done, err
		}
		done.Purged += purged
		at := s.dates()
		forgotten, err := s.store.Compact(ctx, at.Changes, compactBatch)
		if err != nil {
			return done, fault.Wrap("catalog.Tidy", err)
		}
		done.Forgotten += forgotten
		events, err := s.store.Forget(ctx, at.Events, compactBatch)
		if err != nil {
			return done, fault.Wrap("catalog.Tidy", err)
		}
		done.Events += events
		if purged < expiredBatch && forgotten < compactBatch && events < compactBatch {
			return done, nil
		}
	}
}

// rest waits for a while, or for ever where pause is 0, and for less when it is
// woken.
func (s *Service) rest(ctx context.Context, pause time.Duration, woken <-chan struct{}) {
	var over <-chan time.Time
	if pause > 0 {
		timer := time.NewTimer(pause)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-over:
	case <-woken:
	case <-ctx.Done():
	}
}

// report logs a failure, unless it is only the end.
func (s *Service) report(ctx context.Context, what string, err error) {
	if ctx.Err() == nil {
		s.log.WarnContext(ctx, what, "err", err)
	}
}
