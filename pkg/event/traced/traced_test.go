package traced_test

import (
	"context"
	"errors"
	"testing"

	"go.uber.org/goleak"

	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/event/traced"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/telemetry"
	"github.com/sajin-gallery/sajin/pkg/telemetry/telemetrytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const topic event.Topic = "sajin-images"

const (
	place = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	// of place
	placeTrace, placeSpan = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
)

// bus keeps what is published.
type bus struct {
	topic event.Topic
	event event.Event
	err   error
}

func (b *bus) Publish(_ context.Context, topic event.Topic, e event.Event) error {
	b.topic, b.event = topic, e
	return b.err
}

func uploaded() event.Event {
	return event.Event{ID: "1", Source: "/services/upload", Type: "image.uploaded.v1", Subject: "secret", Data: []byte(`"secret"`)}
}

func images() event.Subscription { return event.Subscription{Name: "catalog-images", Topic: topic} }

// From the request that publishes to what the handler does in another process
// it is one trace, and nothing of the event's content is in it.
func TestAnEventCarriesItsTraceToWhoeverHandlesIt(t *testing.T) {
	recorded, b := telemetrytest.Record(t), &bus{}
	ctx, request := telemetry.Begin(t.Context(), telemetry.Server, "request")
	if err := traced.Publisher(b).Publish(ctx, topic, uploaded()); err != nil || b.topic != topic {
		t.Fatalf("published to %q: %v", b.topic, err)
	}
	request.End(nil)
	handle := traced.Handler(images(), func(ctx context.Context, _ event.Delivery) error {
		_, work := telemetry.Begin(ctx, telemetry.Client, "INSERT")
		work.End(nil)
		return nil
	})
	if err := handle(t.Context(), event.Delivery{Event: b.event, Attempt: 3}); err != nil {
		t.Fatal(err)
	}
	s := recorded.Spans()
	if len(s) != 4 {
		t.Fatalf("recorded %+v", s)
	}
	send, first, insert, process := s[0], s[1], s[2], s[3]
	if send.Name != "send sajin-images" || send.ParentID != first.SpanID {
		t.Errorf("the sending is %+v, in %+v", send, first)
	}
	if process.Name != "process catalog-images" || process.ParentID != send.SpanID || len(process.Linked) != 0 || process.Attributes["messaging.delivery.attempt"] != "3" {
		t.Errorf("the handling is %+v, of %+v", process, send)
	}
	if insert.ParentID != process.SpanID {
		t.Errorf("what the handler does is %+v, in %+v", insert, process)
	}
	for _, span := range s {
		if span.TraceID != first.TraceID {
			t.Errorf("%s is in a trace of its own", span.Name)
		}
		for name, value := range span.Attributes {
			if value == "secret" {
				t.Errorf("%s says %s=%s", span.Name, name, value)
			}
		}
	}
}

// What is said again, such as a dead letter, stays with the trace that it came in.
func TestAnEventKeepsTheTraceThatItNames(t *testing.T) {
	telemetrytest.Record(t)
	b, again := &bus{}, uploaded()
	again.TraceParent = place
	if err := traced.Publisher(b).Publish(t.Context(), topic, again); err != nil || b.event.TraceParent != place {
		t.Errorf("it went on as %q, %v", b.event.TraceParent, err)
	}
}

// An event that is pushed comes with a request: the work belongs to the event's
// trace, and refers to the request's.
func TestWhatIsPushedRefersToTheRequest(t *testing.T) {
	recorded := telemetrytest.Record(t)
	ctx, push := telemetry.Begin(t.Context(), telemetry.Server, "push")
	for _, from := range []string{place, "", "nonsense"} {
		pushed := uploaded()
		pushed.TraceParent = from
		if err := traced.Handler(images(), func(context.Context, event.Delivery) error { return nil })(ctx, event.Delivery{Event: pushed, Attempt: 1}); err != nil {
			t.Fatal(err)
		}
	}
	push.End(nil)
	s := recorded.Spans()
	known, none, bad, request := s[0], s[1], s[2], s[3]
	if known.TraceID != placeTrace || known.ParentID != placeSpan || len(known.Linked) != 1 || known.Linked[0] != request.TraceID {
		t.Errorf("of an event that names its trace: %+v, pushed in %+v", known, request)
	}
	for _, span := range []telemetrytest.Span{none, bad} {
		if span.ParentID != request.SpanID || len(span.Linked) != 0 {
			t.Errorf("of an event that names none: %+v, pushed in %+v", span, request)
		}
	}
}

// The error is the bus's or the handler's own, since it decides about the next
// attempt, and both are counted by how they ended.
func TestFailuresAreCountedAndPassedOn(t *testing.T) {
	down := fault.New(fault.Unavailable, "bus_unavailable", "secret")
	for want, failure := range map[string]error{"ok": nil, "failed": down} {
		t.Run(want, func(t *testing.T) { testOutcome(t, want, failure) })
	}
}

func testOutcome(t *testing.T, want string, failure error) {
	recorded := telemetrytest.Record(t)
	if err := traced.Publisher(&bus{err: failure}).Publish(t.Context(), topic, uploaded()); !errors.Is(err, failure) {
		t.Errorf("publishing: %v, want %v", err, failure)
	}
	handle := traced.Handler(images(), func(context.Context, event.Delivery) error { return failure })
	if err := handle(t.Context(), event.Delivery{Event: uploaded(), Attempt: 1}); !errors.Is(err, failure) {
		t.Errorf("handling: %v, want %v", err, failure)
	}
	for _, span := range recorded.Spans() {
		if span.Failed != (failure != nil) {
			t.Errorf("recorded %+v", span)
		}
	}
	measured := map[string]string{}
	for _, m := range recorded.Measurements(t) {
		if m.Count != 1 || m.Attributes["messaging.message.type"] != "image.uploaded.v1" {
			t.Errorf("measured %+v", m)
		}
		measured[m.Name] = m.Attributes["outcome"]
	}
	if len(measured) != 2 || measured["messaging.client.sent.messages"] != want || measured["messaging.process.duration"] != want {
		t.Errorf("measured %v, want %s of both", measured, want)
	}
}
