package httpx_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx"
)

// probes answers live, startup and ready as the statuses they give.
func probes(t *testing.T, h *httpx.Health) (statuses [3]int) {
	t.Helper()
	rt := httpx.NewRouter(nil)
	h.Register(rt)
	for i, name := range []string{"live", "startup", "ready"} {
		rec := httptest.NewRecorder()
		rt.ServeHTTP(rec, httptest.NewRequest("GET", "/healthz/"+name, nil))
		statuses[i] = rec.Code
		if strings.Contains(rec.Body.String(), "10.0.0.3") || rec.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v %s", name, rec.Header(), rec.Body)
		}
	}
	return statuses
}

func TestHealthThroughTheLifeOfAService(t *testing.T) {
	var failure error
	h := &httpx.Health{Check: func(context.Context) error { return failure }}
	step := func(name string, want [3]int) {
		t.Helper()
		if got := probes(t, h); got != want {
			t.Errorf("%s: live, startup, ready = %v, want %v", name, got, want)
		}
	}
	step("starting", [3]int{200, 503, 503})
	h.Started()
	step("started", [3]int{200, 200, 200})
	failure = errors.New("dial 10.0.0.3: refused")
	step("a dependency is down", [3]int{200, 200, 503})
	failure = nil
	step("it is back", [3]int{200, 200, 200})
	h.Draining()
	step("stopping", [3]int{200, 200, 503})
}

// A probe comes every second or two: the log has what changes, once.
func TestAProbeThatFailsIsWrittenOnce(t *testing.T) {
	log := logged(t)
	var failure error
	h := &httpx.Health{Check: func(context.Context) error { return failure }}
	rt := httpx.NewRouter(nil)
	h.Register(rt)
	served := httpx.AccessLog(rt)
	written := func(want string) {
		t.Helper()
		before := len(log.String())
		for range 3 {
			served.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/healthz/ready", nil))
		}
		lines := 0
		for line := range strings.Lines(log.String()[before:]) {
			if !strings.Contains(line, "level=DEBUG") {
				lines++
			}
		}
		if want == "" && lines != 0 || want != "" && (lines != 1 || !strings.Contains(log.String()[before:], want)) {
			t.Errorf("want %q once:\n%s", want, log.String()[before:])
		}
	}
	written("") // a service that starts
	h.Started()
	written("")
	failure = errors.New("no database")
	written(`level=WARN msg="the probe fails" path=/healthz/ready err="httpx.Ready: The service cannot reach what it needs.: no database"`)
	failure = errors.New("no bus")
	written("no bus")
	failure = nil
	written(`level=INFO msg="the probe is well again" path=/healthz/ready`)
	failure = errors.New("no bus")
	written("no bus")
	h.Draining() // one that stops is not well again
	written("")
}

func TestHealthWithoutACheck(t *testing.T) {
	h := &httpx.Health{}
	h.Started()
	if got := probes(t, h); got != [3]int{200, 200, 200} {
		t.Errorf("%v", got)
	}
}

func TestACheckThatHangsIsNotReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &httpx.Health{Check: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}
		h.Started()
		start := time.Now()
		if err := h.Ready(t.Context()); fault.KindOf(err) != fault.Unavailable || time.Since(start) != 2*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}
