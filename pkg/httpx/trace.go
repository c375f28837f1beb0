package httpx

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/attribute"

	"github.com/sajin-gallery/sajin/pkg/telemetry"
)

// Traced makes of every request, but for the probes, a piece of work in a trace:
// the one that its header names, or a new one. It is named by its route, and
// nothing of the address is recorded: some addresses are secrets. It must be the
// outermost middleware, so that all that is logged names the trace.
func Traced(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isProbe(r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		method, at := methodName(r.Method), &place{}
		ctx, work := telemetry.Begin(telemetry.Extract(r.Context(), r.Header), telemetry.Server, method)
		rec := &recorder{ResponseWriter: w}
		defer func() {
			attributes := []attribute.KeyValue{
				attribute.String("http.request.method", method), attribute.Int("http.response.status_code", rec.answered()),
			}
			if at.pattern != "" {
				work.Name(at.pattern)
				attributes = append(attributes, attribute.String("http.route", at.path()))
			}
			telemetry.Requests.Record(ctx, work.Seconds(), attributes...)
			work.Note(append(attributes, attribute.String("sajin.request_id", w.Header().Get(RequestIDHeader)))...)
			if rec.answered() >= http.StatusInternalServerError {
				work.Failed(http.StatusText(rec.answered()))
			}
			work.End(nil)
		}()
		next.ServeHTTP(rec, r.WithContext(context.WithValue(ctx, placeKey{}, at)))
	})
}

// RefersTo has the trace of a request refer to the one in which came what it
// answers with: a traceparent, "" for none.
func RefersTo(ctx context.Context, trace string) { telemetry.Refer(ctx, trace) }

// place is where a router has sent a request.
type place struct{ pattern string }

type placeKey struct{}

// path is the pattern without its method.
func (p *place) path() string {
	_, path, _ := strings.Cut(p.pattern, " ")
	return path
}

// tookRoute tells Traced which route a request has taken.
func tookRoute(r *http.Request, pattern string) {
	if at, ok := r.Context().Value(placeKey{}).(*place); ok {
		at.pattern = pattern
	}
}

// methodName keeps what a client made up out of names.
func methodName(method string) string {
	if slices.Contains(methods, method) || method == http.MethodOptions {
		return method
	}
	return "_OTHER"
}

// TraceCalls makes of every call of another service a piece of work, and tells
// that service which trace it belongs to. Nothing of the address is recorded but
// whose it is.
func TraceCalls(peer string, next http.RoundTripper) http.RoundTripper {
	return &tracedCalls{peer: peer, next: next}
}

type tracedCalls struct {
	peer string
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper. The call counts until its answer
// begins.
func (t *tracedCalls) RoundTrip(r *http.Request) (*http.Response, error) {
	method := methodName(r.Method)
	attributes := []attribute.KeyValue{attribute.String("http.request.method", method), attribute.String("server.address", t.peer)}
	ctx, work := telemetry.Begin(r.Context(), telemetry.Client, method+" "+t.peer, attributes...)
	r = r.Clone(ctx)
	telemetry.Inject(ctx, r.Header)
	resp, err := t.next.RoundTrip(r)
	if err == nil {
		status := attribute.Int("http.response.status_code", resp.StatusCode)
		attributes = append(attributes, status)
		work.Note(status)
	}
	telemetry.Calls.Record(ctx, work.Seconds(), attributes...)
	work.End(err)
	return resp, err
}
