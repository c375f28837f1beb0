package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/telemetry/telemetrytest"
)

// From the trace of a picture's page leads a link to the trace in which the
// picture came, where that is known, and the answer says nothing of it.
func TestAPicturesPageRefersToItsUpload(t *testing.T) {
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	recorded, s := telemetrytest.Record(t), newSite(t)
	known := s.put(0, func(i *catalogapi.Image) { i.TraceParent = "00-" + trace + "-00f067aa0ba902b7-01" })
	for _, path := range []string{"/images/" + known, "/api/v1/images/" + known, "/images/" + s.put(1)} {
		r, w := httptest.NewRequest(http.MethodGet, path, http.NoBody), httptest.NewRecorder()
		r.Host = s.options.Addr
		s.server.Handler().ServeHTTP(w, r)
		if w.Code != http.StatusOK || strings.Contains(w.Body.String(), trace) {
			t.Errorf("%s: %d, telling the trace: %v", path, w.Code, strings.Contains(w.Body.String(), trace))
		}
	}
	var linked [][]string
	for _, span := range recorded.Spans() {
		linked = append(linked, span.Linked)
	}
	if want := [][]string{{trace}, {trace}, nil}; !slices.EqualFunc(linked, want, slices.Equal[[]string]) {
		t.Errorf("they refer to %v, want %v", linked, want)
	}
}
