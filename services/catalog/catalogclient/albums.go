package catalogclient

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-kit/kit/endpoint"

	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/pkg/kitx"
)

// putBatch keeps a request under the service's limit of 1 MiB, whatever the
// paths look like as JSON.
const putBatch = 100

// ErrAlbumNotFound is what an id gets that is no id, without a call.
var ErrAlbumNotFound = fault.New(fault.NotFound, "album_not_found", "There is no such album.")

// albums is what the client calls about albums.
type albums struct {
	all    kitx.UseCase[catalogapi.AlbumsRequest, catalogapi.AlbumsResponse]
	one    kitx.UseCase[string, catalogapi.Album]
	create kitx.UseCase[catalogapi.NewAlbum, catalogapi.Album]
	change kitx.UseCase[catalogapi.AlbumChange, catalogapi.Album]
	remove kitx.UseCase[string, kitx.None]
	add    kitx.UseCase[catalogapi.MembersRequest, catalogapi.MembersResponse]
	take   kitx.UseCase[catalogapi.MembersRequest, catalogapi.MembersResponse]
	put    kitx.UseCase[catalogapi.PutRequest, catalogapi.PutResponse]
}

func newAlbums(target kitx.Target, call []endpoint.Middleware) albums {
	return albums{
		all:    kitx.Client[catalogapi.AlbumsRequest, catalogapi.AlbumsResponse](target, http.MethodGet, encodeAlbums, call...),
		one:    kitx.Client[string, catalogapi.Album](target, http.MethodGet, encodeID(catalogapi.PathAlbum), call...),
		create: kitx.Client[catalogapi.NewAlbum, catalogapi.Album](target, http.MethodPost, encodeNewAlbum, call...),
		change: kitx.Client[catalogapi.AlbumChange, catalogapi.Album](target, http.MethodPatch, encodeAlbumChange, call...),
		remove: kitx.Client[string, kitx.None](target, http.MethodDelete, encodeID(catalogapi.PathAlbum), call...),
		add:    kitx.Client[catalogapi.MembersRequest, catalogapi.MembersResponse](target, http.MethodPost, encodeMembers(catalogapi.PathAlbumAdd), call...),
		take:   kitx.Client[catalogapi.MembersRequest, catalogapi.MembersResponse](target, http.MethodPost, encodeMembers(catalogapi.PathAlbumRemove), call...),
		put:    kitx.Client[catalogapi.PutRequest, catalogapi.PutResponse](target, http.MethodPost, encodePut, call...),
	}
}

// Albums lists all albums.
func (c *Client) Albums(ctx context.Context, req catalogapi.AlbumsRequest) (catalogapi.AlbumsResponse, error) {
	return c.all(ctx, req)
}

// Album returns one album.
func (c *Client) Album(ctx context.Context, id string) (catalogapi.Album, error) {
	if !identity.ValidImageID(id) {
		return catalogapi.Album{}, ErrAlbumNotFound
	}
	return c.one(ctx, id)
}

// CreateAlbum makes an album, or gives the one that is there.
func (c *Client) CreateAlbum(ctx context.Context, req catalogapi.NewAlbum) (catalogapi.Album, error) {
	return c.create(ctx, req)
}

// ChangeAlbum renames or moves an album.
func (c *Client) ChangeAlbum(ctx context.Context, req catalogapi.AlbumChange) (catalogapi.Album, error) {
	if !identity.ValidImageID(req.ID) {
		return catalogapi.Album{}, ErrAlbumNotFound
	}
	return c.change(ctx, req)
}

// DeleteAlbum deletes an album and those in it, and no image.
func (c *Client) DeleteAlbum(ctx context.Context, id string) error {
	if !identity.ValidImageID(id) {
		return ErrAlbumNotFound
	}
	_, err := c.remove(ctx, id)
	return err
}

// AddToAlbum puts images into an album.
func (c *Client) AddToAlbum(ctx context.Context, req catalogapi.MembersRequest) (catalogapi.MembersResponse, error) {
	return members(ctx, c.add, req)
}

// RemoveFromAlbum takes images out of an album.
func (c *Client) RemoveFromAlbum(ctx context.Context, req catalogapi.MembersRequest) (catalogapi.MembersResponse, error) {
	return members(ctx, c.take, req)
}

func members(
	ctx context.Context, call kitx.UseCase[catalogapi.MembersRequest, catalogapi.MembersResponse], req catalogapi.MembersRequest,
) (catalogapi.MembersResponse, error) {
	if !identity.ValidImageID(req.ID) {
		return catalogapi.MembersResponse{}, ErrAlbumNotFound
	}
	return call(ctx, req)
}

// PutIntoAlbums puts images into albums that are named by their paths. Many
// albums go in several requests: when one fails, those before it are done, and
// repeating all of it is safe.
func (c *Client) PutIntoAlbums(ctx context.Context, req catalogapi.PutRequest) (catalogapi.PutResponse, error) {
	n := 0
	for _, album := range req.Albums {
		n += len(album.IDs)
	}
	if len(req.Albums) <= putBatch || len(req.Albums) > catalogapi.MaxPutAlbums || n > catalogapi.MaxMembers { // the service says what is wrong
		return c.put(ctx, req)
	}
	out := catalogapi.PutResponse{Albums: make([]catalogapi.PutResult, 0, len(req.Albums))}
	for batch := range slices.Chunk(req.Albums, putBatch) {
		resp, err := c.put(ctx, catalogapi.PutRequest{Albums: batch})
		if err != nil {
			return catalogapi.PutResponse{}, err
		}
		out.Albums = append(out.Albums, resp.Albums...)
	}
	return out, nil
}

func encodeAlbums(req catalogapi.AlbumsRequest) (string, url.Values, any) {
	query := url.Values{}
	setText(query, "image", req.Image)
	return catalogapi.PathAlbums, query, nil
}

func encodeNewAlbum(req catalogapi.NewAlbum) (string, url.Values, any) {
	return catalogapi.PathAlbums, nil, req
}

func encodeAlbumChange(req catalogapi.AlbumChange) (string, url.Values, any) {
	return strings.Replace(catalogapi.PathAlbum, "{id}", req.ID, 1), nil, req
}

func encodeMembers(pattern string) kitx.Encoder[catalogapi.MembersRequest] {
	return func(req catalogapi.MembersRequest) (string, url.Values, any) {
		if req.IDs == nil {
			req.IDs = []string{}
		}
		return strings.Replace(pattern, "{id}", req.ID, 1), nil, req
	}
}

func encodePut(req catalogapi.PutRequest) (string, url.Values, any) {
	out := catalogapi.PutRequest{Albums: make([]catalogapi.PutAlbum, len(req.Albums))}
	for i, album := range req.Albums {
		out.Albums[i] = catalogapi.PutAlbum{Path: album.Path, IDs: append([]string{}, album.IDs...)}
	}
	return catalogapi.PathAlbumPaths, nil, out
}
