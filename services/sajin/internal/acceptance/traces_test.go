package acceptance

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/telemetry/telemetrytest"
)

// traceID is one that no other request has.
func traceID(n int) string { return fmt.Sprintf("5a117a5a117a5a117a5a117a%08x", n) }

// within is the header that puts a request into a trace.
func within(n int) []string {
	return []string{"Traceparent", "00-" + traceID(n) + "-00f067aa0ba902b7-01"}
}

// oneTraceAPicture follows pictures through the processes, by what those export:
// from whatever brought them to the catalog it is one trace, and from the
// picture's page a link leads there.
func (g *guarded) oneTraceAPicture(t *testing.T) {
	body, contentType := form("files", g.fresh(t))
	resp, err := g.owner.do(t.Context(), http.MethodPost, "/api/v1/images", contentType, body, within(1)...)
	if err != nil {
		t.Fatal(err)
	}
	var sent struct {
		Results []resultJSON `json:"results"`
	}
	if decode(t, resp, &sent); len(sent.Results) != 1 || sent.Results[0].ID == "" {
		t.Fatalf("%d %s", resp.status, resp.body)
	}
	if trace := g.traceOf(t, sent.Results[0].ID, 2); trace != traceID(1) {
		t.Errorf("the page of what came by a form refers to the trace %s, want %s", trace, traceID(1))
	}
	g.wantTrace(t, traceID(1),
		"web: POST /api/v1/images", "web: POST upload", "upload: POST /v1/images", "upload: process upload-objects", "upload: process image",
		"upload: send sajin-images", "catalog: process catalog-images", "catalog: INSERT catalog_images")

	// What goes past all services, and is never completed, is only heard of by the
	// bucket's notification.
	who, _ := g.owner.page.Transport.(*saying)
	planning := visitor(t, g.url(), append(within(3), who.header...)...)
	f := g.fresh(t)
	p := planning.plan(t, time.Now(), f)[0]
	g.owner.send(t, p.SessionURL, f, 0)
	eventually(t, readyWithin, "the picture is there", func() bool { return contains(g.owner.mustList(t, ""), p.ID) })
	g.owner.ready(t, p.ID)
	trace := g.traceOf(t, p.ID, 4)
	spans := g.wantTrace(t, trace,
		"upload: plan image", "upload: process upload-objects", "upload: process image", "upload: send sajin-images",
		"catalog: process catalog-images", "catalog: INSERT catalog_images")
	for _, s := range spans {
		if s.Name == "plan image" && (s.ParentID != "" || !slices.Equal(s.Linked, []string{traceID(3)})) {
			t.Errorf("the plan is %+v, want the first of its trace, and that it refers to the request's, %s", s, traceID(3))
		}
	}
	for _, s := range g.traces.Spans() {
		if strings.Contains(s.Name, "cloud.google.com") {
			t.Errorf("%s tells what a library says by itself: %s", s.Service, s.Name)
		}
	}
}

// traceOf is where the trace of a picture's page leads to, looked at in the nth
// trace.
func (g *guarded) traceOf(t *testing.T, id string, n int) (trace string) {
	t.Helper()
	g.owner.ready(t, id)
	if page := g.owner.get(t, "/images/"+id, within(n)...); page.status != http.StatusOK {
		t.Fatalf("the page of the picture: %d", page.status)
	}
	eventually(t, readyWithin, "the page's trace is there, and refers to another", func() bool {
		for _, s := range g.traces.Spans() {
			if s.TraceID == traceID(n) && s.Name == "GET /images/{id}" && s.Service == "web" && len(s.Linked) == 1 {
				trace = s.Linked[0]
			}
		}
		return trace != ""
	})
	return trace
}

// wantTrace waits for all of these in one trace, each as its service and its
// name, and for that trace to be in one piece.
func (g *guarded) wantTrace(t *testing.T, id string, names ...string) []telemetrytest.Span {
	t.Helper()
	var found []telemetrytest.Span
	var lost string
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("of the trace %s there are %s; missing or without what comes before: %s", id, named(found), lost)
		}
	})
	eventually(t, readyWithin, "the trace "+id+" is whole", func() bool {
		found = slices.DeleteFunc(g.traces.Spans(), func(s telemetrytest.Span) bool { return s.TraceID != id })
		lost = missing(found, names)
		return lost == ""
	})
	return found
}

// missing is a name that no span has, or that of a span whose parent is neither
// there nor the test itself; "" for none.
func missing(spans []telemetrytest.Span, names []string) string {
	there, seen := map[string]bool{"": true, "00f067aa0ba902b7": true}, map[string]bool{}
	for _, s := range spans {
		there[s.SpanID], seen[s.Service+": "+s.Name] = true, true
	}
	for _, s := range spans {
		if !there[s.ParentID] {
			return s.Service + ": " + s.Name
		}
	}
	for _, name := range names {
		if !seen[name] {
			return name
		}
	}
	return ""
}

func named(spans []telemetrytest.Span) string {
	var out []string
	for _, s := range spans {
		out = append(out, s.Service+": "+s.Name)
	}
	return strings.Join(out, ", ")
}
