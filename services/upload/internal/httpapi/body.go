package httpapi

import (
	"errors"
	"io"
	"net/http"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx"
)

var (
	errMalformed   = fault.New(fault.Invalid, "malformed_multipart", "The form cannot be read as multipart/form-data.")
	errPartHeader  = fault.New(fault.Invalid, "part_header_too_large", "The header of a part of the form is larger than is allowed.")
	errBodyTimeout = fault.New(fault.Timeout, "body_timeout", "No more data arrived for too long. Please send what is missing again.")
)

func errRequestTooLarge(limit int64) *fault.Error {
	return fault.Newf(fault.TooLarge, "request_too_large", "The request is larger than the %d MiB that are allowed at a time. Please send fewer files.", limit>>20)
}

// structureBytes bounds what may come between the contents of two parts:
// delimiters, the preamble, a header. It bounds memory; the limit on a header is
// checked afterwards and exactly.
const structureBytes = 128 << 10

var errStructure = errors.New("httpapi: the form's structure takes too many bytes")

// body is the request's body. It remembers how it ended, since the multipart
// reader does not tell a client that went away from a form that makes no sense.
type body struct {
	r         io.Reader
	limit     int64 // of the whole, for the sentence
	structure bool  // reading what is no content
	left      int   // of structureBytes
	failed    error
}

func newBody(w http.ResponseWriter, r *http.Request, limits Limits) *body {
	r.Body = http.MaxBytesReader(w, r.Body, limits.RequestBytes)
	return &body{r: httpx.IdleBody(w, r, limits.IdleBody), limit: limits.RequestBytes}
}

// expectStructure begins to count; expectContent stops.
func (b *body) expectStructure() { b.structure, b.left = true, structureBytes }
func (b *body) expectContent()   { b.structure = false }

func (b *body) Read(p []byte) (int, error) {
	if b.failed != nil {
		return 0, b.failed
	}
	if b.structure && b.left == 0 {
		return 0, errStructure
	}
	if b.structure && len(p) > b.left {
		p = p[:b.left]
	}
	n, err := b.r.Read(p)
	if b.structure {
		b.left -= n
	}
	if err != nil && err != io.EOF { // the body's regular end is io.EOF itself
		b.failed = b.classify(err)
		err = b.failed
	}
	return n, err
}

func (b *body) classify(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return errRequestTooLarge(b.limit)
	}
	if errors.Is(err, httpx.ErrBodyTimeout) {
		return errBodyTimeout.With("httpapi.body", err)
	}
	return httpx.ErrBodyIncomplete.With("httpapi.body", err)
}

// explain says what an error of the multipart reader means for the client.
func (b *body) explain(err error) error {
	switch {
	case b.failed != nil:
		return b.failed
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return httpx.ErrBodyIncomplete.With("httpapi.form", err)
	default:
		return errMalformed.With("httpapi.form", err)
	}
}
