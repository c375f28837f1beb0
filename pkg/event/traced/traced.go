// Package traced adds traces and measurements to the event port, on both sides:
// an event names the trace in which it was published, and what its handlers do
// belongs to that trace.
//
// It decorates any bus and knows none. Handlers are decorated by themselves and
// not by Receive, since some are pushed to.
package traced

import (
	"context"

	"go.opentelemetry.io/otel/attribute"

	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/telemetry"
)

// Publisher is p, whose events name their trace where they name none yet.
func Publisher(p event.Publisher) event.Publisher { return &publisher{p} }

type publisher struct{ next event.Publisher }

func (p *publisher) Publish(ctx context.Context, topic event.Topic, e event.Event) error {
	attributes := []attribute.KeyValue{attribute.String("messaging.destination.name", string(topic)), attribute.String("messaging.message.type", e.Type)}
	ctx, work := telemetry.Begin(ctx, telemetry.Producer, "send "+string(topic), attributes...)
	if e.TraceParent == "" {
		e.TraceParent = telemetry.TraceParent(ctx)
	}
	err := p.next.Publish(ctx, topic, e)
	telemetry.Sent.Add(ctx, 1, append(attributes, attribute.String("outcome", outcome(err)))...)
	work.End(err)
	return err
}

// Handler is h, whose work goes on with the trace that the event names.
func Handler(s event.Subscription, h event.Handler) event.Handler {
	return func(ctx context.Context, d event.Delivery) error {
		attributes := []attribute.KeyValue{
			attribute.String("messaging.destination.subscription.name", s.Name), attribute.String("messaging.message.type", d.Event.Type),
		}
		ctx, work := telemetry.BeginAfter(ctx, d.Event.TraceParent, telemetry.Consumer, "process "+s.Name, attributes...)
		work.Note(attribute.Int("messaging.delivery.attempt", d.Attempt))
		err := h(ctx, d)
		telemetry.Handled.Record(ctx, work.Seconds(), append(attributes, attribute.String("outcome", outcome(err)))...)
		work.End(err)
		return err
	}
}

func outcome(err error) string {
	if err != nil {
		return "failed"
	}
	return "ok"
}
