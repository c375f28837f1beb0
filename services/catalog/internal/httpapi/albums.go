package httpapi

import (
	"context"
	"net/http"

	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/pkg/kitx"
)

// AlbumUseCases is what is served of albums.
type AlbumUseCases interface {
	Albums(ctx context.Context, req catalogapi.AlbumsRequest) (catalogapi.AlbumsResponse, error)
	Album(ctx context.Context, id string) (catalogapi.Album, error)
	CreateAlbum(ctx context.Context, req catalogapi.NewAlbum) (catalogapi.Album, error)
	ChangeAlbum(ctx context.Context, req catalogapi.AlbumChange) (catalogapi.Album, error)
	DeleteAlbum(ctx context.Context, id string) error
	AddToAlbum(ctx context.Context, req catalogapi.MembersRequest) (catalogapi.MembersResponse, error)
	RemoveFromAlbum(ctx context.Context, req catalogapi.MembersRequest) (catalogapi.MembersResponse, error)
	PutIntoAlbums(ctx context.Context, req catalogapi.PutRequest) (catalogapi.PutResponse, error)
}

func registerAlbums(rt *httpx.Router, u AlbumUseCases) {
	remove := func(ctx context.Context, id string) (kitx.None, error) { return kitx.None{}, u.DeleteAlbum(ctx, id) }
	handle(rt, "GET "+catalogapi.PathAlbums, u.Albums, decodeAlbums)
	handle(rt, "POST "+catalogapi.PathAlbums, u.CreateAlbum, decodeBody[catalogapi.NewAlbum])
	handle(rt, "GET "+catalogapi.PathAlbum, u.Album, decodeAlbumID)
	handle(rt, "PATCH "+catalogapi.PathAlbum, u.ChangeAlbum, decodeAbout(func(req *catalogapi.AlbumChange, id string) { req.ID = id }))
	handle(rt, "DELETE "+catalogapi.PathAlbum, remove, decodeAlbumID)
	members := decodeAbout(func(req *catalogapi.MembersRequest, id string) { req.ID = id })
	handle(rt, "POST "+catalogapi.PathAlbumAdd, u.AddToAlbum, members)
	handle(rt, "POST "+catalogapi.PathAlbumRemove, u.RemoveFromAlbum, members)
	handle(rt, "POST "+catalogapi.PathAlbumPaths, u.PutIntoAlbums, decodeBody[catalogapi.PutRequest])
}

var errAlbumNotFound = fault.New(fault.NotFound, "album_not_found", "There is no such album.")

// decodeAlbumID is decodeID for an album.
func decodeAlbumID(r *http.Request) (string, error) {
	id := r.PathValue("id")
	if !identity.ValidImageID(id) {
		return "", errAlbumNotFound
	}
	_, err := httpx.ParseQuery(r)
	return id, err
}

// decodeAbout reads a body about the album that the path names.
func decodeAbout[Req any](set func(*Req, string)) kitx.Decoder[Req] {
	return func(r *http.Request) (Req, error) {
		var none Req
		id, err := decodeAlbumID(r)
		if err != nil {
			return none, err
		}
		req, err := decodeBody[Req](r)
		if err != nil {
			return none, err
		}
		set(&req, id)
		return req, nil
	}
}

func decodeAlbums(r *http.Request) (req catalogapi.AlbumsRequest, err error) {
	q, err := httpx.ParseQuery(r, "image")
	if err != nil {
		return req, err
	}
	req.Image = q.String("image")
	if q.Has("image") && !identity.ValidImageID(req.Image) {
		return req, fault.New(fault.NotFound, "image_not_found", "There is no such image.")
	}
	return req, nil
}
