package httpapi

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
	"github.com/sajin-gallery/sajin/services/web/internal/pages"
)

// The refusals of the edge itself.
var (
	errMisdirected = fault.New(fault.Invalid, "misdirected",
		"The gallery is not known by this name. Please use the address that it was started with.")
	errCrossOrigin = fault.New(fault.Forbidden, "csrf_failed",
		"The request came from another site. Nothing was changed; please use the gallery's own page.")
	errFormType = fault.New(fault.Unsupported, "unsupported_media_type",
		"A form must be sent as application/x-www-form-urlencoded.")
	// errPartHeader is the upload service's, by its code.
	errPartHeader = fault.New(fault.Invalid, "part_header_too_large", "The header of a part of the form is larger than is allowed.")
)

// statusOf is the HTTP status of err, with those that no kind of fault has.
func statusOf(err error) int {
	switch {
	case errors.Is(err, errMisdirected):
		return http.StatusMisdirectedRequest
	case errors.Is(err, httpx.ErrBodyTimeout):
		return http.StatusRequestTimeout
	case errors.Is(err, errPartHeader):
		return http.StatusRequestHeaderFieldsTooLarge
	default:
		return problem.From(err).Status
	}
}

// failPage answers err as a page.
func (s *Server) failPage(w http.ResponseWriter, r *http.Request, err error, status int) {
	failure := failureOf(r.Context(), err)
	failure.Status = status
	d := problem.From(err)
	d.Status = status
	problem.Log(r.Context(), err, d)
	problem.SetRetryAfter(w.Header(), err, status)
	view := pages.ErrorView{Frame: s.frame(r), Failure: failure}
	if renderErr := writePage(w, status, func(out io.Writer) error { return s.Pages.Error(out, view) }); renderErr != nil {
		// The last resort, when even the page for errors cannot be made.
		s.Log.ErrorContext(r.Context(), "the error page could not be made", "err", renderErr)
		http.Error(w, http.StatusText(status), status)
	}
}

// failureOf is what a person may see of err.
func failureOf(ctx context.Context, err error) pages.Failure {
	d := problem.From(err)
	return pages.Failure{Status: statusOf(err), Code: d.Code, Detail: d.Detail, RequestID: problem.RequestID(ctx)}
}

// writePage renders before it writes the header, so that a failure can still be
// answered as one.
func writePage(w http.ResponseWriter, status int, render func(io.Writer) error) error {
	var page bytes.Buffer
	if err := render(&page); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(page.Len()))
	w.WriteHeader(status)
	_, _ = page.WriteTo(w) // the client is gone; there is nobody to tell
	return nil
}
