package natsevents

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"

	"github.com/sajin-gallery/sajin/pkg/event"
)

// answerTimeout bounds telling the server what became of a delivery.
const answerTimeout = 5 * time.Second

// Receive runs one worker per handler at once. A worker asks for an event only
// when it is free, so that nothing waits in the process under a lease. A server
// that goes away for a while is waited for, and a subscription that was deleted
// is made again; an error means that the bus is closed.
func (b *Bus) Receive(ctx context.Context, s event.Subscription, h event.Handler) error {
	s = s.WithDefaults()
	if err := s.Check(); err != nil {
		return err
	}
	err := b.Ensure(ctx, s)
	if ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return err
	}
	handling, done := event.Draining(ctx)
	defer done()
	group, ctx := errgroup.WithContext(ctx) // the first worker to fail stops the others
	for range s.Concurrency {
		group.Go(func() error {
			return worker{bus: b, subscription: s, handler: h}.run(ctx, handling)
		})
	}
	return group.Wait()
}

type worker struct {
	bus          *Bus
	subscription event.Subscription
	handler      event.Handler
}

func (w worker) run(ctx, handling context.Context) error {
	p, err := newPuller(w.bus.conn, &w.bus.link, w.subscription)
	if err != nil {
		return classify("natsevents.Receive", err)
	}
	defer p.stop()
	for {
		msg, err := p.next(ctx)
		switch {
		case ctx.Err() != nil && msg != nil:
			answer(msg, event.Answer{Again: true})
			return nil
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, errRefused):
			w.restore(ctx, err)
		case err != nil:
			return classify("natsevents.Receive", err)
		default:
			w.handle(handling, msg)
		}
	}
}

// restore waits a moment and sees to it that the subscription is there.
func (w worker) restore(ctx context.Context, reason error) {
	slog.WarnContext(ctx, "events are not delivered at the moment", "subscription", w.subscription.Name, "reason", reason)
	timer := time.NewTimer(pullPause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return
	}
	if err := w.bus.Ensure(ctx, w.subscription); err != nil && ctx.Err() == nil {
		slog.WarnContext(ctx, "subscription not restored", "subscription", w.subscription.Name, "err", err)
	}
}

func (w worker) handle(ctx context.Context, msg *nats.Msg) {
	raw := event.Raw{Body: msg.Data, Attempt: 1}
	if meta, err := msg.Metadata(); err == nil {
		raw.Attempt = int(min(meta.NumDelivered, 1<<30)) //nolint:gosec // bounded
	}
	release := w.hold(msg)
	result := event.Process(ctx, w.subscription, w.bus, w.handler, raw)
	release()
	answer(msg, result)
}

// hold renews the lease until the returned function is called, which waits for
// a renewal that is under way.
func (w worker) hold(msg *nats.Msg) func() {
	released := make(chan struct{})
	var renewal sync.WaitGroup
	renewal.Go(func() {
		ticker := time.NewTicker(max(w.bus.lease/3, time.Millisecond))
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				if err := msg.InProgress(); err != nil {
					slog.Warn("lease of an event not renewed", "subscription", w.subscription.Name, "err", err)
				}
			case <-released:
				return
			}
		}
	})
	return func() { close(released); renewal.Wait() }
}

// answer tells the server. An acknowledgement is waited for, so that an event
// that was handled is not delivered again because the process ended; after a
// stop as well.
func answer(msg *nats.Msg, a event.Answer) {
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	var err error
	switch {
	case !a.Again:
		err = msg.AckSync(nats.Context(ctx))
	case a.After > 0:
		err = msg.NakWithDelay(a.After)
	default:
		err = msg.Nak()
	}
	if err != nil && !errors.Is(err, nats.ErrMsgAlreadyAckd) {
		slog.Warn("answer about an event not given; it will be delivered again", "err", err)
	}
}
