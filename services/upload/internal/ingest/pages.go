package ingest

import (
	"context"
	"errors"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

var errPageEnough = errors.New("ingest: seen enough pages")

// pages calls visit with every page (never empty) of the objects under prefix
// whose keys are greater than after, until visit fails or has seen enough.
func (s *Service) pages(ctx context.Context, prefix, after string, visit func([]blob.Info) error) error {
	for {
		page, err := s.ports.Blob.List(ctx, prefix, after, blob.MaxListLimit)
		if err != nil {
			return fault.Wrap("ingest.pages", err)
		}
		if len(page) == 0 {
			return nil
		}
		if err := visit(page); errors.Is(err, errPageEnough) {
			return nil
		} else if err != nil {
			return err
		}
		if len(page) < blob.MaxListLimit {
			return nil
		}
		after = page[len(page)-1].Key
	}
}
