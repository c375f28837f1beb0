package ingest

import (
	"context"
	"errors"
	"iter"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// Swept is what a sweep found and did.
type Swept struct {
	Processed int // originals without a manifest that were taken up
	Repeated  int // manifests that were published again
	Removed   int // renditions that belonged to nothing
	Sessions  int // sessions that were finished, or given up because they had expired
	Failed    int // of all these, what will be tried again
	Young     int // originals without a manifest that a live upload may still have
}

// Sweep finishes what a crash, a lost event or a failed dependency left undone:
// it processes originals without a manifest, publishes young manifests again,
// finishes and gives up upload sessions, and removes renditions that belong to
// nothing. Only images made since are looked at; the zero time looks at all of them, and only then at renditions.
//
// It deletes no original (but what Process refuses) and nothing that has a
// manifest. Sweeps may run at the same time as uploads, purges and each other.
// One object's failure is counted and logged; an error is returned when the
// bucket cannot be listed or ctx ends.
func (s *Service) Sweep(ctx context.Context, now, since time.Time) (Swept, error) {
	w := &sweep{Service: s, now: now, since: since}
	if err := w.sessions(ctx); err != nil {
		return w.done, err
	}
	if err := w.originals(ctx); err != nil {
		return w.done, err
	}
	if err := w.manifests(ctx); err != nil {
		return w.done, err
	}
	if since.IsZero() {
		return w.done, w.leftovers(ctx)
	}
	return w.done, nil
}

type sweep struct {
	*Service
	now, since time.Time
	done       Swept
}

// count judges one object's error.
func (w *sweep) count(ctx context.Context, done *int, key string, err error) error {
	if err == nil {
		*done++
		return nil
	}
	w.done.Failed++
	if ctx.Err() == nil { // else it is the sweep that ends
		w.ports.Log.WarnContext(ctx, "the sweep leaves an object for later", "key", key, "err", err)
	}
	return ctx.Err()
}

func (w *sweep) originals(ctx context.Context) error {
	after := contract.PrefixOriginals
	if !w.since.IsZero() { // '.' sorts before '/', so the whole day is included
		after += w.since.UTC().Format("20060102") + "."
	}
	return w.pages(ctx, contract.PrefixOriginals, after, func(page []blob.Info) error {
		originals := map[string]blob.Info{}
		for _, info := range page {
			id, err := idOf(info.Key)
			if err != nil {
				w.ports.Log.WarnContext(ctx, "the bucket holds an original with a foreign key", "key", info.Key)
				continue
			}
			originals[id] = info
		}
		return w.unprocessed(ctx, originals)
	})
}

func (w *sweep) unprocessed(ctx context.Context, originals map[string]blob.Info) error {
	lacking, err := w.withoutManifest(ctx, maps.Keys(originals))
	if err != nil {
		return err
	}
	for _, id := range lacking {
		info := originals[id]
		if w.now.Sub(info.CreatedAt) < w.cfg.SweepAge {
			w.done.Young++
			continue
		}
		_, err := w.Process(ctx, info.Key)
		if err := w.count(ctx, &w.done.Processed, info.Key, unfinished(err)); err != nil {
			return err
		}
	}
	return nil
}

// withoutManifest lists, in order, those of the ids that have no manifest. It
// costs one listing of the ids' range instead of one call for each.
func (w *sweep) withoutManifest(ctx context.Context, ids iter.Seq[string]) ([]string, error) {
	sorted := slices.Sorted(ids)
	if len(sorted) == 0 {
		return nil, nil
	}
	first, last := sorted[0], sorted[len(sorted)-1]
	found := map[string]bool{}
	wanted := func(id string) bool { _, ok := slices.BinarySearch(sorted, id); return ok }
	err := w.pages(ctx, contract.PrefixManifests, contract.PrefixManifests+first, func(page []blob.Info) error {
		for _, info := range page {
			if id := manifestID(info.Key); wanted(id) {
				found[id] = true
			}
		}
		if page[len(page)-1].Key > contract.ManifestKey(last) {
			return errPageEnough
		}
		return nil
	})
	return slices.DeleteFunc(sorted, func(id string) bool { return found[id] }), err
}

func manifestID(key string) string {
	return strings.TrimSuffix(strings.TrimPrefix(key, contract.PrefixManifests), ".json")
}

// manifests repeats the young ones. An id tells when its image was uploaded, so
// that the listing can begin there; the manifest may be younger.
func (w *sweep) manifests(ctx context.Context) error {
	after := contract.PrefixManifests
	if !w.since.IsZero() {
		after += identity.FirstImageID(w.since)
	}
	return w.pages(ctx, contract.PrefixManifests, after, func(page []blob.Info) error {
		for _, info := range page {
			id := manifestID(info.Key)
			if w.now.Sub(info.CreatedAt) >= w.cfg.RepeatWithin || !identity.ValidImageID(id) || w.said.has(id) {
				continue
			}
			err := w.repeatByID(ctx, id)
			if errors.Is(err, blob.ErrNotFound) {
				continue // purged since it was listed
			}
			if err := w.count(ctx, &w.done.Repeated, info.Key, err); err != nil {
				return err
			}
		}
		return nil
	})
}

// repeatByID says again what a manifest says, also when its original is gone.
// Then a purge is under way, or has not come to its end (it met the image being
// made, and a crash): the catalog, which knows, says the purge again.
func (w *sweep) repeatByID(ctx context.Context, id string) error {
	m, err := w.readManifest(ctx, id)
	if err != nil {
		return err
	}
	if err = w.repeat(ctx, m, m.Key); errors.Is(err, errGone) {
		return w.sayUploaded(ctx, m)
	}
	return err
}

// leftovers removes renditions of images that have neither an original nor a
// manifest: a purge and the processing of one image had met.
func (w *sweep) leftovers(ctx context.Context) error {
	return w.pages(ctx, contract.PrefixRenditions, contract.PrefixRenditions, func(page []blob.Info) error {
		old := map[string]bool{}
		for _, info := range page {
			id := path.Base(path.Dir(info.Key))
			if identity.ValidImageID(id) && w.now.Sub(info.CreatedAt) >= w.cfg.LeftoverAge {
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
		original := contract.OriginalKey(id, identity.ImageTime(id), "")
		kept, err := w.ports.Blob.List(ctx, original, "", 1)
		if err != nil {
			return fault.Wrap("ingest.Sweep", err)
		}
		if len(kept) > 0 {
			continue
		}
		if err := w.count(ctx, &w.done.Removed, contract.PrefixRenditions+id, w.removeRenditions(ctx, id)); err != nil {
			return err
		}
	}
	return nil
}
