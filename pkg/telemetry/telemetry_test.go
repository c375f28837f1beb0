package telemetry_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.uber.org/goleak"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/telemetry"
	"github.com/sajin-gallery/sajin/pkg/telemetry/telemetrytest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What clients do wrong is no failure of ours, and what failed is told by its
// code and not in words that may hold a secret.
func TestOnlyFailuresAreFailures(t *testing.T) {
	for _, tt := range []struct {
		err    error
		failed bool
		code   string
	}{
		{nil, false, ""},
		{fault.New(fault.NotFound, "image_not_found", "secret"), false, "image_not_found"},
		{fault.New(fault.Invalid, "validation_failed", "secret"), false, "validation_failed"},
		{context.Canceled, false, "canceled"},
		{fault.New(fault.Unavailable, "storage_unavailable", "secret"), true, "storage_unavailable"},
		{errors.New("secret"), true, "internal"},
	} {
		t.Run(tt.code, func(t *testing.T) {
			recorded := telemetrytest.Record(t)
			_, work := telemetry.Begin(t.Context(), telemetry.Internal, "work")
			work.End(tt.err)
			span := recorded.Spans()[0]
			if span.Failed != tt.failed || span.Attributes["error.type"] != tt.code {
				t.Errorf("%v is recorded as %+v", tt.err, span)
			}
			for _, value := range span.Attributes {
				if value == "secret" {
					t.Errorf("%v is recorded with its text", tt.err)
				}
			}
		})
	}
}

// What goes on after a request, or after a crash, belongs to the trace in which it
// began, and refers to that in which it is done.
func TestWorkGoesOnWithTheTraceItCameFrom(t *testing.T) {
	recorded := telemetrytest.Record(t)
	first, request := telemetry.Begin(t.Context(), telemetry.Server, "request")
	origin := telemetry.TraceParent(first)
	request.End(nil)
	sweep, sweeping := telemetry.Begin(t.Context(), telemetry.Internal, "sweep")
	for _, place := range []string{origin, "", "nonsense"} {
		_, work := telemetry.BeginAfter(sweep, place, telemetry.Internal, "work")
		work.End(nil)
	}
	_, within := telemetry.BeginAfter(first, origin, telemetry.Internal, "within")
	within.End(nil)
	_, planned := telemetry.BeginTrace(first, telemetry.Internal, "planned")
	planned.End(nil)
	sweeping.End(nil)
	s := recorded.Spans()
	r, after, none, bad, inside, own, sw := s[0], s[1], s[2], s[3], s[4], s[5], s[6]
	if after.TraceID != r.TraceID || after.ParentID != r.SpanID || len(after.Linked) != 1 || after.Linked[0] != sw.TraceID {
		t.Errorf("work that came from the request %+v is %+v", r, after)
	}
	for _, span := range []telemetrytest.Span{none, bad} {
		if span.ParentID != sw.SpanID || len(span.Linked) != 0 {
			t.Errorf("work that came from nowhere is %+v", span)
		}
	}
	if inside.ParentID != r.SpanID || len(inside.Linked) != 0 {
		t.Errorf("work within the request is %+v", inside)
	}
	if own.TraceID == r.TraceID || own.ParentID != "" || len(own.Linked) != 1 || own.Linked[0] != r.TraceID {
		t.Errorf("a trace of its own is %+v", own)
	}
}

// Who looks at something refers to the trace in which it was made.
func TestReferringToAnotherTrace(t *testing.T) {
	recorded := telemetrytest.Record(t)
	ctx, look := telemetry.Begin(t.Context(), telemetry.Server, "look")
	for _, place := range []string{parent, "", "nonsense"} {
		telemetry.Refer(ctx, place)
	}
	look.End(nil)
	telemetry.Refer(t.Context(), parent) // within no work there is nobody to refer
	s := recorded.Spans()
	if len(s) != 1 || len(s[0].Linked) != 1 || s[0].Linked[0] != "4bf92f3577b34da6a3ce929d0e0e4736" || s[0].TraceID == s[0].Linked[0] {
		t.Errorf("recorded %+v", s)
	}
}

func TestMeasurementsNameATrace(t *testing.T) {
	recorded := telemetrytest.Record(t)
	ctx, work := telemetry.Begin(t.Context(), telemetry.Internal, "work")
	telemetry.Past(ctx, telemetry.Client, "past", time.Now().Add(-time.Second), nil, attribute.String("a", "b"))
	telemetry.Processed.Record(ctx, 1, attribute.String("outcome", "ready"))
	work.End(nil)
	if s := recorded.Spans(); len(s) != 2 || s[0].Name != "past" || s[0].ParentID != s[1].SpanID || s[0].Attributes["a"] != "b" {
		t.Errorf("recorded %+v", s)
	}
	m := recorded.Measurements(t)
	if len(m) != 1 || m[0].Name != "sajin.image.duration" || m[0].Count != 1 || m[0].Exemplars != 1 || m[0].Attributes["outcome"] != "ready" {
		t.Errorf("measured %+v", m)
	}
}
