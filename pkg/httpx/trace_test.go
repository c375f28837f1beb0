package httpx_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/telemetry"
	"github.com/sajin-gallery/sajin/pkg/telemetry/telemetrytest"
)

const remoteTrace = "4bf92f3577b34da6a3ce929d0e0e4736"

// tracedRouter answers /things/{id} with the status that the id is.
func tracedRouter() http.Handler {
	rt := httpx.NewRouter(nil)
	rt.HandleFunc("GET /things/{id}", func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("id") == "503" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	rt.HandleFunc("GET /healthz/live", func(http.ResponseWriter, *http.Request) {})
	return httpx.Chain(rt, httpx.Traced, httpx.RequestIDs(true))
}

// A request is recorded by its route and its outcome, and by nothing that may be
// a secret.
func TestRequestsAreTracedByTheirRoute(t *testing.T) {
	recorded := telemetrytest.Record(t)
	h := tracedRouter()
	for _, target := range []string{"/things/secret?q=secret", "/things/503", "/nowhere/secret", "/healthz/live"} {
		r := httptest.NewRequest(http.MethodGet, target, http.NoBody)
		r.Header.Set("Traceparent", "00-"+remoteTrace+"-00f067aa0ba902b7-01")
		r.Header.Set("X-Request-Id", "the-request")
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	spans := recorded.Spans()
	if len(spans) != 3 {
		t.Fatalf("recorded %+v, want no probe", spans)
	}
	for i, want := range []struct {
		name, status string
		failed       bool
	}{{"GET /things/{id}", "200", false}, {"GET /things/{id}", "503", true}, {"GET", "404", false}} {
		s := spans[i]
		if s.Name != want.name || s.Attributes["http.response.status_code"] != want.status || s.Failed != want.failed ||
			s.TraceID != remoteTrace || s.ParentID != "00f067aa0ba902b7" || s.Attributes["sajin.request_id"] != "the-request" {
			t.Errorf("recorded %+v, want %+v", s, want)
		}
		for _, value := range s.Attributes {
			if strings.Contains(value, "secret") {
				t.Errorf("recorded %q", value)
			}
		}
	}
	counted := map[string]int64{}
	for _, m := range recorded.Measurements(t) {
		counted[m.Attributes["http.route"]+" "+m.Attributes["http.response.status_code"]] += m.Count
	}
	if counted["/things/{id} 200"] != 1 || counted["/things/{id} 503"] != 1 || counted[" 404"] != 1 {
		t.Errorf("measured %v", counted)
	}
}

type answering func(*http.Request) (*http.Response, error)

func (f answering) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A call names its trace to the other service, in place of what its caller had
// put there, and leaves the caller's request as it was.
func TestCallsCarryTheTrace(t *testing.T) {
	recorded := telemetrytest.Record(t)
	var sent http.Header
	peer := httpx.TraceCalls("catalog", answering(func(r *http.Request) (*http.Response, error) {
		sent = r.Header
		if r.URL.Path == "/broken" {
			return nil, errors.New("connection reset")
		}
		return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
	}))
	ctx, work := telemetry.Begin(t.Context(), telemetry.Internal, "work")
	for _, path := range []string{"/secret?q=secret", "/broken"} {
		r := httptest.NewRequest(http.MethodGet, "http://catalog.example"+path, http.NoBody).WithContext(ctx)
		r.Header.Set("Traceparent", "stale")
		if resp, err := peer.RoundTrip(r); err == nil {
			_ = resp.Body.Close()
		}
		if got := r.Header.Get("Traceparent"); got != "stale" {
			t.Errorf("the caller's request was changed: %q", got)
		}
	}
	work.End(nil)
	spans := recorded.Spans()
	if len(spans) != 3 || spans[0].Name != "GET catalog" || spans[0].Failed || !spans[1].Failed || spans[1].ParentID != spans[2].SpanID {
		t.Fatalf("recorded %+v", spans)
	}
	if got := sent.Get("Traceparent"); got != "00-"+spans[1].TraceID+"-"+spans[1].SpanID+"-01" {
		t.Errorf("sent %q", got)
	}
	if i := slices.IndexFunc(spans, func(s telemetrytest.Span) bool { return strings.Contains(s.Attributes["url.full"], "secret") }); i >= 0 {
		t.Errorf("recorded %+v", spans[i])
	}
}
