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

// verdict classifies what a decoder said, nil included. The caller's context
// comes first, then the source, then our own deadline; what is left is the
// image's fault.
func verdict(caller, deadline context.Context, src *ingest.Witness, err error) error {
	var (
		known       *fault.Error
		unsupported jpeg.UnsupportedError
	)
	switch {
	case caller.Err() != nil:
		return caller.Err()
	case src.Failure() != nil:
		return src.Failure()
	case err == nil:
		return nil
	case deadline.Err() != nil:
		return ingest.ErrTooComplex.With("goimaging", context.Cause(deadline))
	case errors.As(err, &known):
		return err
	case errors.As(err, &unsupported):
		return ingest.ErrVariant.With("goimaging", err)
	default:
		return ingest.ErrCorrupt.With("goimaging", err)
	}
}
