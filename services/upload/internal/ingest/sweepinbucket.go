package ingest

import (
	"context"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

// sessionsInBucket ends the counting of sessions whose file has its outcome, if
// the client has not asked for it in good time, and forgets what was noted of
// old ones: as long after their end as they lived, so that whoever comes late is
// told. It touches no original: what a session has brought is found as any other.
func (w *sweep) sessionsInBucket(ctx context.Context) error {
	err := w.pages(ctx, prefixReserved, prefixReserved, func(page []blob.Info) error {
		for _, info := range page {
			r, ok := parseReservation(info)
			if !ok {
				continue
			}
			ended, err := w.ended(ctx, r)
			if err == nil && !ended {
				continue
			}
			if err == nil {
				err = w.ports.Blob.Delete(ctx, info.Key)
			}
			if err := w.count(ctx, &w.done.Sessions, info.Key, err); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || !w.since.IsZero() {
		return err
	}
	return w.pages(ctx, prefixConcluded, prefixConcluded, func(page []blob.Info) error {
		for _, info := range page {
			if w.now.Sub(info.CreatedAt) < w.cfg.SessionLife {
				continue
			}
			if err := w.count(ctx, &w.done.Sessions, info.Key, w.ports.Blob.Delete(ctx, info.Key)); err != nil {
				return err
			}
		}
		return nil
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
