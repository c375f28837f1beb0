package natsevents

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/sajin-gallery/sajin/pkg/event"
)

// answerTimeout bounds telling the server what became of a delivery.
const answerTimeout = 5 * time.Second

// Receive runs one worker per handler at once. A worker asks for an event only
// when it is free, so that nothing waits in the process under a lease.
func (b *Bus) Receive(ctx context.Context, s event.Subscription, h event.Handler) error {
	s = s.WithDefaults()
	if err := s.Check(); err != nil {
		return err
	}
	consumer, err := b.consumer(ctx, s)
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
			return worker{bus: b, subscription: s, handler: h}.run(ctx, handling, consumer)
		})
	}
	return group.Wait()
}

type worker struct {
	bus          *Bus
	subscription event.Subscription
	handler      event.Handler
}

func (w worker) run(ctx, handling context.Context, consumer jetstream.Consumer) error {
	deliveries, err := consumer.Messages(jetstream.PullMaxMessages(1))
	if err != nil {
		return classify("natsevents.Receive", err)
	}
	defer giveBack(deliveries)
	for {
		msg, err := deliveries.Next(jetstream.NextContext(ctx))
		switch {
		case ctx.Err() != nil:
			if msg != nil {
				answer(msg, event.Answer{Again: true})
			}
			return nil
		case err != nil:
			return classify("natsevents.Receive", err)
		}
		w.handle(handling, msg)
	}
}

// giveBack returns what the server sent while the worker was stopping.
func giveBack(deliveries jetstream.MessagesContext) {
	deliveries.Drain()
	for {
		msg, err := deliveries.Next(jetstream.NextMaxWait(answerTimeout))
		if err != nil {
			deliveries.Stop()
			return
		}
		answer(msg, event.Answer{Again: true})
	}
}

func (w worker) handle(ctx context.Context, msg jetstream.Msg) {
	raw := event.Raw{Body: msg.Data(), Attempt: 1}
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
func (w worker) hold(msg jetstream.Msg) func() {
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

// answer tells the server, and waits until it knows, so that an event that was
// handled is not delivered again because the process ended. It does so after a
// stop as well.
func answer(msg jetstream.Msg, a event.Answer) {
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	var err error
	switch {
	case !a.Again:
		err = msg.DoubleAck(ctx)
	case a.After > 0:
		err = msg.NakWithDelay(a.After)
	default:
		err = msg.Nak()
	}
	if err != nil {
		slog.Warn("answer about an event not given; it will be delivered again", "err", err)
	}
}
