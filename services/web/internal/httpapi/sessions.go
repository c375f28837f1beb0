package httpapi

import (
	"context"
	"mime"
	"net/http"
	"strings"

	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
	"github.com/sajin-gallery/sajin/pkg/kitx"
)

// publicPrefix is what the edge's paths have before those of the services.
const publicPrefix = "/api"

var errPlanType = fault.New(fault.Unsupported, "unsupported_media_type", "A plan must be sent as application/json.")

// plan is POST /api/v1/uploads. A session that the upload service serves itself
// is reached through the edge; one of a bucket has an address of its own.
func (s *Server) plan(ctx context.Context, req planRequest) (uploadapi.PlanResponse, error) {
	if req.dry {
		return s.Gallery.Foresee(ctx, req.PlanRequest)
	}
	resp, err := s.Gallery.Plan(ctx, req.PlanRequest)
	for i, f := range resp.Files {
		if strings.HasPrefix(f.SessionURL, "/") {
			resp.Files[i].SessionURL = publicPrefix + f.SessionURL
		}
	}
	return resp, err
}

// planRequest is a plan as the edge is asked for it.
type planRequest struct {
	uploadapi.PlanRequest
	dry bool // nothing is opened
}

func (s *Server) decodePlan(r *http.Request) (planRequest, error) {
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != "application/json" {
		return planRequest{}, errPlanType
	}
	q, err := httpx.ParseQuery(r, "dry_run")
	if err != nil {
		return planRequest{}, err
	}
	dry, err := q.Bool("dry_run")
	if err != nil {
		return planRequest{}, err
	}
	req, err := kitx.DecodeJSON[uploadapi.PlanRequest](r, uploadapi.MaxPlanBytes)
	req.Origin = s.origin(r)
	return planRequest{req, dry}, err
}

// origin is that of our pages as the browser knows it, which a bucket must let
// send: what the request says, and was checked by checkOrigin, else what is
// configured.
func (s *Server) origin(r *http.Request) string {
	if said := r.Header.Get("Origin"); said != "" || s.PublicOrigin == nil {
		return said
	}
	return s.PublicOrigin.String()
}

// sendChunk is PUT /api/v1/uploads/{session}: it passes the bytes on as they
// arrive.
func (s *Server) sendChunk(w http.ResponseWriter, r *http.Request) error {
	if err := s.checkChunk(r); err != nil {
		w.Header().Set("Connection", "close")
		return err
	}
	resp, err := s.passOn(w, r)
	if resp.Range != "" {
		w.Header().Set("Range", resp.Range)
	}
	if err != nil {
		return err
	}
	if resp.Result == nil {
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusPermanentRedirect)
		return nil
	}
	return writeResult(w, resp)
}

// completeUpload is POST /api/v1/uploads/{id}/complete. The upload service
// answers within its own time.
func (s *Server) completeUpload(w http.ResponseWriter, r *http.Request) error {
	if _, err := httpx.ParseQuery(r); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), uploadStall)
	defer cancel()
	resp, err := s.Gallery.Complete(ctx, r.PathValue("id"))
	if err != nil {
		return err
	}
	return writeResult(w, resp)
}

// writeResult answers for a file that is whole.
func writeResult(w http.ResponseWriter, resp uploadapi.SessionResponse) error {
	status := resp.Status
	if resp.Result.Status == uploadapi.StatusDuplicate {
		status = http.StatusOK
	}
	return writeJSON(w, status, resp.Result)
}

func (s *Server) passOn(w http.ResponseWriter, r *http.Request) (resp uploadapi.SessionResponse, err error) {
	err = s.relay(w, r, s.Uploads.MaxRequestBytes, func(ctx context.Context, body *incoming) (err error) {
		resp, err = s.Gallery.Send(ctx, uploadapi.SessionRequest{
			Session: r.PathValue("session"), ContentRange: r.Header.Get("Content-Range"), Length: r.ContentLength, Body: body,
		})
		return err
	})
	return resp, err
}

// checkChunk refuses what the header already says. Two ranges are none: the
// upload service would be sent one of them.
func (s *Server) checkChunk(r *http.Request) error {
	if _, err := httpx.ParseQuery(r); err != nil {
		return err
	}
	encoding := r.Header.Get("Content-Encoding")
	switch {
	case encoding != "" && encoding != "identity":
		return errEncoded
	case len(r.Header.Values("Content-Range")) > 1:
		return errContentRange
	case r.ContentLength > s.Uploads.MaxRequestBytes:
		return s.requestTooLarge()
	default:
		return nil
	}
}

var errContentRange = fault.New(fault.Invalid, "content_range_invalid", "The request has more than one Content-Range.")

// cancelUpload is DELETE /api/v1/uploads/{session}.
func (s *Server) cancelUpload(w http.ResponseWriter, r *http.Request) error {
	if _, err := httpx.ParseQuery(r); err != nil {
		return err
	}
	if err := s.Gallery.Cancel(r.Context(), r.PathValue("session")); err != nil {
		return err
	}
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(problem.StatusClientClosed) // as Cloud Storage does
	return nil
}
