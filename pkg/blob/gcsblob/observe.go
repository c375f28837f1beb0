package gcsblob

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/sajin-gallery/sajin/pkg/telemetry"
)

// observe records a call that has ended. The library could do so itself, but
// with the addresses of its requests, and that of a session lets whoever knows
// it write to the bucket.
func observe(ctx context.Context, op string, start time.Time, err *error) {
	attributes := []attribute.KeyValue{attribute.String("operation", op), attribute.Bool("failed", *err != nil)}
	telemetry.Stored.Record(ctx, time.Since(start).Seconds(), attributes...)
	telemetry.Past(ctx, telemetry.Client, "gcs "+op, start, *err, attributes...)
}
