package upload

import (
	"context"
	"time"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// Swept counts what a sweep found and did.
type Swept = ingest.Swept

// SweepStep is one thing that a sweep does.
type SweepStep = ingest.Step

// SweepOptions say what a sweep that somebody asks for is to do.
type SweepOptions struct {
	// All looks at everything, instead of what came within the last two days,
	// and publishes every manifest again.
	All         bool
	RetryFailed bool // what is kept without a preview because processing it failed
	DryRun      bool // change nothing, and report what would be done
	Report      func(SweepStep)
}

// Sweep does once what a running service does now and then. Services may run
// over the same bucket meanwhile.
func Sweep(ctx context.Context, cfg Config, deps Deps, o SweepOptions) (Swept, error) {
	if err := cfg.Validate(); err != nil {
		return Swept{}, err
	}
	deps = deps.withDefaults()
	images, err := newImages(cfg, deps)
	if err != nil {
		return Swept{}, err
	}
	core := newCore(cfg, deps, images)
	defer func() {
		defer images.close()
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), httpx.DrainTimeout)
		defer cancel()
		core.Close(drain)
	}()
	now := deps.Now()
	order := ingest.Order{
		Now: now, Since: now.Add(-sweepBack), RepeatAll: o.All, RetryFailed: o.RetryFailed, DryRun: o.DryRun, Report: o.Report,
	}
	if o.All {
		order.Since = time.Time{}
	}
	if err := settleInbox(ctx, deps.Inbox); err != nil {
		return Swept{}, err
	}
	done, err := core.SweepBy(ctx, order)
	if !o.DryRun {
		countSwept(ctx, done)
	}
	return done, err
}

// settleInbox waits for what has just been put into an inbox to be seen twice.
func settleInbox(ctx context.Context, inbox blob.Inbox) error {
	if inbox == nil {
		return nil
	}
	_, young, err := inbox.Waiting(ctx, "", 1)
	if err != nil || young == 0 {
		return err
	}
	timer := time.NewTimer(blob.InboxSettle)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// inboxEvery is how often a folder is looked at that people copy into.
const inboxEvery = 5 * time.Second

// watchInbox takes in what is put into the inbox until ctx ends. What fails is
// tried again with the next look.
func (s *Service) watchInbox(ctx context.Context) {
	tick := time.NewTicker(inboxEvery)
	defer tick.Stop()
	for {
		done, err := s.core.TakeInbox(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			s.deps.Log.WarnContext(ctx, "the inbox cannot be looked at", "err", err)
		case done.Taken > 0:
			s.deps.Log.InfoContext(ctx, "took in the files of the inbox", "files", done.Taken)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
