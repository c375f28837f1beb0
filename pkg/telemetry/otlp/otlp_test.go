//go:build !embedded

package otlp_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/telemetry"
	"github.com/sajin-gallery/sajin/pkg/telemetry/otlp"
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
	start := time.Now()
	work(20_000) // ten times what the queue holds
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("20,000 pieces of work took %s beside a collector that hangs", took)
	}
	start = time.Now()
	stop()
	if took := time.Since(start); took > 4*time.Second {
		t.Errorf("the stop took %s", took)
	}
}
