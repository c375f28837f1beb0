//go:build !embedded

package otlp

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"os"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/embedded"
	tracenoop "go.opentelemetry.io/otel/trace/noop"
	"golang.org/x/time/rate"

	"github.com/sajin-gallery/sajin/pkg/telemetry"
)

// stopTimeout bounds the sending of what is left at the end: it has to fit into
// the ten seconds of a stop, after the drain.
const stopTimeout = 1500 * time.Millisecond

// complainEvery is how often a failure to export is logged: a collector that is
// down fails every few seconds.
const complainEvery = time.Minute

// Start begins to export for the program of that name, where the environment
// says where to. stop sends what is left, for at most 1.5 seconds; what a
// collector does not take by then is lost. Nothing here ever holds up a request:
// spans that the queue has no room for are dropped.
func Start(ctx context.Context, name string) (stop func(), err error) {
	traces := wanted("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_TRACES_EXPORTER")
	metrics := wanted("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_METRICS_EXPORTER")
	if !traces && !metrics {
		return func() {}, nil
	}
	otel.SetErrorHandler(complaints())
	about, err := describe(ctx, name)
	if err != nil {
		return func() {}, err
	}
	var stops []func(context.Context) error
	stop = func() { stopAll(stops) }
	if traces {
		exporter, err := otlptracehttp.New(ctx)
		if err != nil {
			return stop, err
		}
		provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))
		otel.SetTracerProvider(ours{recorded: provider})
		stops = append(stops, provider.Shutdown)
	}
	if metrics {
		exporter, err := otlpmetrichttp.New(ctx)
		if err != nil {
			return stop, err
		}
		provider := metric.NewMeterProvider(metric.WithReader(metric.NewPeriodicReader(exporter)), metric.WithResource(about))
		otel.SetMeterProvider(provider)
		stops = append(stops, provider.Shutdown)
	}
	return stop, nil
}

// ours has our own spans recorded and nobody else's. Libraries that bring some
// along, such as Google's, put the texts of errors into them, with addresses and
// the names of objects. What they would have held belongs to the span around.
type ours struct {
	embedded.TracerProvider

	recorded trace.TracerProvider
}

// Tracer implements trace.TracerProvider.
func (o ours) Tracer(name string, options ...trace.TracerOption) trace.Tracer {
	if name == telemetry.Scope {
		return o.recorded.Tracer(name, options...)
	}
	return tracenoop.Tracer{}
}

// wanted reports whether the environment says where a signal goes, and does not
// say that it is not to be sent.
// https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
func wanted(endpoint, exporter string) bool {
	if variable("OTEL_SDK_DISABLED") == "true" || variable(exporter) == "none" {
		return false
	}
	return variable("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || variable(endpoint) != ""
}

func variable(name string) string {
	return os.Getenv(name) //nolint:forbidigo // OpenTelemetry's own variables, most of which its SDK reads by itself
}

// describe is who is speaking: a name by chance tells the processes of one
// service apart, whose measurements would overwrite each other's otherwise.
// OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES override it.
func describe(ctx context.Context, name string) (*resource.Resource, error) {
	about, err := resource.New(ctx,
		resource.WithAttributes(attribute.String("service.name", name), attribute.String("service.namespace", "sajin"),
			attribute.String("service.instance.id", rand.Text())),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
	if errors.Is(err, resource.ErrPartialResource) {
		slog.WarnContext(ctx, "OTEL_RESOURCE_ATTRIBUTES was not understood", "err", err)
		return about, nil
	}
	return about, err
}

func complaints() otel.ErrorHandlerFunc {
	limit := rate.NewLimiter(rate.Every(complainEvery), 1)
	return func(err error) {
		if limit.Allow() {
			slog.Warn("telemetry was not exported", "err", err)
		}
	}
}

// stopAll sends what is left, all at once. What is recorded afterwards goes
// nowhere.
func stopAll(stops []func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	done := make(chan error, len(stops))
	for _, stop := range stops {
		go func() { done <- stop(ctx) }()
	}
	for range stops {
		select {
		case err := <-done:
			if err != nil {
				slog.Warn("the last telemetry was not exported", "err", err)
			}
		case <-ctx.Done():
		}
	}
	otel.SetTracerProvider(tracenoop.NewTracerProvider())
	otel.SetMeterProvider(noop.NewMeterProvider())
}
