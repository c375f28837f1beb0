package ingest

import "context"

// Tracer follows an image through everything that is done for it: by the request
// that brings it, by what goes on when that has been answered, and by whoever
// takes it up after a crash. A place in a trace is a W3C traceparent, "" for none,
// and travels with the stored original. Safe for concurrent use.
type Tracer interface {
	// Place is the place that ctx is at.
	Place(ctx context.Context) string
	// Follow puts ctx at a place.
	Follow(ctx context.Context, place string) context.Context
	// Process begins the processing of an image whose original says that it came
	// at a place. The returned function ends it, with its error.
	Process(ctx context.Context, place string) (context.Context, func(error))
	// Planned gives the place where the trace of one file begins, of several that
	// are planned in ctx and come later.
	Planned(ctx context.Context) string
}

type untraced struct{}

func (untraced) Place(context.Context) string                         { return "" }
func (untraced) Follow(ctx context.Context, _ string) context.Context { return ctx }
func (untraced) Planned(context.Context) string                       { return "" }
func (untraced) Process(ctx context.Context, _ string) (context.Context, func(error)) {
	return ctx, func(error) {}
}
