package main

import (
	"maps"
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
	listed(t, h, 2)
	wanted := []string{
		"POST /api/v1/images", "POST upload", "POST /v1/images", "process image", "send sajin-images", "process catalog-images",
		"INSERT catalog_images", "send sajin-objects", "process upload-objects",
	}
	var found map[string][]string
	for deadline := time.Now().Add(20 * time.Second); ; <-time.After(20 * time.Millisecond) {
		if found = traces(recorded.Spans()); whole(found, wanted) == 2 {
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
