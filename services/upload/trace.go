package upload

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"

	"github.com/sajin-gallery/sajin/pkg/telemetry"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// tracer is the core's port to telemetry.
type tracer struct{}

var _ ingest.Tracer = tracer{}

func (tracer) Place(ctx context.Context) string { return telemetry.TraceParent(ctx) }

func (tracer) Follow(ctx context.Context, place string) context.Context {
	return telemetry.Follow(ctx, place)
}

func (tracer) Planned(ctx context.Context) string {
	ctx, work := telemetry.BeginTrace(ctx, telemetry.Internal, "plan image")
	defer work.End(nil)
	return telemetry.TraceParent(ctx)
}

func (tracer) Process(ctx context.Context, place string) (context.Context, func(error)) {
	ctx, work := telemetry.BeginAfter(ctx, place, telemetry.Internal, "process image")
	return ctx, func(err error) {
		telemetry.Processed.Record(ctx, work.Seconds(), attribute.String("outcome", outcome(err)))
		work.End(err)
	}
}

// outcome tells what is refused for what it is from what may work later.
func outcome(err error) string {
	if refused := (*ingest.Refused)(nil); errors.As(err, &refused) {
		return "refused"
	}
	if err != nil {
		return "failed"
	}
	return "ready"
}

// countSwept counts what a sweep came upon, as an operator would want to be
// warned of it. What it did not come upon is counted as none, without which an
// alert would not see the first.
func countSwept(ctx context.Context, done Swept) {
	for kind, n := range map[string]int{
		"taken": done.Taken, "processed": done.Processed, "retried": done.Retried, "sessions": done.Sessions, "removed": done.Removed, "failed": done.Failed,
	} {
		telemetry.Swept.Add(ctx, int64(n), attribute.String("kind", kind))
	}
}
