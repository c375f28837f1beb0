package gcsblob

import (
	"context"
	"errors"
	"net/http"

	"cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

// classify gives an error of the library the kind its caller can act on. The
// caller's context goes first: what the library reports after it has ended is
// only a consequence.
func classify(ctx context.Context, op string, err error) error {
	if err == nil {
		return nil
	}
	if cause := ctx.Err(); cause != nil {
		return fault.Wrap(op, errors.Join(cause, err))
	}
	var (
		known  *fault.Error
		answer *googleapi.Error
	)
	switch {
	case errors.As(err, &known):
		return fault.Wrap(op, err)
	case errors.Is(err, storage.ErrObjectNotExist):
		return blob.ErrNotFound.With(op, err)
	case errors.As(err, &answer):
		return fromStatus(answer.Code).With(op, err)
	default:
		// A broken connection, a timeout of ours, a bucket that is not there.
		return blob.ErrUnavailable.With(op, err)
	}
}

// rejected is for answers that tell of a defect in what we sent.
var rejected = fault.New(fault.Internal, "storage_rejected", "The storage did not accept the request.")

func fromStatus(status int) *fault.Error {
	switch status {
	case http.StatusPreconditionFailed:
		return blob.ErrExists
	case http.StatusRequestedRangeNotSatisfiable:
		return blob.ErrRange
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusGone,
		http.StatusRequestTimeout, http.StatusTooManyRequests:
		// Rights or bucket missing (an object that is missing was recognised
		// before), an upload session lost, or too much asked: an operator, or
		// time, mends it.
		return blob.ErrUnavailable
	}
	if status >= http.StatusInternalServerError {
		return blob.ErrUnavailable
	}
	return rejected
}
