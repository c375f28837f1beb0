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

// ErrEventOwner sets aside an event about somebody else's image.
var ErrEventOwner = fault.New(fault.Invalid, "event_owner_mismatch", "The image of the event belongs to another owner.")

// HandleEvent is the event.Handler for contract.TopicImages. Events may come in
// any order, late, and any number of times: the outcome is the same. One that
// says something else than it did when it was taken in has no effect and is
// ErrEventAltered. A type that is not known here is for somebody else.
func (s *Service) HandleEvent(ctx context.Context, d event.Delivery) error {
	switch d.Event.Type {
	case contract.TypeImageUploaded:
		data, err := contract.Decode[contract.ImageUploaded](d.Event, contract.TypeImageUploaded)
		if err != nil {
			return err
		}
		return s.handleUploaded(ctx, receiptOf(d.Event, s.now()), data.Manifest)
	case contract.TypeImageRejected:
		data, err := contract.Decode[contract.ImageRejected](d.Event, contract.TypeImageRejected)
		if err != nil {
			return err
		}
		return s.handleRejected(ctx, receiptOf(d.Event, s.now()), data)
	default:
		return nil
	}
}

// Learn takes in an image by its manifest, as the event of its upload would have
// it, whether or not that was taken in before. Learning again changes nothing.
func (s *Service) Learn(ctx context.Context, m contract.Manifest) error {
	return s.handleUploaded(ctx, receipt{}, m)
}

func (s *Service) handleUploaded(ctx context.Context, r receipt, m contract.Manifest) error {
	m, err := checkManifest(m)
	if err != nil {
		return err
	}
	i := uploaded(m)
	scope := Scope{Owner: identity.Owner(m.Owner), IDs: []string{m.ID}, SHA256s: []string{m.SHA256}, Albums: m.Album != "", Event: r.key}
	var g *gardener
	err = s.update(ctx, "catalog.handleUploaded", scope, r.once(m.ID, func(snapshot Snapshot) (Changeset, error) {
		g = newGardener(scope.Owner, snapshot, s.now())
		c, err := decideUploaded(i, m.Album, snapshot, g)
		g.tend(&c)
		return c, err
	}))
	if err == nil {
		s.sayLeftOut(ctx, g)
	}
	return err
}

// decideUploaded makes the image ready, unless its id is gone for good or its
// bytes are here already: then its files are to go. It goes into the album that
// it was uploaded to the first time that it is ready, and not again: somebody
// may have taken it out since.
func decideUploaded(i Image, album string, snapshot Snapshot, g *gardener) (c Changeset, err error) {
	owner, now := identity.Owner(i.Owner), g.now
	before, known := snapshot.Images[i.ID]
	retired, isRetired := snapshot.Retired[i.ID]
	if known && before.Owner != i.Owner || isRetired && retired.Owner != owner {
		return c, ErrEventOwner
	}
	refused := isRetired && retired.FailCode != ""
	if isRetired && !refused {
		return discard(i, retired.AliasOf, now)
	}
	if original, found := snapshot.ByContent[i.SHA256]; found && original.ID != i.ID {
		g.follow(i.ID, original)
		g.settle(album, original)
		return merge(i, original, snapshot, now)
	}
	if refused {
		c.Unretire = append(c.Unretire, i.ID)
	}
	if known && len(before.Renditions) > 0 && len(i.Renditions) == 0 {
		return c, nil // what was said before the image could be processed comes late
	}
	if !known {
		c.add(i, now)
		g.settle(album, i)
		return c, nil
	}
	if m := before.Motion; m != nil && m.Key != before.Key && (i.Motion == nil || i.Motion.Key == i.Key) {
		i.Motion = m // so does what was said before its film was there
	}
	i.TrashedAt = before.TrashedAt
	c.replace(before, i, now)
	if before.State != catalogapi.StateReady {
		g.settle(album, i)
	}
	return c, nil
}

// discard has the files of an image deleted that must not come back, but for
// what belongs to the image that it is a duplicate of ("" for none). It is said
// again at each repetition: the files may have come back with the event.
func discard(i Image, duplicateOf string, now time.Time) (c Changeset, err error) {
	e, err := purgedEvent(i, duplicateOf, now)
	if err != nil {
		return c, err
	}
	c.say(e)
	return c, nil
}

// merge makes the id of an image another name for the one with the same bytes.
func merge(i, original Image, snapshot Snapshot, now time.Time) (Changeset, error) {
	c, err := discard(i, original.ID, now)
	if err != nil {
		return c, err
	}
	alias := Retired{ID: i.ID, Owner: identity.Owner(i.Owner), AliasOf: original.ID}
	if before, known := snapshot.Images[i.ID]; known {
		c.remove(before, alias, now)
		return c, nil
	}
	if _, refused := snapshot.Retired[i.ID]; refused {
		c.Unretire = append(c.Unretire, i.ID)
	}
	c.Retire = append(c.Retire, alias)
	return c, nil
}

func (s *Service) handleRejected(ctx context.Context, r receipt, said contract.ImageRejected) error {
	owner, ok := identity.ParseOwner(said.Owner)
	if !ok || !identity.ValidImageID(said.ID) || said.Code == "" {
		return fault.New(fault.Invalid, "event_malformed", "The event does not say whose image was refused and why.")
	}
	scope := Scope{Owner: owner, IDs: []string{said.ID}, Event: r.key}
	return s.update(ctx, "catalog.handleRejected", scope, r.once(said.ID, func(snapshot Snapshot) (Changeset, error) {
		return decideRejected(owner, said, snapshot, s.now())
	}))
}

// decideRejected fails an image that is expected. One that is not known is
// remembered, in case the announcement comes later; one that is ready, or gone,
// stays so.
func decideRejected(owner identity.Owner, r contract.ImageRejected, snapshot Snapshot, now time.Time) (c Changeset, err error) {
	before, known := snapshot.Images[r.ID]
	_, retired := snapshot.Retired[r.ID]
	switch {
	case known && before.Owner != string(owner):
		return c, ErrEventOwner
	case known && before.State == catalogapi.StateProcessing:
		c.replace(before, before.fail(r.Code, r.Detail), now)
	case !known && !retired:
		c.Retire = append(c.Retire, Retired{
			ID: r.ID, Owner: owner, FailCode: cut(r.Code, MaxCodeBytes), FailDetail: cut(r.Detail, MaxDetailBytes),
		})
	}
	return c, nil
}
