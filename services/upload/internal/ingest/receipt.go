package ingest

import (
	"context"
	"errors"

	"golang.org/x/sync/errgroup"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// MaxReceipt is the most images that one receipt may be for.
const MaxReceipt = 1000

// receiptReads is how many manifests one receipt reads at a time: each is a
// round trip of some milliseconds in the cloud, and a few kilobytes.
const receiptReads = 16

var (
	errNoImages      = fault.New(fault.Invalid, "no_images", "The receipt names no images.")
	errTooManyImages = fault.Newf(fault.TooLarge, "too_many_images", "A receipt may be for %d images at most.", MaxReceipt)
)

// Receipt reads what is stored of an owner's images, in the order asked for; an
// id that comes again is left out. Missing are those that have no manifest: they
// are not there, not processed yet, or somebody else's, which is not told apart.
func (s *Service) Receipt(ctx context.Context, owner identity.Owner, ids []string) (stored []contract.Manifest, missing []string, err error) {
	switch {
	case len(ids) == 0:
		return nil, nil, errNoImages
	case len(ids) > MaxReceipt:
		return nil, nil, errTooManyImages
	}
	ids = distinct(ids)
	found := make([]*contract.Manifest, len(ids))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(receiptReads)
	for i, id := range ids {
		group.Go(func() (err error) {
			found[i], err = s.ownManifest(ctx, owner, id)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	for i, m := range found {
		if m == nil {
			missing = append(missing, ids[i])
			continue
		}
		stored = append(stored, *m)
	}
	return stored, missing, nil
}

// ownManifest is nil for what the owner does not have.
func (s *Service) ownManifest(ctx context.Context, owner identity.Owner, id string) (*contract.Manifest, error) {
	if !identity.ValidImageID(id) {
		return nil, nil
	}
	m, err := s.readManifest(ctx, id)
	switch {
	case errors.Is(err, blob.ErrNotFound):
		return nil, nil
	case err != nil:
		return nil, err
	case m.Owner != string(owner):
		return nil, nil
	default:
		return &m, nil
	}
}

// distinct keeps the first of equal ids.
func distinct(ids []string) []string {
	seen := make(map[string]bool, len(ids))
	out := make([]string, 0, len(ids))
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}
