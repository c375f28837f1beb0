package gcppubsub

import (
	"context"
	"log/slog"
	"time"

	"cloud.google.com/go/pubsub/v2"

	"github.com/sajin-gallery/sajin/pkg/event"
)

const (
	// maxHold is how long a message that failed keeps its handler's slot before
	// it is given back.
	maxHold = time.Second
	// maxOutstandingBytes bounds the memory of all messages of a receiver.
	maxOutstandingBytes = 64 << 20
	// lease is how long a message stays with a receiver that died. The SDK
	// renews it while the handler runs.
	lease = 30 * time.Second
	// flushTimeout is what the last acknowledgements get after a stop, beyond
	// the handlers' own event.DrainTimeout.
	flushTimeout = time.Second
)

// Receive pulls. After a stop it waits for the running handlers and for their
// acknowledgements to be sent, at most event.DrainTimeout and a second.
func (b *Bus) Receive(ctx context.Context, s event.Subscription, h event.Handler) error {
	s = s.WithDefaults()
	if err := s.Check(); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return nil
	}
	if b.isClosed() {
		return errClosed
	}
	if err := b.ensure(ctx, s); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	handling, done := event.Draining(ctx)
	defer done()
	return (&receiver{bus: b, subscription: s, handler: h, handling: handling}).pull(ctx)
}

// receiver is one call of Receive.
type receiver struct {
	bus          *Bus
	subscription event.Subscription
	handler      event.Handler
	handling     context.Context //nolint:containedctx // of the handlers; lives as long as the receiver
}

// pull runs the SDK's receiver. Its own timed shutdown returns before the last
// acknowledgements are sent, which would bring those events again after every
// stop; so it is told to wait for them, and the time is bounded here. It takes
// no more messages than there are handlers, so that the others go to receivers
// that are free.
func (r *receiver) pull(ctx context.Context) error {
	subscriber := r.bus.client.Subscriber(r.subscription.Name)
	subscriber.ReceiveSettings = pubsub.ReceiveSettings{
		MaxOutstandingMessages:     r.subscription.Concurrency,
		MaxOutstandingBytes:        maxOutstandingBytes,
		MaxExtension:               r.subscription.AckDeadline + maxHold + event.DrainTimeout,
		MaxDurationPerAckExtension: lease,
		NumGoroutines:              1,
		ShutdownOptions:            &pubsub.ShutdownOptions{Timeout: -1, Behavior: pubsub.ShutdownBehaviorWaitForProcessing},
	}
	returned := make(chan error, 1)
	go func() { returned <- subscriber.Receive(ctx, r.receive) }()
	var expired <-chan time.Time
	stopped := ctx.Done()
	for {
		select {
		case err := <-returned:
			if ctx.Err() != nil {
				return nil
			}
			return classify("gcppubsub.Receive", err)
		case <-stopped:
			stopped, expired = nil, time.After(event.DrainTimeout+flushTimeout)
		case <-expired:
			slog.WarnContext(ctx, "acknowledgements were not sent in time; their events will be delivered again",
				"subscription", r.subscription.Name)
			return nil
		}
	}
}

// receive is called for every message, in a goroutine of its own; ctx ends with
// the receiver's.
func (r *receiver) receive(ctx context.Context, m *pubsub.Message) {
	if ctx.Err() != nil {
		m.Nack()
		return
	}
	result := r.handle(m)
	if !result.Again {
		m.Ack()
		return
	}
	hold(ctx, result.After)
	m.Nack()
}

func (r *receiver) handle(m *pubsub.Message) event.Answer {
	attempt := 0
	if m.DeliveryAttempt != nil {
		attempt = *m.DeliveryAttempt
	}
	return r.bus.process(r.handling, r.subscription, r.handler, message{
		id: m.ID, data: m.Data, attributes: m.Attributes, attempt: attempt,
	})
}

// hold waits for the back-off, or for as much of it as may cost a slot.
func hold(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(min(wait, maxHold))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
