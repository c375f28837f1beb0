package ingest

import (
	"context"
	"errors"
	"hash/fnv"

	"golang.org/x/sync/errgroup"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// manifests repeats those whose turn it is, and tries again what failed. An id
// tells when its image was uploaded, so that the listing can begin there; the
// manifest may be younger.
func (w *sweep) manifests(ctx context.Context) error {
	after := contract.PrefixManifests
	if !w.since.IsZero() {
		after += identity.FirstImageID(w.since)
	}
	return w.each(ctx, contract.PrefixManifests, after, func(page []blob.Info) error {
		var group errgroup.Group
		group.SetLimit(w.atOnce())
		for _, info := range page {
			if id := manifestID(info.Key); identity.ValidImageID(id) {
				group.Go(func() error { return w.manifest(ctx, id, info) })
			}
		}
		return group.Wait()
	})
}

func (w *sweep) manifest(ctx context.Context, id string, info blob.Info) error {
	if w.order.RetryFailed {
		if retried, err := w.retryFailed(ctx, id, info.Key); retried || err != nil {
			return err
		}
	}
	if !w.isTurn(id, info) || w.said.has(id) {
		return nil
	}
	return w.step(ctx, &w.done.Repeated, "publish again", info.Key, func() error {
		err := w.repeatByID(ctx, id)
		if errors.Is(err, blob.ErrNotFound) {
			return errPassed // purged since it was listed
		}
		return err
	})
}

// isTurn reports whether a manifest is to be said again by this sweep.
func (w *sweep) isTurn(id string, info blob.Info) bool {
	if w.order.RepeatAll || w.now.Sub(info.CreatedAt) < w.cfg.RepeatWithin {
		return true
	}
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(id))
	return w.order.Turns > 0 && hash.Sum32()%w.order.Turns == w.order.Turn%w.order.Turns
}

// retryFailed tries an image again if it was kept unprocessed, and reports
// whether it was.
func (w *sweep) retryFailed(ctx context.Context, id, key string) (bool, error) {
	m, err := w.readManifest(ctx, id)
	if errors.Is(err, blob.ErrNotFound) || err == nil && !unprocessed(m) {
		return false, nil
	}
	if err != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		return true, w.count(ctx, &w.done.Retried, key, err)
	}
	return true, w.step(ctx, &w.done.Retried, "try again", m.Key, func() error {
		_, err := w.retry(ctx, id)
		return err
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
