package goimaging

import (
	"context"
	"errors"
	"fmt"
	"image/jpeg"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// corrupt is ErrCorrupt with the reason for the log.
func corrupt(format string, args ...any) error {
	return ingest.ErrCorrupt.With("goimaging", fmt.Errorf(format, args...))
}

// sourceError is a failure to read the source: not the image's fault.
type sourceError struct{ err error }

func (e *sourceError) Error() string { return "read the source: " + e.err.Error() }
func (e *sourceError) Unwrap() error { return e.err }

// decodeError classifies what a decoder said. The caller's context comes first,
// then our own deadline, then the source; what is left is the image's fault.
func decodeError(caller, deadline context.Context, err error) error {
	var (
		source      *sourceError
		known       *fault.Error
		unsupported jpeg.UnsupportedError
	)
	switch {
	case caller.Err() != nil:
		return caller.Err()
	case deadline.Err() != nil:
		return ingest.ErrTooComplex.With("goimaging", context.Cause(deadline))
	case errors.As(err, &source):
		return source.err
	case errors.As(err, &known):
		return err
	case errors.As(err, &unsupported):
		return ingest.ErrVariant.With("goimaging", err)
	default:
		return ingest.ErrCorrupt.With("goimaging", err)
	}
}
