package main

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/telemetry/telemetrytest"
)

// One picture is one trace, from the request that brings it through the services,
// the bucket's store, the bus and the database to what the catalog makes of it,
// also of what goes on after the request was answered.
func TestOneTraceAPicture(t *testing.T) {
	recorded := telemetrytest.Record(t)
	h, stop := serving(t, t.TempDir())
	defer stop()
	for n := range 2 {
		add(t, h, n, n+1)
	}
	images := listed(t, h, 2)
	wanted := []string{
		"POST /api/v1/images", "POST upload", "POST /v1/images", "process image", "send sajin-images", "process catalog-images",
		"INSERT catalog_images", "send sajin-objects", "process upload-objects",
	}
	var found map[string][]string
	for deadline := time.Now().Add(20 * time.Second); ; <-time.After(20 * time.Millisecond) {
		if found = traces(recorded.Spans()); whole(found, wanted) == 2 {
			pagesReferTo(t, h, recorded, images, func(trace string) bool { return whole(map[string][]string{trace: found[trace]}, wanted) == 1 })
			return
		}
		if time.Now().After(deadline) {
			break
		}
	}
	for id, names := range found {
		t.Logf("trace %s: %s", id, strings.Join(names, ", "))
	}
	t.Errorf("%d traces have all of %v, want one for each of 2 pictures", whole(found, wanted), wanted)
}

// pagesReferTo holds the trace of every picture's page to referring to one such
// trace, each to another.
func pagesReferTo(t *testing.T, h http.Handler, recorded *telemetrytest.Recorder, images []map[string]any, is func(trace string) bool) {
	t.Helper()
	for _, image := range images {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, fmt.Sprintf("http://127.0.0.1:8080/images/%s", image["id"]), http.NoBody))
		if w.Code != http.StatusOK {
			t.Errorf("the page is answered with %d", w.Code)
		}
	}
	linked := map[string]bool{}
	for _, s := range recorded.Spans() {
		if s.Name == "GET /images/{id}" && len(s.Linked) == 1 && is(s.Linked[0]) {
			linked[s.Linked[0]] = true
		}
	}
	if len(linked) != len(images) {
		t.Errorf("%d pages lead to %d traces of uploads", len(images), len(linked))
	}
}

// traces are the names of the spans of each trace.
func traces(spans []telemetrytest.Span) map[string][]string {
	out := map[string]map[string]bool{}
	for _, s := range spans {
		if out[s.TraceID] == nil {
			out[s.TraceID] = map[string]bool{}
		}
		out[s.TraceID][s.Name] = true
	}
	names := map[string][]string{}
	for id, set := range out {
		names[id] = slices.Sorted(maps.Keys(set))
	}
	return names
}

func whole(found map[string][]string, wanted []string) (n int) {
	for _, names := range found {
		missing := slices.ContainsFunc(wanted, func(name string) bool { return !slices.Contains(names, name) })
		if !missing {
			n++
		}
	}
	return n
}
