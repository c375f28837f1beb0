package ingest

import (
	"context"
	"errors"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

var errForeign = fault.New(fault.Invalid, "purge_foreign", "The objects do not belong to the image that is to be purged.")

// reject says that the image is not kept and removes it. The original goes
// last: as long as it is there, the sweep finds what was left undone. What
// another replica has kept meanwhile, having had more time for it, stays.
func (s *Service) reject(ctx context.Context, m contract.Manifest, original blob.Info, r *Refused) (contract.Manifest, error) {
	switch kept, err := s.readManifest(ctx, m.ID); {
	case err == nil:
		return kept, s.repeat(ctx, kept, m.Key)
	case !errors.Is(err, blob.ErrNotFound):
		return m, err
	}
	public := fault.Public(r.Reason)
	s.ports.Log.InfoContext(ctx, "image rejected", "id", m.ID, "code", public.Code, "err", r.Reason)
	r.Unfinished = s.sayRejected(ctx, contract.ImageRejected{
		ID: m.ID, Owner: m.Owner, Name: m.Name, Code: public.Code, Detail: public.Detail,
	})
	if r.Unfinished == nil {
		r.Unfinished = s.removeRenditions(ctx, m.ID)
	}
	if r.Unfinished == nil {
		r.Unfinished = s.noteRefused(ctx, original, m, r.Reason)
	}
	if r.Unfinished == nil {
		r.Unfinished = s.removeFilms(ctx, m, "")
	}
	if r.Unfinished == nil {
		s.refused.note(m.ID, r.Reason)
		r.Unfinished = fault.Wrap("ingest.reject", s.ports.Blob.Delete(ctx, m.Key))
	}
	return m, r
}

// HandlePurged removes the objects of an image for good (image.purged). The
// original goes first, so that nothing can make the image again, and the
// manifest last, so that an interrupted purge is still recognised when the event
// comes again. The films of one that was a duplicate move to the image that
// stays. An event that names objects of another image or owner is refused
// as invalid and removes nothing.
func (s *Service) HandlePurged(ctx context.Context, d event.Delivery) error {
	purged, err := contract.Decode[contract.ImagePurged](d.Event, contract.TypeImagePurged)
	if err != nil {
		return err
	}
	if id, err := idOf(purged.Key); err != nil || id != purged.ID || isCompanion(id, purged.Key) {
		return errForeign
	}
	stays := purged.DuplicateOf
	if stays != "" && (stays == purged.ID || !identity.ValidImageID(stays)) {
		return errForeign
	}
	m, err := s.checkOwner(ctx, purged)
	if err == nil && stays != "" {
		err = s.noteMerged(ctx, purged)
	}
	if err != nil {
		return err
	}
	if err := s.ports.Blob.Delete(ctx, purged.Key); err != nil {
		return fault.Wrap("ingest.HandlePurged", err)
	}
	if err := s.removeFilms(ctx, m, stays); err != nil {
		return err
	}
	return s.removeDerived(ctx, purged.ID)
}

// checkOwner compares the event with what the bucket says of the image, and
// gives its manifest, or no more than its id. What says nothing any more has been
// purged already.
func (s *Service) checkOwner(ctx context.Context, purged contract.ImagePurged) (contract.Manifest, error) {
	m, err := s.readManifest(ctx, purged.ID)
	if err == nil && (m.Owner != purged.Owner || m.Key != purged.Key) {
		return m, errForeign
	}
	if err == nil || !errors.Is(err, blob.ErrNotFound) {
		return m, err
	}
	m = contract.Manifest{ID: purged.ID}
	info, err := s.ports.Blob.Stat(ctx, purged.Key)
	if errors.Is(err, blob.ErrNotFound) {
		return m, nil
	}
	if err == nil && info.Metadata[metaOwner] != purged.Owner {
		return m, errForeign
	}
	return m, fault.Wrap("ingest.checkOwner", err)
}

func (s *Service) removeDerived(ctx context.Context, id string) error {
	if err := s.removeRenditions(ctx, id); err != nil {
		return err
	}
	if err := s.forgetAttempts(ctx, id); err != nil {
		return err
	}
	return fault.Wrap("ingest.removeDerived", s.ports.Blob.Delete(ctx, contract.ManifestKey(id)))
}

func (s *Service) removeRenditions(ctx context.Context, id string) error {
	err := blob.Each(ctx, s.ports.Blob, contract.PrefixRenditions+id+"/", func(info blob.Info) error {
		return s.ports.Blob.Delete(ctx, info.Key)
	})
	return fault.Wrap("ingest.removeRenditions", err)
}
