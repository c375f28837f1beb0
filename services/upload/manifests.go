package upload

import (
	"context"
	"errors"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// Manifests calls visit with every manifest in a media store, in the order of
// the uploads, or with why one cannot be used; see OriginalGone. A thousand at
// most are in memory. It ends at visit's first error, and returns it.
func Manifests(ctx context.Context, media blob.Store, visit func(id string, m contract.Manifest, err error) error) error {
	return ingest.Manifests(ctx, media, visit)
}

// OriginalGone reports whether a manifest cannot be used because its original is
// not there any more: the image was being purged.
func OriginalGone(err error) bool { return errors.Is(err, ingest.ErrOriginalGone) }
