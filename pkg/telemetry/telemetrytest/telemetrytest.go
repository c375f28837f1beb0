// Package telemetrytest lets tests look at what was recorded: it keeps spans and
// measurements in memory, in place of an exporter, and takes the spans of other
// processes, in place of a collector.
package telemetrytest

import (
	"sync"
	"testing"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace/noop"
)

// Span is one that has ended.
type Span struct {
	Service    string // "" for this process
	Name       string
	TraceID    string
	SpanID     string
	ParentID   string // "" for the first of its trace
	Failed     bool
	Attributes map[string]string
	Linked     []string // ids of traces
}

// Recorder keeps what is recorded in this process.
type Recorder struct{ spans *tracetest.SpanRecorder }

var (
	one sync.Mutex // what is recorded is the process's
	// Instruments follow the first provider that is set, for good, so that all
	// tests share it and each looks at what has come since it began.
	meter = sync.OnceValue(func() *metric.ManualReader {
		reader := metric.NewManualReader(metric.WithTemporalitySelector(
			func(metric.InstrumentKind) metricdata.Temporality { return metricdata.DeltaTemporality }))
		otel.SetMeterProvider(metric.NewMeterProvider(metric.WithReader(reader)))
		return reader
	})
)

// Record begins to keep what is recorded, until the test ends. Of tests that do
// so one runs at a time.
func Record(tb testing.TB) *Recorder {
	tb.Helper()
	one.Lock()
	r := &Recorder{spans: tracetest.NewSpanRecorder()}
	otel.SetTracerProvider(trace.NewTracerProvider(trace.WithSpanProcessor(r.spans)))
	tb.Cleanup(func() {
		otel.SetTracerProvider(noop.NewTracerProvider())
		one.Unlock()
	})
	r.Measurements(tb) // and forget them
	return r
}

// Spans are those that have ended, in that order.
func (r *Recorder) Spans() []Span {
	var out []Span
	for _, s := range r.spans.Ended() {
		span := Span{
			Name: s.Name(), TraceID: s.SpanContext().TraceID().String(), SpanID: s.SpanContext().SpanID().String(),
			Failed: s.Status().Code.String() == "Error", Attributes: map[string]string{},
		}
		if s.Parent().IsValid() {
			span.ParentID = s.Parent().SpanID().String()
		}
		for _, a := range s.Attributes() {
			span.Attributes[string(a.Key)] = a.Value.String()
		}
		for _, l := range s.Links() {
			span.Linked = append(span.Linked, l.SpanContext.TraceID().String())
		}
		out = append(out, span)
	}
	return out
}

// Measurement is what was measured of one kind, with one set of attributes.
type Measurement struct {
	Name       string
	Count      int64 // of measurements, or what was counted
	Attributes map[string]string
	Exemplars  int // that name a trace
}

// Measurements are all since the last call, or since Record.
func (r *Recorder) Measurements(tb testing.TB) []Measurement {
	tb.Helper()
	var all metricdata.ResourceMetrics
	if err := meter().Collect(tb.Context(), &all); err != nil {
		tb.Fatal(err)
	}
	var out []Measurement
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					out = append(out, Measurement{Name: m.Name, Count: int64(p.Count), Attributes: plain(p.Attributes), Exemplars: len(p.Exemplars)})
				}
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					out = append(out, Measurement{Name: m.Name, Count: p.Value, Attributes: plain(p.Attributes), Exemplars: len(p.Exemplars)})
				}
			}
		}
	}
	return out
}

func plain(set attribute.Set) map[string]string {
	out := map[string]string{}
	for _, a := range set.ToSlice() {
		out[string(a.Key)] = a.Value.String()
	}
	return out
}
