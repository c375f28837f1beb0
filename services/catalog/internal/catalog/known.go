package catalog

import (
	"context"
	"fmt"

	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

// Known tells which of the contents the owner has an image of, in the trash or
// not. It changes nothing, and promises nothing about what is added meanwhile:
// an upload of the same content is still recognised when it arrives. Errors:
// validation_failed.
func (s *Service) Known(ctx context.Context, req catalogapi.KnownRequest) (catalogapi.KnownResponse, error) {
	owner, err := actor(ctx)
	if err != nil {
		return catalogapi.KnownResponse{}, err
	}
	if err := checkKnown(req); err != nil {
		return catalogapi.KnownResponse{}, err
	}
	found, err := s.store.ByContent(ctx, owner, req.SHA256s)
	if err != nil {
		return catalogapi.KnownResponse{}, fault.Wrap("catalog.Known", err)
	}
	out := catalogapi.KnownResponse{Results: make([]catalogapi.KnownResult, len(req.SHA256s))}
	for i, sum := range req.SHA256s {
		out.Results[i].SHA256 = sum
		if image, ok := found[sum]; ok {
			out.Results[i].ID, out.Results[i].Trashed = image.ID, image.trashed()
		}
	}
	return out, nil
}

// checkKnown names every content that is none, up to maxFields.
func checkKnown(req catalogapi.KnownRequest) error {
	if len(req.SHA256s) > catalogapi.MaxKnown {
		return invalid(fault.Field{
			Pointer: "/sha256s", Code: "too_many",
			Detail: fmt.Sprintf("At most %d contents may be asked for at once.", catalogapi.MaxKnown),
		})
	}
	var wrong []fault.Field
	for i, sum := range req.SHA256s {
		if !validSHA256(sum) && len(wrong) < maxFields {
			wrong = append(wrong, fault.Field{Pointer: fmt.Sprintf("/sha256s/%d", i), Code: "invalid", Detail: "The sha256 is not valid."})
		}
	}
	if len(wrong) > 0 {
		return invalid(wrong...)
	}
	return nil
}
