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

// readersAtOnce is how many manifests are read at one time: a bucket answers
// each after tens of milliseconds.
const readersAtOnce = 16

// ErrOriginalGone is the error of a manifest without its original: a purge is
// under way, or was cut short.
var ErrOriginalGone = errGone

// Manifests calls visit with every manifest in the store, in the order of the
// ids, which is that of the uploads; or with why one cannot be used. It holds a
// thousand at most in memory, and stops at visit's first error, which it
// returns. Manifests that come or go meanwhile may or may not be seen.
func Manifests(ctx context.Context, store blob.Store, visit func(id string, m contract.Manifest, err error) error) error {
	for after := contract.PrefixManifests; ; {
		page, err := store.List(ctx, contract.PrefixManifests, after, blob.MaxListLimit)
		if err != nil {
			return fault.Wrap("ingest.Manifests", err)
		}
		if err := visitPage(ctx, store, page, visit); err != nil {
			return err
		}
		if len(page) < blob.MaxListLimit {
			return nil
		}
		after = page[len(page)-1].Key
	}
}

func visitPage(ctx context.Context, store blob.Store, page []blob.Info, visit func(string, contract.Manifest, error) error) error {
	type read struct {
		m   contract.Manifest
		err error
	}
	all := make([]read, len(page))
	var readers errgroup.Group
	readers.SetLimit(readersAtOnce)
	for i, info := range page {
		readers.Go(func() error {
			all[i].m, all[i].err = readWhole(ctx, store, manifestID(info.Key))
			return nil
		})
	}
	_ = readers.Wait()
	for i, r := range all {
		if errors.Is(r.err, blob.ErrNotFound) {
			continue // purged since it was listed
		}
		if err := ctx.Err(); err != nil {
			return fault.Wrap("ingest.Manifests", err)
		}
		if err := visit(manifestID(page[i].Key), r.m, r.err); err != nil {
			return err
		}
	}
	return nil
}

// readWhole reads the manifest of an image whose original is there.
func readWhole(ctx context.Context, store blob.Store, id string) (contract.Manifest, error) {
	m, err := readManifest(ctx, store, id)
	switch {
	case err != nil:
		return m, err
	case m.ID != id || !identity.ValidImageID(id):
		return m, fault.Newf(fault.Invalid, "manifest_invalid", "The manifest %s is not that of its image.", id)
	}
	_, err = store.Stat(ctx, m.Key)
	if errors.Is(err, blob.ErrNotFound) {
		return m, ErrOriginalGone
	}
	return m, fault.Wrap("ingest.Manifests", err)
}
