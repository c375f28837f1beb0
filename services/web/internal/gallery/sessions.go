package gallery

import (
	"context"
	"fmt"

	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

var errTooManyFiles = fault.Newf(fault.TooLarge, "too_many_files", "A plan may have %d files at most.", uploadapi.MaxPlanFiles)

// Foresee is Plan that opens no session: it only tells what the gallery has
// already. Whether the other files would be taken is not asked.
func (s *Service) Foresee(ctx context.Context, req uploadapi.PlanRequest) (uploadapi.PlanResponse, error) {
	if len(req.Files) > uploadapi.MaxPlanFiles {
		return uploadapi.PlanResponse{}, errTooManyFiles
	}
	known, err := s.known(ctx, req.Files)
	out := uploadapi.PlanResponse{Files: make([]uploadapi.PlanResult, len(req.Files))}
	for i, f := range req.Files {
		out.Files[i].Status = uploadapi.StatusNew
		if image, ok := known[f.SHA256]; ok {
			out.Files[i] = uploadapi.PlanResult{Status: uploadapi.StatusDuplicate, DuplicateOf: image.ID, Trashed: image.Trashed}
		}
	}
	return out, err
}

// Plan answers for files that a client wants to send: what the gallery has
// already is a duplicate, for the others the uploader opens sessions. When the
// catalog cannot be asked nothing is a duplicate yet; it is recognised when it
// has arrived.
func (s *Service) Plan(ctx context.Context, req uploadapi.PlanRequest) (uploadapi.PlanResponse, error) {
	if len(req.Files) > uploadapi.MaxPlanFiles {
		return uploadapi.PlanResponse{}, errTooManyFiles
	}
	known, err := s.known(ctx, req.Files)
	if err != nil {
		s.log.WarnContext(ctx, "the catalog was not asked for duplicates", "err", err)
	}
	out := uploadapi.PlanResponse{Files: make([]uploadapi.PlanResult, len(req.Files))}
	unknown := uploadapi.PlanRequest{Origin: req.Origin}
	var at []int
	var again placing
	for i, f := range req.Files {
		if image, ok := known[f.SHA256]; ok {
			out.Files[i] = uploadapi.PlanResult{Status: uploadapi.StatusDuplicate, DuplicateOf: image.ID, Trashed: image.Trashed}
			again.add(f.AlbumPath(), image.ID)
			continue
		}
		unknown.Files, at = append(unknown.Files, f), append(at, i)
	}
	s.place(ctx, again)
	if len(unknown.Files) == 0 && len(req.Files) > 0 {
		return out, nil
	}
	opened, err := s.uploader.Plan(ctx, unknown)
	if err != nil {
		return uploadapi.PlanResponse{}, err
	}
	if len(opened.Files) != len(at) {
		return uploadapi.PlanResponse{}, fault.As(fault.Internal, "gallery.Plan",
			fmt.Errorf("the uploader answered for %d files of %d", len(opened.Files), len(at)))
	}
	for i, result := range opened.Files {
		out.Files[at[i]] = result
	}
	return out, nil
}

// known asks for the contents that a plan names; what cannot be one is left to
// the uploader to refuse.
func (s *Service) known(ctx context.Context, files []uploadapi.PlanFile) (map[string]catalogapi.KnownResult, error) {
	var req catalogapi.KnownRequest
	for _, f := range files {
		if isSHA256(f.SHA256) {
			req.SHA256s = append(req.SHA256s, f.SHA256)
		}
	}
	if len(req.SHA256s) == 0 {
		return nil, nil
	}
	resp, err := s.catalog.Known(ctx, req)
	out := map[string]catalogapi.KnownResult{}
	for _, result := range resp.Results {
		if result.ID != "" {
			out[result.SHA256] = result
		}
	}
	return out, err
}

func isSHA256(text string) bool {
	for _, c := range []byte(text) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return len(text) == 64
}

// Send passes a chunk on. The result of a whole file is announced to the
// catalog as Upload's are. With an error the response may still tell the Range.
func (s *Service) Send(ctx context.Context, req uploadapi.SessionRequest) (uploadapi.SessionResponse, error) {
	resp, err := s.uploader.Send(ctx, req)
	return s.announced(ctx, resp, err)
}

// Complete answers for a file that a session of the bucket's has taken as the
// last Send does for one that ours has.
func (s *Service) Complete(ctx context.Context, id string) (uploadapi.SessionResponse, error) {
	if !identity.ValidImageID(id) {
		return uploadapi.SessionResponse{}, ErrNotFound
	}
	resp, err := s.uploader.Complete(ctx, id)
	return s.announced(ctx, resp, err)
}

func (s *Service) announced(ctx context.Context, resp uploadapi.SessionResponse, err error) (uploadapi.SessionResponse, error) {
	if err != nil || resp.Result == nil {
		return resp, err
	}
	results := []uploadapi.Result{*resp.Result}
	s.settle(ctx, results)
	resp.Result = &results[0]
	return resp, nil
}

// Cancel gives a session up.
func (s *Service) Cancel(ctx context.Context, session string) error {
	return s.uploader.Cancel(ctx, session)
}
