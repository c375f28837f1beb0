package ingest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// That an image is a duplicate is known only when it has been read, and its
// film may have been acknowledged by then. The film moves to the image that
// stays.

// prefixMerged holds, by the id of an image that turned out to be a duplicate,
// which one stayed: for the films that come or are found after it is gone. A note
// is forgotten when every session that was opened before it has expired.
const prefixMerged = contract.PrefixSessions + "merged/"

const metaSurvivor = "image"

// noteMerged notes which image stays in the place of another, before that goes.
func (s *Service) noteMerged(ctx context.Context, p contract.ImagePurged) error {
	_, err := s.ports.Blob.Put(ctx, prefixMerged+p.ID, bytes.NewReader(nil),
		blob.WriteOptions{Metadata: map[string]string{metaSurvivor: p.DuplicateOf}, IfNotExists: true})
	if errors.Is(err, blob.ErrExists) {
		return nil // the same, from before
	}
	return fault.Wrap("ingest.noteMerged", err)
}

// survivor is the image that stayed in the place of another. errGone: there is
// none.
func (s *Service) survivor(ctx context.Context, id string) (string, error) {
	info, err := s.ports.Blob.Stat(ctx, prefixMerged+id)
	if errors.Is(err, blob.ErrNotFound) || err == nil && !identity.ValidImageID(info.Metadata[metaSurvivor]) {
		return "", errGone
	}
	return info.Metadata[metaSurvivor], fault.Wrap("ingest.survivor", err)
}

// follow moves a companion whose image is gone to the one that stayed, or
// refuses it.
func (s *Service) follow(ctx context.Context, id string, info blob.Info) (contract.Manifest, error) {
	to, err := s.survivor(ctx, id)
	if errors.Is(err, errGone) {
		return contract.Manifest{}, s.refuseCompanion(ctx, id, info, &Refused{Reason: errAlone})
	}
	if err != nil {
		return contract.Manifest{}, err
	}
	return s.moveFilm(ctx, info, to)
}

// moveFilm makes a companion one of another image, and removes it from its
// place only when it is that. It may be called any number of times.
func (s *Service) moveFilm(ctx context.Context, info blob.Info, to string) (contract.Manifest, error) {
	id, err := idOf(info.Key)
	if err != nil {
		return contract.Manifest{}, err
	}
	key := movedKey(to, cmp.Or(info.Metadata[metaCompanion], id))
	if err := s.copyFilm(ctx, info, key); err != nil {
		return contract.Manifest{}, err
	}
	m, err := s.Process(ctx, key)
	if unfinished(err) != nil {
		return m, err
	}
	if err := s.ports.Blob.Delete(ctx, info.Key); err != nil {
		return m, fault.Wrap("ingest.moveFilm", err)
	}
	return m, err
}

// copyFilm copies a companion with all that it says of itself. errGone: somebody
// else has moved it.
func (s *Service) copyFilm(ctx context.Context, info blob.Info, key string) error {
	copied, err := blob.Copy(ctx, s.ports.Blob, info, key, blob.WriteOptions{ContentType: info.ContentType, Metadata: info.Metadata})
	if errors.Is(err, blob.ErrExists) {
		copied, err = s.ports.Blob.Stat(ctx, key)
	}
	switch {
	case errors.Is(err, blob.ErrNotFound):
		return errGone
	case err != nil:
		return fault.Wrap("ingest.copyFilm", err)
	case copied.Size != info.Size || copied.CRC32C != info.CRC32C:
		return errors.Join(errStoredWrong.With("ingest.copyFilm", fmt.Errorf("%s is not what was copied there", key)), s.ports.Blob.Delete(ctx, key))
	default:
		return nil
	}
}

// removeFilms removes the companions of an image that goes, or moves them to the
// one that stays. What it does not know of, because it is in no manifest yet, the
// sweep finds.
func (s *Service) removeFilms(ctx context.Context, m contract.Manifest, stays string) error {
	keys := []string{companionKey(m.ID)}
	for _, v := range m.Beside() {
		if v.Key != keys[0] {
			keys = append(keys, v.Key)
		}
	}
	for _, key := range keys {
		if err := s.removeFilm(ctx, key, stays); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) removeFilm(ctx context.Context, key, stays string) error {
	if stays == "" {
		return fault.Wrap("ingest.removeFilm", s.ports.Blob.Delete(ctx, key))
	}
	info, err := s.statFilm(ctx, key)
	if err == nil {
		_, err = s.moveFilm(ctx, info, stays)
	}
	return unfinished(err)
}

// merged forgets which image stayed in the place of others, when nothing can be
// sent to those any more and no film waits that was.
func (w *sweep) merged(ctx context.Context) error {
	return w.each(ctx, prefixMerged, prefixMerged, func(page []blob.Info) error {
		for _, info := range page {
			id := strings.TrimPrefix(info.Key, prefixMerged)
			if !w.past(info.CreatedAt, 2*w.cfg.SessionLife) || !identity.ValidImageID(id) {
				continue
			}
			films, err := w.ports.Blob.List(ctx, contract.OriginalKey(id, identity.ImageTime(id), "."), "", 1)
			if err != nil {
				return fault.Wrap("ingest.Sweep", err)
			}
			if len(films) > 0 {
				continue
			}
			err = w.step(ctx, &w.done.Removed, "forget a duplicate", info.Key, func() error {
				return fault.Wrap("ingest.Sweep", w.ports.Blob.Delete(ctx, info.Key))
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}
