package gallery

import (
	"context"

	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// Albums is what the catalog does about albums. An album that is not there, or
// not the owner's, is fault.NotFound.
type Albums interface {
	Albums(ctx context.Context, req catalogapi.AlbumsRequest) (catalogapi.AlbumsResponse, error)
	Album(ctx context.Context, id string) (catalogapi.Album, error)
	CreateAlbum(ctx context.Context, req catalogapi.NewAlbum) (catalogapi.Album, error)
	ChangeAlbum(ctx context.Context, req catalogapi.AlbumChange) (catalogapi.Album, error)
	DeleteAlbum(ctx context.Context, id string) error
	AddToAlbum(ctx context.Context, req catalogapi.MembersRequest) (catalogapi.MembersResponse, error)
	RemoveFromAlbum(ctx context.Context, req catalogapi.MembersRequest) (catalogapi.MembersResponse, error)
	PutIntoAlbums(ctx context.Context, req catalogapi.PutRequest) (catalogapi.PutResponse, error)
}

// Albums lists all albums; see catalogapi.AlbumsRequest.
func (s *Service) Albums(ctx context.Context, req catalogapi.AlbumsRequest) (catalogapi.AlbumsResponse, error) {
	if req.Image != "" && !identity.ValidImageID(req.Image) {
		return catalogapi.AlbumsResponse{}, ErrNotFound
	}
	resp, err := s.catalog.Albums(ctx, req)
	if resp.Albums == nil {
		resp.Albums = []catalogapi.Album{}
	}
	return resp, inSameWords(err)
}

// Album gives one album.
func (s *Service) Album(ctx context.Context, id string) (catalogapi.Album, error) {
	if !identity.ValidImageID(id) {
		return catalogapi.Album{}, ErrNotFound
	}
	album, err := s.catalog.Album(ctx, id)
	return album, inSameWords(err)
}

// CreateAlbum makes an album, or gives the one of that name in that place.
func (s *Service) CreateAlbum(ctx context.Context, req catalogapi.NewAlbum) (catalogapi.Album, error) {
	album, err := s.catalog.CreateAlbum(ctx, req)
	return album, inSameWords(err)
}

// ChangeAlbum renames or moves an album.
func (s *Service) ChangeAlbum(ctx context.Context, req catalogapi.AlbumChange) (catalogapi.Album, error) {
	if !identity.ValidImageID(req.ID) {
		return catalogapi.Album{}, ErrNotFound
	}
	album, err := s.catalog.ChangeAlbum(ctx, req)
	return album, inSameWords(err)
}

// DeleteAlbum deletes an album and those in it; the images stay in the gallery.
func (s *Service) DeleteAlbum(ctx context.Context, id string) error {
	if !identity.ValidImageID(id) {
		return ErrNotFound
	}
	return inSameWords(s.catalog.DeleteAlbum(ctx, id))
}

// AddToAlbum puts images into an album.
func (s *Service) AddToAlbum(ctx context.Context, req catalogapi.MembersRequest) (catalogapi.MembersResponse, error) {
	return members(ctx, s.catalog.AddToAlbum, req)
}

// RemoveFromAlbum takes images out of an album.
func (s *Service) RemoveFromAlbum(ctx context.Context, req catalogapi.MembersRequest) (catalogapi.MembersResponse, error) {
	return members(ctx, s.catalog.RemoveFromAlbum, req)
}

func members(
	ctx context.Context, do func(context.Context, catalogapi.MembersRequest) (catalogapi.MembersResponse, error), req catalogapi.MembersRequest,
) (catalogapi.MembersResponse, error) {
	if !identity.ValidImageID(req.ID) {
		return catalogapi.MembersResponse{}, ErrNotFound
	}
	resp, err := do(ctx, req)
	return resp, inSameWords(err)
}

// PutIntoAlbums puts images into albums that are named by their paths.
func (s *Service) PutIntoAlbums(ctx context.Context, req catalogapi.PutRequest) (catalogapi.PutResponse, error) {
	return s.catalog.PutIntoAlbums(ctx, req)
}

// AlbumPage is what the page of an album shows.
type AlbumPage struct {
	Page          catalogapi.ListResponse
	Albums        []catalogapi.Album // all of the owner's
	ChangesCursor string
}

// AlbumPage gives a page of an album's pictures, with all albums, among which
// it, those it is in and those in it can be found.
func (s *Service) AlbumPage(ctx context.Context, req catalogapi.ListRequest) (AlbumPage, error) {
	if !identity.ValidImageID(req.Album) {
		return AlbumPage{}, ErrNotFound
	}
	now, err := s.catalog.Changes(ctx, catalogapi.ChangesRequest{})
	if err != nil {
		return AlbumPage{}, err
	}
	out := AlbumPage{ChangesCursor: now.Cursor}
	if out.Page, err = s.List(ctx, req); err != nil {
		return AlbumPage{}, inSameWords(err)
	}
	all, err := s.Albums(ctx, catalogapi.AlbumsRequest{})
	out.Albums = all.Albums
	return out, err
}

// placing collects images that the gallery has already, by the albums that they
// were to be uploaded to.
type placing struct {
	at     map[string]int
	albums []catalogapi.PutAlbum
}

func (p *placing) add(path, id string) {
	if path == "" {
		return
	}
	if p.at == nil {
		p.at = map[string]int{}
	}
	i, found := p.at[path]
	if !found {
		i = len(p.albums)
		p.at[path] = i
		p.albums = append(p.albums, catalogapi.PutAlbum{Path: path})
	}
	p.albums[i].IDs = append(p.albums[i].IDs, id)
}

// place puts them there, so that a folder which is dropped again completes its
// album. That it fails is no reason to refuse the files.
func (s *Service) place(ctx context.Context, p placing) {
	if len(p.albums) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), announceTimeout)
	defer cancel()
	if _, err := s.catalog.PutIntoAlbums(ctx, catalogapi.PutRequest{Albums: p.albums}); err != nil {
		s.log.WarnContext(ctx, "duplicates are not in their albums", "code", fault.Public(err).Code, "err", err)
	}
}
