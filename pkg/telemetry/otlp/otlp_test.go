//go:build !embedded

package otlp_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel"

	"github.com/sajin-gallery/sajin/pkg/telemetry"
	"github.com/sajin-gallery/sajin/pkg/telemetry/otlp"
	"github.com/sajin-gallery/sajin/pkg/telemetry/telemetrytest"
)

// collector counts the bytes that come to each path.
type collector struct {
	mu   sync.Mutex
	got  map[string]int
	hold chan struct{} // where it is not nil, nothing is answered until it is closed
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if c.hold != nil {
		<-c.hold
		return
	}
	body, _ := io.ReadAll(r.Body)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got[r.URL.Path] += len(body)
	w.WriteHeader(http.StatusOK)
}

func (c *collector) bytes(path string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.got[path]
}

func work(n int) {
	for range n {
		ctx, w := telemetry.Begin(context.Background(), telemetry.Internal, "work")
		telemetry.Processed.Record(ctx, 1)
		w.End(nil)
	}
}

// Where the environment says where to, everything is there when the program has
// stopped; elsewhere nothing is sent.
func TestExportsWhatTheEnvironmentAsksFor(t *testing.T) {
	for _, tt := range []struct {
		name            string
		env             map[string]string
		traces, metrics bool
	}{
		{"nothing", nil, false, false},
		{"both", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "$"}, true, true},
		{"switched off", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "$", "OTEL_SDK_DISABLED": "true"}, false, false},
		{"traces only", map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "$", "OTEL_METRICS_EXPORTER": "none"}, true, false},
		{"an address of its own", map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "$/v1/traces"}, true, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &collector{got: map[string]int{}}
			server := httptest.NewServer(c)
			defer server.Close()
			for name, value := range tt.env {
				if value[0] == '$' {
					value = server.URL + value[1:]
				}
				t.Setenv(name, value)
			}
			stop, err := otlp.Start(t.Context(), "test")
			if err != nil {
				t.Fatal(err)
			}
			work(10)
			stop()
			if got := c.bytes("/v1/traces") > 0; got != tt.traces {
				t.Errorf("traces were sent: %v", got)
			}
			if got := c.bytes("/v1/metrics") > 0; got != tt.metrics {
				t.Errorf("measurements were sent: %v", got)
			}
		})
	}
}

// Google's libraries put the texts of errors into spans of their own, and those
// name objects and addresses.
func TestSpansOfLibrariesAreNotExported(t *testing.T) {
	c := telemetrytest.Collect(t)
	for _, variable := range c.Environment() {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	stop, err := otlp.Start(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	ctx, outer := telemetry.Begin(t.Context(), telemetry.Internal, "outer")
	ctx, theirs := otel.Tracer("cloud.google.com/go").Start(ctx, "theirs")
	_, inner := telemetry.Begin(ctx, telemetry.Internal, "inner")
	inner.End(nil)
	theirs.RecordError(errors.New("no such object: inbox/local/secret.jpg"))
	theirs.End()
	outer.End(nil)
	stop()
	s := c.Spans()
	if len(s) != 2 || s[0].Name != "inner" || s[1].Name != "outer" || s[0].ParentID != s[1].SpanID || s[0].Service != "test" {
		t.Errorf("exported %+v", s)
	}
}

// F44: a collector that takes connections and answers nothing holds up neither
// the work nor, for more than its time, the stop.
func TestF44_ACollectorThatHangsHoldsUpNobody(t *testing.T) {
	c := &collector{hold: make(chan struct{})}
	server := httptest.NewServer(c)
	t.Cleanup(func() { close(c.hold); server.CloseClientConnections(); server.Close() })
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "1") // milliseconds: an export is under way, and hangs
	stop, err := otlp.Start(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	worked := make(chan struct{})
	go func() {
		defer close(worked)
		work(20_000) // ten times what the queue holds
	}()
	select {
	case <-worked: // while the collector hangs, as it does to the end
	case <-time.After(time.Minute):
		t.Fatal("the work waits for the collector")
	}
	start := time.Now()
	stop()
	if took := time.Since(start); took > 4*time.Second {
		t.Errorf("the stop took %s", took)
	}
}
