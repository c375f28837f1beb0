package catalog

import (
	"context"
	"fmt"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// List returns a page of the timeline or the trash, newest first. A Limit of 0
// is catalogapi.DefaultLimit. Errors: a parameter out of its range, ErrCursor,
// ErrAlbumNotFound.
//
// Following the cursors shows every image that is there all the while exactly
// once, whatever comes and goes meanwhile.
func (s *Service) List(ctx context.Context, req catalogapi.ListRequest) (catalogapi.ListResponse, error) {
	owner, err := actor(ctx)
	if err != nil {
		return catalogapi.ListResponse{}, err
	}
	cursors, err := s.cursors(ctx)
	if err != nil {
		return catalogapi.ListResponse{}, err
	}
	q, err := pageQuery(req, owner, cursors)
	if err != nil {
		return catalogapi.ListResponse{}, err
	}
	if err := s.checkAlbum(ctx, owner, q.Album); err != nil {
		return catalogapi.ListResponse{}, fault.Wrap("catalog.List", err)
	}
	limit := q.Limit
	q.Limit++ // one more tells whether there is a next page
	images, err := s.store.Page(ctx, owner, q)
	if err != nil {
		return catalogapi.ListResponse{}, fault.Wrap("catalog.List", err)
	}
	out := catalogapi.ListResponse{Images: make([]catalogapi.Image, 0, min(len(images), limit))}
	for i := range images[:min(len(images), limit)] {
		out.Images = append(out.Images, catalogapi.Image(images[i]))
	}
	if len(images) > limit {
		out.NextCursor = cursors.page(owner, q, images[limit-1].Position())
	}
	return out, nil
}

// checkAlbum tells an album that has no images from one that is not there.
func (s *Service) checkAlbum(ctx context.Context, owner identity.Owner, id string) error {
	if id == "" {
		return nil
	}
	if !identity.ValidImageID(id) {
		return ErrAlbumNotFound
	}
	found, err := s.store.HasAlbum(ctx, owner, id)
	if err == nil && !found {
		err = ErrAlbumNotFound
	}
	return err
}

func pageQuery(req catalogapi.ListRequest, owner identity.Owner, c cursors) (PageQuery, error) {
	q := PageQuery{Trashed: req.Trashed, Month: req.Month, Album: req.Album, Limit: req.Limit}
	if q.Limit == 0 {
		q.Limit = catalogapi.DefaultLimit
	}
	if q.Limit < 1 || q.Limit > catalogapi.MaxLimit {
		return q, fault.Parameter("limit", fmt.Sprintf("The parameter limit must be a whole number from 1 to %d.", catalogapi.MaxLimit))
	}
	if q.Month != "" && !validMonth(q.Month) {
		return q, fault.Parameter("month", "The parameter month must be a month such as 2026-11.")
	}
	if req.Cursor == "" {
		return q, nil
	}
	var err error
	q.After, err = c.openPage(req.Cursor, owner, q)
	return q, err
}

func validMonth(s string) bool {
	at, err := time.Parse("2006-01", s)
	return err == nil && at.Format("2006-01") == s
}

// Get returns an image, in the trash or not. The id of a duplicate that was
// merged gives the image that it was merged into.
func (s *Service) Get(ctx context.Context, id string) (catalogapi.Image, error) {
	owner, err := actor(ctx)
	if err != nil {
		return catalogapi.Image{}, err
	}
	if !identity.ValidImageID(id) {
		return catalogapi.Image{}, ErrNotFound
	}
	i, err := s.store.Find(ctx, owner, id)
	if err != nil {
		return catalogapi.Image{}, fault.Wrap("catalog.Get", err)
	}
	return catalogapi.Image(i), nil
}

// Neighbours returns the ids of the images beside one: in the timeline, or in
// the trash for an image that is there.
func (s *Service) Neighbours(ctx context.Context, id string) (catalogapi.Neighbours, error) {
	owner, err := actor(ctx)
	if err != nil {
		return catalogapi.Neighbours{}, err
	}
	if !identity.ValidImageID(id) {
		return catalogapi.Neighbours{}, ErrNotFound
	}
	i, err := s.store.Find(ctx, owner, id)
	if err != nil {
		return catalogapi.Neighbours{}, fault.Wrap("catalog.Neighbours", err)
	}
	newer, older, err := s.store.Beside(ctx, owner, i.TrashedAt != nil, i.Position())
	if err != nil {
		return catalogapi.Neighbours{}, fault.Wrap("catalog.Neighbours", err)
	}
	return catalogapi.Neighbours{NewerID: newer, OlderID: older}, nil
}

// Months counts the timeline's images by month, newest first. The trash does
// not count.
func (s *Service) Months(ctx context.Context) (catalogapi.MonthsResponse, error) {
	owner, err := actor(ctx)
	if err != nil {
		return catalogapi.MonthsResponse{}, err
	}
	months, err := s.store.Months(ctx, owner)
	if err != nil {
		return catalogapi.MonthsResponse{}, fault.Wrap("catalog.Months", err)
	}
	return catalogapi.MonthsResponse{Months: append([]catalogapi.Month{}, months...)}, nil
}
