package telemetry

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/propagation"
)

// Limits on what a caller may say about its trace. The header as a whole is
// bounded by the server. Baggage is neither read nor passed on: we have no use
// for it, and it is a way to put words into other services.
const (
	// maxTraceParent is more than any version of the header has so far (55).
	maxTraceParent = 128
	// maxTraceState is what a tracestate must at least be allowed.
	// https://www.w3.org/TR/trace-context/#tracestate-limits
	maxTraceState = 512
)

const (
	traceParentHeader = "traceparent"
	traceStateHeader  = "tracestate"
)

var w3c propagation.TraceContext

// Extract gives the context of the trace that a request's headers name. What is
// malformed or too long is as if it had not been sent.
func Extract(ctx context.Context, header http.Header) context.Context {
	return follow(ctx, header.Get(traceParentHeader), header.Get(traceStateHeader))
}

// Inject names the trace of ctx in the headers of a request, in place of what
// they said.
func Inject(ctx context.Context, header http.Header) {
	header.Del(traceParentHeader)
	header.Del(traceStateHeader)
	w3c.Inject(ctx, propagation.HeaderCarrier(header))
}

// TraceParent names the place in a trace that ctx is at, as a W3C traceparent;
// "" for none.
func TraceParent(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	w3c.Inject(ctx, carrier)
	return carrier[traceParentHeader]
}

// Follow puts ctx at the place in a trace that parent names, where it names one.
func Follow(ctx context.Context, parent string) context.Context { return follow(ctx, parent, "") }

func follow(ctx context.Context, parent, state string) context.Context {
	if parent == "" || len(parent) > maxTraceParent {
		return ctx
	}
	carrier := propagation.MapCarrier{traceParentHeader: parent}
	if len(state) <= maxTraceState {
		carrier[traceStateHeader] = state
	}
	return w3c.Extract(ctx, carrier)
}
