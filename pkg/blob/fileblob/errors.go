package fileblob

import (
	"context"
	"errors"
	"io/fs"
	"syscall"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

// classify gives an error of the file system the kind its caller can act on.
// What is classified already keeps its kind.
func classify(op string, err error) error {
	var known *fault.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fault.Wrap(op, err)
	case errors.Is(err, errNoTrailer):
		return blob.ErrDamaged.With(op, err)
	case isAbsent(err):
		return blob.ErrNotFound.With(op, err)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return blob.ErrFull.With(op, err)
	case errors.Is(err, syscall.ENAMETOOLONG):
		return blob.ErrKey.With(op, err)
	default:
		return blob.ErrUnavailable.With(op, err)
	}
}

// isAbsent: the name is not there, or lies below what is a file.
func isAbsent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}
