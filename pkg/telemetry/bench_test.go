package telemetry_test

import (
	"testing"

	"go.opentelemetry.io/otel/attribute"

	"github.com/sajin-gallery/sajin/pkg/telemetry"
)

// BenchmarkUnrecorded is what a piece of work costs where nothing is exported.
func BenchmarkUnrecorded(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		ctx, work := telemetry.Begin(b.Context(), telemetry.Internal, "work")
		telemetry.Processed.Record(ctx, work.Seconds(), attribute.String("outcome", "ready"))
		work.End(nil)
	}
}
