package httpapi

import (
	"context"
	"mime"
	"net/http"

	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/kitx"
)

// maxAlbumsBody bounds a request about albums, as the catalog does.
const maxAlbumsBody = 1 << 20

var errNotJSON = fault.New(fault.Unsupported, "unsupported_media_type", "The body must be application/json.")

// routeAlbumsAPI registers what programs use about albums.
func (s *Server) routeAlbumsAPI() {
	members := about(func(req *catalogapi.MembersRequest, id string) { req.ID = id })
	s.api.Handle("GET /api/v1/albums", endpoint(s.albums, decodeAlbums))
	s.api.Handle("POST /api/v1/albums", endpoint(s.createAlbum, jsonBody[catalogapi.NewAlbum]))
	s.api.Handle("GET /api/v1/albums/{id}", endpoint(s.album, decodeID))
	s.api.Handle("PATCH /api/v1/albums/{id}", endpoint(s.changeAlbum, about(func(req *catalogapi.AlbumChange, id string) { req.ID = id })))
	s.api.Handle("DELETE /api/v1/albums/{id}", endpoint(s.deleteAlbum, decodeID))
	s.api.Handle("POST /api/v1/albums/{id}/images", endpoint(s.addToAlbum, members))
	s.api.Handle("POST /api/v1/albums/{id}/images/remove", endpoint(s.removeFromAlbum, members))
	s.api.Handle("POST /api/v1/album-paths", endpoint(s.putIntoAlbums, jsonBody[catalogapi.PutRequest]))
}

func (s *Server) albums(ctx context.Context, req catalogapi.AlbumsRequest) (catalogapi.AlbumsResponse, error) {
	return s.Gallery.Albums(ctx, req)
}

func (s *Server) album(ctx context.Context, id string) (catalogapi.Album, error) {
	return s.Gallery.Album(ctx, id)
}

func (s *Server) createAlbum(ctx context.Context, req catalogapi.NewAlbum) (catalogapi.Album, error) {
	return s.Gallery.CreateAlbum(ctx, req)
}

func (s *Server) changeAlbum(ctx context.Context, req catalogapi.AlbumChange) (catalogapi.Album, error) {
	return s.Gallery.ChangeAlbum(ctx, req)
}

func (s *Server) deleteAlbum(ctx context.Context, id string) (kitx.None, error) {
	return kitx.None{}, s.Gallery.DeleteAlbum(ctx, id)
}

func (s *Server) addToAlbum(ctx context.Context, req catalogapi.MembersRequest) (catalogapi.MembersResponse, error) {
	return s.Gallery.AddToAlbum(ctx, req)
}

func (s *Server) removeFromAlbum(ctx context.Context, req catalogapi.MembersRequest) (catalogapi.MembersResponse, error) {
	return s.Gallery.RemoveFromAlbum(ctx, req)
}

func (s *Server) putIntoAlbums(ctx context.Context, req catalogapi.PutRequest) (catalogapi.PutResponse, error) {
	return s.Gallery.PutIntoAlbums(ctx, req)
}

func decodeAlbums(r *http.Request) (catalogapi.AlbumsRequest, error) {
	q, err := httpx.ParseQuery(r, "image")
	return catalogapi.AlbumsRequest{Image: q.String("image")}, err
}

// jsonBody reads a request of one JSON object.
func jsonBody[Req any](r *http.Request) (req Req, err error) {
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != "application/json" {
		return req, errNotJSON
	}
	if _, err := httpx.ParseQuery(r); err != nil {
		return req, err
	}
	return kitx.DecodeJSON[Req](r, maxAlbumsBody)
}

// about reads a body about the album that the path names.
func about[Req any](set func(*Req, string)) kitx.Decoder[Req] {
	return func(r *http.Request) (Req, error) {
		req, err := jsonBody[Req](r)
		if err == nil {
			set(&req, r.PathValue("id"))
		}
		return req, err
	}
}
