package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// recorder is use cases that note what they are asked, and fail if told to.
type recorder struct {
	err    error
	called string
}

func (u *recorder) note(ctx context.Context, what string, args ...any) error {
	u.called = strings.TrimSpace(fmt.Sprintln(append([]any{identity.OwnerFrom(ctx), what}, args...)...))
	if _, bounded := ctx.Deadline(); !bounded {
		return errors.New("the work has no deadline")
	}
	return u.err
}

func (u *recorder) List(ctx context.Context, r catalogapi.ListRequest) (catalogapi.ListResponse, error) {
	return catalogapi.ListResponse{Images: []catalogapi.Image{}}, u.note(ctx, "list", fmt.Sprintf("%+v", r))
}

func (u *recorder) image(ctx context.Context, what, id string) (catalogapi.Image, error) {
	return catalogapi.Image{}, u.note(ctx, what, id)
}

func (u *recorder) Get(ctx context.Context, id string) (catalogapi.Image, error) {
	return u.image(ctx, "get", id)
}

func (u *recorder) Trash(ctx context.Context, id string) (catalogapi.Image, error) {
	return u.image(ctx, "trash", id)
}

func (u *recorder) Restore(ctx context.Context, id string) (catalogapi.Image, error) {
	return u.image(ctx, "restore", id)
}

func (u *recorder) Purge(ctx context.Context, id string) error { return u.note(ctx, "purge", id) }

func (u *recorder) Expect(ctx context.Context, r catalogapi.ExpectRequest) (catalogapi.ExpectResponse, error) {
	return catalogapi.ExpectResponse{Results: []catalogapi.ExpectResult{}}, u.note(ctx, "expect", len(r.Images))
}

func (u *recorder) Known(ctx context.Context, r catalogapi.KnownRequest) (catalogapi.KnownResponse, error) {
	return catalogapi.KnownResponse{Results: []catalogapi.KnownResult{}}, u.note(ctx, "known", len(r.SHA256s))
}

func (u *recorder) Neighbours(ctx context.Context, id string) (catalogapi.Neighbours, error) {
	return catalogapi.Neighbours{}, u.note(ctx, "neighbours", id)
}

func (u *recorder) Months(ctx context.Context) (catalogapi.MonthsResponse, error) {
	return catalogapi.MonthsResponse{Months: []catalogapi.Month{}}, u.note(ctx, "months")
}

func (u *recorder) Changes(ctx context.Context, r catalogapi.ChangesRequest) (catalogapi.ChangesResponse, error) {
	return catalogapi.ChangesResponse{Changes: []catalogapi.Change{}}, u.note(ctx, "changes", fmt.Sprintf("%+v", r))
}

func (u *recorder) Albums(ctx context.Context, r catalogapi.AlbumsRequest) (catalogapi.AlbumsResponse, error) {
	return catalogapi.AlbumsResponse{Albums: []catalogapi.Album{}}, u.note(ctx, "albums", "image="+r.Image)
}

func (u *recorder) Album(ctx context.Context, id string) (catalogapi.Album, error) {
	return catalogapi.Album{}, u.note(ctx, "album", id)
}

func (u *recorder) CreateAlbum(ctx context.Context, r catalogapi.NewAlbum) (catalogapi.Album, error) {
	return catalogapi.Album{}, u.note(ctx, "create", r.Name, r.ParentID)
}

func (u *recorder) ChangeAlbum(ctx context.Context, r catalogapi.AlbumChange) (catalogapi.Album, error) {
	return catalogapi.Album{}, u.note(ctx, "change", r.ID, *r.Name)
}

func (u *recorder) DeleteAlbum(ctx context.Context, id string) error {
	return u.note(ctx, "delete", id)
}

func (u *recorder) AddToAlbum(ctx context.Context, r catalogapi.MembersRequest) (catalogapi.MembersResponse, error) {
	return catalogapi.MembersResponse{}, u.note(ctx, "add", r.ID, len(r.IDs))
}

func (u *recorder) RemoveFromAlbum(ctx context.Context, r catalogapi.MembersRequest) (catalogapi.MembersResponse, error) {
	return catalogapi.MembersResponse{}, u.note(ctx, "remove", r.ID, len(r.IDs))
}

func (u *recorder) PutIntoAlbums(ctx context.Context, r catalogapi.PutRequest) (catalogapi.PutResponse, error) {
	return catalogapi.PutResponse{}, u.note(ctx, "put", len(r.Albums))
}
