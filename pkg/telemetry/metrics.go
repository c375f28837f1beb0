package telemetry

import (
	"context"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// Histogram measures how long something takes, in seconds. A measurement within
// a trace that is kept names it, as its exemplar. Safe for concurrent use.
type Histogram struct{ instrument metric.Float64Histogram }

// Record adds a measurement.
func (h Histogram) Record(ctx context.Context, seconds float64, attributes ...attribute.KeyValue) {
	h.instrument.Record(ctx, seconds, metric.WithAttributes(attributes...))
}

// Counter counts. Safe for concurrent use.
type Counter struct{ instrument metric.Int64Counter }

// Add counts n more.
func (c Counter) Add(ctx context.Context, n int64, attributes ...attribute.KeyValue) {
	c.instrument.Add(ctx, n, metric.WithAttributes(attributes...))
}

// Gauge says how much there is at this moment. Safe for concurrent use.
type Gauge struct{ instrument metric.Float64Gauge }

// Set says so.
func (g Gauge) Set(ctx context.Context, value float64, attributes ...attribute.KeyValue) {
	g.instrument.Record(ctx, value, metric.WithAttributes(attributes...))
}

// Everything that is measured. The first ones have the names that OpenTelemetry
// has given them: https://opentelemetry.io/docs/specs/semconv/
var (
	Requests = histogram("http.server.request.duration", "Requests that were answered, by route and status.")
	Calls    = histogram("http.client.request.duration", "Calls of other services, by service and status.")
	Queries  = histogram("db.client.operation.duration", "Statements on the database, by table.")
	Handled  = histogram("messaging.process.duration", "Events that were handled, by subscription and outcome.")
	Sent     = counter("messaging.client.sent.messages", "{message}", "Events that were published, by topic and outcome.")

	Altered = counter("sajin.events.altered", "{event}", "Events that came again and said something else, by subscription.")
	Refused = counter("sajin.events.refused", "{request}", "Pushes of events whose token was refused, by subscription and reason.")

	Outbox    = gauge("sajin.outbox.events", "{event}", "Events in the catalog's outbox, by state: waiting to be published, or set aside.")
	OutboxAge = gauge("sajin.outbox.age", "s", "How long ago the oldest event in the catalog's outbox that waits came about.")
	SetAside  = counter("sajin.outbox.set.aside", "{event}", "Events of the catalog's outbox that could not be published and were set aside.")

	Stored    = histogram("sajin.blob.duration", "Calls of the object store, by operation.")
	Processed = histogram("sajin.image.duration", "Images that were processed, by outcome.")
	Swept     = counter("sajin.sweep.found", "{item}", "What sweeps found unfinished, by kind.")
	Kept      = counter("sajin.catalog.kept", "{item}", "What the catalog's upkeep did, by kind.")
	LogLost   = counter("sajin.log.lost", "{line}", "Lines of the log that nobody took in time.")
)

// seconds are the bounds of a histogram's buckets: from what is in memory to what
// takes all of a deadline.
var seconds = metric.WithExplicitBucketBoundaries(.002, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300)

// The instruments follow the provider that is set later. A name that the API
// refuses is a mistake that every test meets.
func histogram(name, what string) Histogram {
	made, err := otel.Meter(Scope).Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(what), seconds)
	if err != nil {
		panic(err)
	}
	return Histogram{made}
}

func counter(name, unit, what string) Counter {
	made, err := otel.Meter(Scope).Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(what))
	if err != nil {
		panic(err)
	}
	return Counter{made}
}

func gauge(name, unit, what string) Gauge {
	made, err := otel.Meter(Scope).Float64Gauge(name, metric.WithUnit(unit), metric.WithDescription(what))
	if err != nil {
		panic(err)
	}
	return Gauge{made}
}
