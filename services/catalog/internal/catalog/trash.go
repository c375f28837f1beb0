package catalog

import (
	"context"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// Trash moves an image to the trash, where it stays for TrashPeriod. An image
// that is there already stays as it is.
func (s *Service) Trash(ctx context.Context, id string) (catalogapi.Image, error) {
	return s.change(ctx, "catalog.Trash", id, func(i Image) Image {
		if i.trashed() {
			return i
		}
		return i.trash(s.now())
	})
}

// Restore moves an image back from the trash. One that is not there stays as
// it is.
func (s *Service) Restore(ctx context.Context, id string) (catalogapi.Image, error) {
	return s.change(ctx, "catalog.Restore", id, Image.restore)
}

func (s *Service) change(ctx context.Context, op, id string, change func(Image) Image) (catalogapi.Image, error) {
	owner, err := actor(ctx)
	if err != nil {
		return catalogapi.Image{}, err
	}
	if !identity.ValidImageID(id) {
		return catalogapi.Image{}, ErrNotFound
	}
	var after Image
	err = s.update(ctx, op, Scope{Owner: owner, IDs: []string{id}}, func(snapshot Snapshot) (c Changeset, err error) {
		before, found := snapshot.find(owner, id)
		if !found {
			return c, ErrNotFound
		}
		after = change(before)
		c.replace(before, after, s.now())
		return c, nil
	})
	if err != nil {
		return catalogapi.Image{}, err
	}
	return catalogapi.Image(after), nil
}

// Purge deletes an image in the trash for good, its files too. Purging again is
// no error. Errors: ErrNotTrashed.
func (s *Service) Purge(ctx context.Context, id string) error {
	owner, err := actor(ctx)
	if err != nil {
		return err
	}
	if !identity.ValidImageID(id) {
		return ErrNotFound
	}
	return s.update(ctx, "catalog.Purge", Scope{Owner: owner, IDs: []string{id}}, func(snapshot Snapshot) (Changeset, error) {
		if snapshot.purged(owner, id) {
			return Changeset{}, nil
		}
		i, found := snapshot.find(owner, id)
		switch {
		case !found:
			return Changeset{}, ErrNotFound
		case !i.trashed():
			return Changeset{}, ErrNotTrashed
		}
		return purge(i, s.now())
	})
}

// purged reports whether the id was the owner's and is gone for good.
func (s Snapshot) purged(owner identity.Owner, id string) bool {
	r, retired := s.Retired[id]
	if !retired || r.Owner != owner || r.FailCode != "" {
		return false
	}
	_, there := s.find(owner, id)
	return !there
}

func purge(i Image, now time.Time) (c Changeset, err error) {
	e, err := purgedEvent(i, "", now)
	if err != nil {
		return c, err
	}
	c.remove(i, Retired{ID: i.ID, Owner: identity.Owner(i.Owner)}, now)
	c.say(e)
	return c, nil
}

// purgedEvent says that an image's files are to go; duplicateOf is the image that
// stays in its place, "" for none.
func purgedEvent(i Image, duplicateOf string, now time.Time) (event.Event, error) {
	e, err := contract.New(contract.TypeImagePurged+"/"+i.ID, contract.SourceCatalog, contract.TypeImagePurged, i.ID, now,
		contract.ImagePurged{ID: i.ID, Owner: i.Owner, Key: i.Key, DuplicateOf: duplicateOf})
	return e, fault.As(fault.Internal, "catalog.purgedEvent", err)
}

// expiredBatch is how many images are purged at once.
const expiredBatch = 100

// purgeExpired purges up to expiredBatch images whose TrashPeriod is over, says
// which, and reports how many it saw.
func (s *Service) purgeExpired(ctx context.Context, say func(Expired)) (int, error) {
	before := s.now().Add(-TrashPeriod)
	all, err := s.store.Expired(ctx, before, expiredBatch)
	if err != nil {
		return 0, fault.Wrap("catalog.purgeExpired", err)
	}
	for _, e := range all {
		purged := false
		err := s.update(ctx, "catalog.purgeExpired", Scope{Owner: e.Owner, IDs: []string{e.ID}}, func(snapshot Snapshot) (Changeset, error) {
			i, found := snapshot.Images[e.ID]
			purged = found && i.trashed() && i.TrashedAt.Before(before)
			if !purged { // it was restored or purged since
				return Changeset{}, nil
			}
			return purge(i, s.now())
		})
		if err != nil {
			return 0, err
		}
		if purged {
			say(e)
		}
	}
	return len(all), nil
}
