package catalog

import (
	"context"
	"slices"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// Albums lists all albums of the owner, with those that have the image marked
// where one is named. Errors: ErrNotFound for an image that is not there.
func (s *Service) Albums(ctx context.Context, req catalogapi.AlbumsRequest) (catalogapi.AlbumsResponse, error) {
	owner, err := actor(ctx)
	if err != nil {
		return catalogapi.AlbumsResponse{}, err
	}
	var with []string
	if req.Image != "" {
		if with, err = s.albumsOf(ctx, owner, req.Image); err != nil {
			return catalogapi.AlbumsResponse{}, fault.Wrap("catalog.Albums", err)
		}
	}
	all, err := s.forest(ctx, owner)
	if err != nil {
		return catalogapi.AlbumsResponse{}, fault.Wrap("catalog.Albums", err)
	}
	out := catalogapi.AlbumsResponse{Albums: all.listed()}
	for i := range out.Albums {
		out.Albums[i].HasImage = slices.Contains(with, out.Albums[i].ID)
	}
	return out, nil
}

// albumsOf lists the ids of the albums that an image of the owner is in.
func (s *Service) albumsOf(ctx context.Context, owner identity.Owner, image string) ([]string, error) {
	if !identity.ValidImageID(image) {
		return nil, ErrNotFound
	}
	i, err := s.store.Find(ctx, owner, image)
	if err != nil {
		return nil, err
	}
	return s.store.AlbumsOf(ctx, i.ID)
}

func (s *Service) forest(ctx context.Context, owner identity.Owner) (forest, error) {
	all, err := s.store.Albums(ctx, owner)
	if err != nil {
		return forest{}, err
	}
	f := forestOf(nil)
	for _, a := range all {
		f.add(a)
	}
	return f, nil
}

// Album returns one album.
func (s *Service) Album(ctx context.Context, id string) (catalogapi.Album, error) {
	owner, err := actor(ctx)
	if err != nil {
		return catalogapi.Album{}, err
	}
	if !identity.ValidImageID(id) {
		return catalogapi.Album{}, ErrAlbumNotFound
	}
	all, err := s.forest(ctx, owner)
	if err != nil {
		return catalogapi.Album{}, fault.Wrap("catalog.Album", err)
	}
	a, found := all.byID[id]
	if !found {
		return catalogapi.Album{}, ErrAlbumNotFound
	}
	return a.wire(all.path(id)), nil
}

// CreateAlbum makes an album, or gives the one of that name in that place.
// Errors: validation_failed, ErrAlbumNotFound for the parent, ErrAlbumTooDeep,
// ErrAlbumPathLong, ErrTooManyAlbums.
func (s *Service) CreateAlbum(ctx context.Context, req catalogapi.NewAlbum) (catalogapi.Album, error) {
	owner, err := actor(ctx)
	if err != nil {
		return catalogapi.Album{}, err
	}
	name, err := albumName(req.Name)
	if err != nil {
		return catalogapi.Album{}, err
	}
	var id string
	err = s.update(ctx, "catalog.CreateAlbum", Scope{Owner: owner, Albums: true}, func(snapshot Snapshot) (c Changeset, err error) {
		g := newGardener(owner, snapshot, s.now())
		if id, err = g.child(req.ParentID, name); err != nil {
			return c, err
		}
		g.tend(&c)
		return c, nil
	})
	if err != nil {
		return catalogapi.Album{}, err
	}
	return s.Album(ctx, id)
}

// ChangeAlbum renames or moves an album. Errors: as CreateAlbum's,
// ErrAlbumExists, ErrAlbumCycle.
func (s *Service) ChangeAlbum(ctx context.Context, req catalogapi.AlbumChange) (catalogapi.Album, error) {
	owner, err := actor(ctx)
	if err != nil {
		return catalogapi.Album{}, err
	}
	if req.Name != nil {
		name, err := albumName(*req.Name)
		if err != nil {
			return catalogapi.Album{}, err
		}
		req.Name = &name
	}
	err = s.update(ctx, "catalog.ChangeAlbum", Scope{Owner: owner, Albums: true}, func(snapshot Snapshot) (Changeset, error) {
		return decideAlbumChange(req, forestOf(snapshot.Albums), s.now())
	})
	if err != nil {
		return catalogapi.Album{}, err
	}
	return s.Album(ctx, req.ID)
}

func decideAlbumChange(req catalogapi.AlbumChange, all forest, now time.Time) (c Changeset, err error) {
	before, found := all.byID[req.ID]
	if !found {
		return c, ErrAlbumNotFound
	}
	after := before
	if req.Name != nil {
		after.Name = *req.Name
	}
	if req.ParentID != nil {
		after.ParentID = *req.ParentID
	}
	if after == before {
		return c, nil
	}
	if _, found := all.byID[after.ParentID]; !found && after.ParentID != "" {
		return c, ErrAlbumNotFound
	}
	if err := all.fits(after); err != nil {
		return c, err
	}
	c.UpdateAlbums = append(c.UpdateAlbums, after)
	c.noteAlbum(after.ID, catalogapi.ChangeAlbum, now)
	return c, nil
}

// DeleteAlbum deletes an album and those in it. The images stay where else they
// are: in the timeline, and in other albums. Deleting again is no error.
func (s *Service) DeleteAlbum(ctx context.Context, id string) error {
	owner, err := actor(ctx)
	if err != nil {
		return err
	}
	if !identity.ValidImageID(id) {
		return ErrAlbumNotFound
	}
	return s.update(ctx, "catalog.DeleteAlbum", Scope{Owner: owner, Albums: true}, func(snapshot Snapshot) (c Changeset, err error) {
		all := forestOf(snapshot.Albums)
		if _, found := all.byID[id]; !found {
			return c, nil
		}
		for _, each := range all.below(id) {
			c.DeleteAlbums = append(c.DeleteAlbums, each)
			c.noteAlbum(each, catalogapi.ChangeAlbumRemoved, s.now())
		}
		return c, nil
	})
}
