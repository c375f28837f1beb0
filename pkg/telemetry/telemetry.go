// Package telemetry is how the parts of Sajin say what they do: spans of a trace,
// measurements, and lines of the log that name the trace they belong to.
//
// It knows OpenTelemetry's API and no exporter: where nothing is exported (see
// otlp beside it) a span costs next to nothing, and a trace that somebody else
// has begun is carried on all the same. It knows no service and no use case.
//
// What is recorded is chosen here and where it happens: no address, no query, no
// name of a file and no value of a statement, since any of them may be a secret.
package telemetry

import (
	"context"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/sajin-gallery/sajin/pkg/fault"
)

// Scope is who makes the spans and the measurements.
const Scope = "github.com/sajin-gallery/sajin"

// Kinds of spans, so that few packages need the API itself.
const (
	Internal = trace.SpanKindInternal
	Server   = trace.SpanKindServer
	Client   = trace.SpanKindClient
	Producer = trace.SpanKindProducer
	Consumer = trace.SpanKindConsumer
)

// Span is a piece of work that has begun. It belongs to one goroutine.
type Span struct {
	span  trace.Span
	start time.Time
}

// Begin begins a piece of work, within the one of ctx. The caller ends it.
func Begin(ctx context.Context, kind trace.SpanKind, name string, attributes ...attribute.KeyValue) (context.Context, Span) {
	return begin(ctx, name, trace.WithSpanKind(kind), trace.WithAttributes(attributes...))
}

// BeginAfter is Begin for work that was caused elsewhere: it goes on with the
// trace of origin, a traceparent, and refers to the work of ctx that it is done
// in. Where origin is none, or of the trace of ctx itself, it is Begin.
func BeginAfter(ctx context.Context, origin string, kind trace.SpanKind, name string, attributes ...attribute.KeyValue) (context.Context, Span) {
	here, there := trace.SpanContextFromContext(ctx), trace.SpanContextFromContext(Follow(context.Background(), origin))
	if !there.IsValid() || there.TraceID() == here.TraceID() {
		return Begin(ctx, kind, name, attributes...)
	}
	options := []trace.SpanStartOption{trace.WithSpanKind(kind), trace.WithAttributes(attributes...)}
	if here.IsValid() {
		options = append(options, trace.WithLinks(trace.Link{SpanContext: here}))
	}
	return begin(trace.ContextWithRemoteSpanContext(ctx, there), name, options...)
}

// BeginTrace begins a trace of its own that refers to the work of ctx.
func BeginTrace(ctx context.Context, kind trace.SpanKind, name string, attributes ...attribute.KeyValue) (context.Context, Span) {
	return begin(ctx, name, trace.WithNewRoot(), trace.WithSpanKind(kind), trace.WithAttributes(attributes...), trace.WithLinks(trace.LinkFromContext(ctx)))
}

// Refer has the work of ctx refer to a place in another trace, a traceparent. What
// names none is left out.
func Refer(ctx context.Context, place string) {
	if there := trace.SpanContextFromContext(Follow(context.Background(), place)); there.IsValid() {
		trace.SpanFromContext(ctx).AddLink(trace.Link{SpanContext: there})
	}
}

func begin(ctx context.Context, name string, options ...trace.SpanStartOption) (context.Context, Span) {
	ctx, span := otel.Tracer(Scope).Start(ctx, name, options...)
	return ctx, Span{span: span, start: time.Now()}
}

// Name gives the work another name, which was not known when it began.
func (s Span) Name(name string) { s.span.SetName(name) }

// Note adds to what is recorded of the work.
func (s Span) Note(attributes ...attribute.KeyValue) { s.span.SetAttributes(attributes...) }

// End ends the work, with the error that it came to. Only what an operator
// should see is recorded as a failure: not what a client did wrong, nor that
// something is not there, nor that somebody hung up.
func (s Span) End(err error) {
	if err != nil {
		public := fault.Public(err)
		s.span.SetAttributes(attribute.String("error.type", public.Code))
		if isFailure(public.Kind) {
			s.span.SetStatus(codes.Error, public.Code)
		}
	}
	s.span.End()
}

// Failed marks the work as failed, in a word.
func (s Span) Failed(why string) { s.span.SetStatus(codes.Error, why) }

// Seconds is how long the work has taken.
func (s Span) Seconds() float64 { return time.Since(s.start).Seconds() }

func isFailure(kind fault.Kind) bool {
	switch kind {
	case fault.Internal, fault.Unavailable, fault.Timeout, fault.OutOfSpace:
		return true
	default:
		return false
	}
}

// Past records a piece of work that is over, within the one of ctx. It is for
// what is only told when it has ended.
func Past(ctx context.Context, kind trace.SpanKind, name string, start time.Time, err error, attributes ...attribute.KeyValue) {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return
	}
	_, s := begin(ctx, name, trace.WithTimestamp(start), trace.WithSpanKind(kind), trace.WithAttributes(attributes...))
	s.End(err)
}
