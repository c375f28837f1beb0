package ingest

import (
	"cmp"
	"context"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

// openInBucket ends the counting of sessions whose file has its outcome, if the
// client has not asked for it in good time. It touches no original: what a
// session has brought is found as any other.
func (w *sweep) openInBucket(ctx context.Context) error {
	if w.ports.Sessions == nil {
		return nil
	}
	return w.each(ctx, prefixReserved, prefixReserved, func(page []blob.Info) error {
		for _, info := range page {
			r, ok := parseReservation(info)
			if !ok {
				continue
			}
			ended, err := w.ended(ctx, r)
			if err == nil && !ended {
				continue
			}
			if err := w.forgetInBucket(ctx, info.Key, err); err != nil {
				return err
			}
		}
		return nil
	})
}

// endedInBucket forgets what was noted of old sessions: as long after their end
// as they lived, so that whoever comes late is told.
func (w *sweep) endedInBucket(ctx context.Context) error {
	if w.ports.Sessions == nil {
		return nil
	}
	return w.each(ctx, prefixConcluded, prefixConcluded, func(page []blob.Info) error {
		for _, info := range page {
			if w.now.Sub(info.CreatedAt) < w.cfg.SessionLife {
				continue
			}
			if err := w.forgetInBucket(ctx, info.Key, nil); err != nil {
				return err
			}
		}
		return nil
	})
}

// forgetInBucket removes what was noted of a session, unless finding out whether
// it may has failed.
func (w *sweep) forgetInBucket(ctx context.Context, key string, failed error) error {
	return w.step(ctx, &w.done.Sessions, forgetSession, key, func() error {
		return cmp.Or(failed, fault.Wrap("ingest.Sweep", w.ports.Blob.Delete(ctx, key)))
	})
}

// ended reports whether a session need not be counted any more.
func (w *sweep) ended(ctx context.Context, r reservation) (bool, error) {
	if w.now.Sub(r.expiresAt(w.cfg)) >= w.cfg.SessionLife {
		return true, nil
	}
	page, err := w.ports.Blob.List(ctx, conclusionKey(r.owner, r.id), "", 1)
	if err != nil || len(page) == 0 {
		return false, fault.Wrap("ingest.Sweep", err)
	}
	return w.now.Sub(page[0].CreatedAt) >= w.cfg.AnswerWithin, nil
}
