package telemetry

import (
	"context"
	"io"
	"log/slog"

	"go.opentelemetry.io/otel/trace"
)

// LogOptions say how the log is written.
type LogOptions struct {
	Level slog.Leveler
	// JSON writes lines as Cloud Logging reads them, else for people.
	JSON bool
	// Project is the Google Cloud project whose traces are meant, if any.
	Project string
}

// NewLog makes a log whose lines name the trace of the context that they are
// written in.
func NewLog(w io.Writer, o LogOptions) slog.Handler {
	if !o.JSON {
		return &traced{Handler: slog.NewTextHandler(w, &slog.HandlerOptions{Level: o.Level}), attributes: forPeople}
	}
	project := o.Project
	return &traced{
		Handler: slog.NewJSONHandler(w, &slog.HandlerOptions{Level: o.Level, ReplaceAttr: cloudLogging}),
		attributes: func(sc trace.SpanContext) []slog.Attr {
			return forCloudLogging(sc, project)
		},
	}
}

// traced is a handler whose lines name their trace.
type traced struct {
	slog.Handler
	attributes func(trace.SpanContext) []slog.Attr
}

func (h *traced) Handle(ctx context.Context, r slog.Record) error {
	if sc := trace.SpanContextFromContext(ctx); sc.IsValid() {
		r = r.Clone()
		r.AddAttrs(h.attributes(sc)...)
	}
	return h.Handler.Handle(ctx, r)
}

func (h *traced) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &traced{Handler: h.Handler.WithAttrs(attrs), attributes: h.attributes}
}

func (h *traced) WithGroup(name string) slog.Handler {
	return &traced{Handler: h.Handler.WithGroup(name), attributes: h.attributes}
}

func forPeople(sc trace.SpanContext) []slog.Attr {
	return []slog.Attr{slog.String("trace", sc.TraceID().String())}
}

// The fields by which Cloud Logging knows a line's trace.
// https://cloud.google.com/logging/docs/structured-logging
const (
	cloudTrace   = "logging.googleapis.com/trace"
	cloudSpan    = "logging.googleapis.com/spanId"
	cloudSampled = "logging.googleapis.com/trace_sampled"
)

func forCloudLogging(sc trace.SpanContext, project string) []slog.Attr {
	name := sc.TraceID().String()
	if project != "" {
		name = "projects/" + project + "/traces/" + name
	}
	return []slog.Attr{
		slog.String(cloudTrace, name),                //nolint:sloglint // Google's name for it
		slog.String(cloudSpan, sc.SpanID().String()), //nolint:sloglint // Google's name for it
		slog.Bool(cloudSampled, sc.IsSampled()),      //nolint:sloglint // Google's name for it
	}
}

// cloudLogging names the level and the message as Cloud Logging reads them.
func cloudLogging(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch a.Key {
	case slog.LevelKey:
		a.Key = "severity"
		if a.Value.String() == slog.LevelWarn.String() {
			a.Value = slog.StringValue("WARNING")
		}
	case slog.MessageKey:
		a.Key = "message"
	}
	return a
}
