package ingest

import (
	"context"
	"errors"
	"iter"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// leftovers removes renditions of images that have neither an original nor a
// manifest: a purge and the processing of one image had met.
func (w *sweep) leftovers(ctx context.Context) error {
	return w.each(ctx, contract.PrefixRenditions, contract.PrefixRenditions, func(page []blob.Info) error {
		old := map[string]bool{}
		for _, info := range page {
			id := path.Base(path.Dir(info.Key))
			if identity.ValidImageID(id) && w.past(info.CreatedAt, w.cfg.LeftoverAge) {
				old[id] = true
			}
		}
		return w.removeLeftovers(ctx, maps.Keys(old))
	})
}

func (w *sweep) removeLeftovers(ctx context.Context, ids iter.Seq[string]) error {
	lacking, err := w.withoutManifest(ctx, ids)
	if err != nil {
		return err
	}
	for _, id := range lacking {
		kept, err := w.hasOriginal(ctx, id)
		if err != nil {
			return err
		}
		if kept {
			continue
		}
		err = w.step(ctx, &w.done.Removed, "remove renditions of nothing", contract.PrefixRenditions+id, func() error {
			return w.removeRenditions(ctx, id)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *sweep) hasOriginal(ctx context.Context, id string) (bool, error) {
	_, err := w.originalOf(ctx, id)
	if errors.Is(err, errGone) {
		return false, nil
	}
	return err == nil, fault.Wrap("ingest.Sweep", err)
}

// oldAttempts removes records of tries at images that are made, or gone: a
// process ended before it could do so. Those of an image that is still to be made are
// the count of its failures, and stay.
func (w *sweep) oldAttempts(ctx context.Context) error {
	return w.each(ctx, contract.PrefixAttempts, contract.PrefixAttempts, func(page []blob.Info) error {
		for _, info := range page {
			if !w.past(info.CreatedAt, w.cfg.LeftoverAge) {
				continue
			}
			if err := w.oldAttempt(ctx, info.Key); err != nil {
				return err
			}
		}
		return nil
	})
}

func (w *sweep) oldAttempt(ctx context.Context, key string) error {
	id, _, _ := strings.Cut(strings.TrimPrefix(key, contract.PrefixAttempts), "/")
	if identity.ValidImageID(id) {
		lacking, err := w.withoutManifest(ctx, slices.Values([]string{id}))
		if err != nil {
			return err
		}
		if kept, err := w.hasOriginal(ctx, id); err != nil || len(lacking) > 0 && kept {
			return err
		}
	}
	return w.step(ctx, &w.done.Removed, "forget a try", key, func() error {
		return fault.Wrap("ingest.Sweep", w.ports.Blob.Delete(ctx, key))
	})
}
