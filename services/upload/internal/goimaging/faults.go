package goimaging

import (
	"context"
	"errors"
	"fmt"
	"image/jpeg"
	"io"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// corrupt is ErrCorrupt with the reason for the log.
func corrupt(format string, args ...any) error {
	return ingest.ErrCorrupt.With("goimaging", fmt.Errorf(format, args...))
}

// witness is an image's bytes, and remembers why they could not be read. A walk
// goes on without much that a file may lack; but what could not be read is not
// what is lacking.
type witness struct {
	io.ReaderAt
	failure error
}

// watch puts a witness before the bytes of src.
func watch(src *ingest.Source) *witness {
	w := &witness{ReaderAt: src.ReaderAt}
	src.ReaderAt = w
	return w
}

func (w *witness) ReadAt(p []byte, off int64) (int, error) {
	n, err := w.ReaderAt.ReadAt(p, off)
	if n < len(p) && err != nil && !errors.Is(err, io.EOF) && w.failure == nil {
		w.failure = err
	}
	return n, err
}

// verdict classifies what a decoder said, nil included. The caller's context
// comes first, then the source, then our own deadline; what is left is the
// image's fault.
func verdict(caller, deadline context.Context, src *witness, err error) error {
	var (
		known       *fault.Error
		unsupported jpeg.UnsupportedError
	)
	switch {
	case caller.Err() != nil:
		return caller.Err()
	case src.failure != nil:
		return src.failure
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
