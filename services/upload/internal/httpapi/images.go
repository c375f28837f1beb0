package httpapi

import (
	"errors"
	"mime"
	"net/http"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

var (
	errOwnerMissing = fault.New(fault.Invalid, "owner_missing", "The request does not say for whom the files are.")
	errOwnerInvalid = fault.New(fault.Invalid, "owner_invalid", "The request does not say properly for whom the files are.")
	errNotForm      = fault.New(fault.Unsupported, "unsupported_media_type", "Files are taken as multipart/form-data.")
	errEncoded      = fault.New(fault.Unsupported, "content_encoding_unsupported", "The body must be sent without a content encoding.")
)

// maxBoundaryBytes is the longest boundary that MIME allows (RFC 2046, section 5.1.1).
const maxBoundaryBytes = 70

// images answers POST /v1/images.
type images struct {
	receiver Receiver
	limits   Limits
}

// ServeHTTP refuses what the header alone decides before it reads the body, so
// that a client that asks first (Expect: 100-continue) sends it in vain never.
func (h *images) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	owner, boundary, err := h.admit(r)
	if err != nil {
		w.Header().Set("Connection", "close") // rather than read a body that nobody wants
		problem.Write(w, r, err)
		return
	}
	f := newForm(w, r, boundary, h.limits)
	outcomes, err := h.receiver.Receive(r.Context(), owner, f.files)
	if err != nil {
		w.Header().Set("Connection", "close")
		problem.WriteStatus(w, r, err, statusOf(err))
		return
	}
	answer(w, r, outcomes, f.album)
}

func (h *images) admit(r *http.Request) (owner identity.Owner, boundary string, err error) {
	if owner, err = ownerOf(r); err != nil {
		return "", "", err
	}
	if boundary, err = boundaryOf(r); err != nil {
		return "", "", err
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return "", "", errEncoded
	}
	if r.ContentLength > h.limits.RequestBytes {
		return "", "", errRequestTooLarge(h.limits.RequestBytes)
	}
	return owner, boundary, nil
}

func ownerOf(r *http.Request) (identity.Owner, error) {
	values := r.Header.Values(identity.OwnerHeader)
	if len(values) == 0 {
		return "", errOwnerMissing
	}
	owner, ok := identity.ParseOwner(values[0])
	if !ok || len(values) > 1 {
		return "", errOwnerInvalid
	}
	return owner, nil
}

func boundaryOf(r *http.Request) (string, error) {
	mediaType, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if mediaType != "multipart/form-data" {
		return "", errNotForm
	}
	boundary := parameters["boundary"]
	if err != nil || boundary == "" || len(boundary) > maxBoundaryBytes {
		return "", errMalformed
	}
	return boundary, nil
}

// statusOf is the status of an error that ends a request. Two of them have
// statuses of their own that no kind of fault maps to.
func statusOf(err error) int {
	switch {
	case errors.Is(err, errBodyTimeout):
		return http.StatusRequestTimeout
	case errors.Is(err, errPartHeader):
		return http.StatusRequestHeaderFieldsTooLarge
	default:
		return problem.From(err).Status
	}
}
