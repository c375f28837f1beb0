package gallery

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// MaxSome is the most images that Some looks up at once.
const MaxSome = 100

// someAtOnce bounds the lookups of one Some call that run at the same time, so
// that a page which asks for many pictures does not occupy the catalog.
const someAtOnce = 8

// ErrNotFound answers for an id that is malformed, unknown or somebody else's,
// all in the same words.
var ErrNotFound = fault.New(fault.NotFound, "not_found", "There is nothing at this address.")

// Service is the gallery's use cases. The owner acts through the context. Safe
// for concurrent use.
type Service struct {
	catalog  Catalog
	uploader Uploader
	media    Media
	log      *slog.Logger
}

// New makes the service over its ports.
func New(c Catalog, u Uploader, m Media, log *slog.Logger) *Service {
	return &Service{catalog: c, uploader: u, media: m, log: log}
}

// List gives a page of the timeline, of the trash or of an album, newest first. A Limit of 0
// means catalogapi.DefaultLimit.
func (s *Service) List(ctx context.Context, req catalogapi.ListRequest) (catalogapi.ListResponse, error) {
	if err := checkMonth(req.Month); err != nil {
		return catalogapi.ListResponse{}, err
	}
	if req.Album != "" && !identity.ValidImageID(req.Album) {
		return catalogapi.ListResponse{}, ErrNotFound
	}
	if req.Limit == 0 {
		req.Limit = catalogapi.DefaultLimit
	}
	page, err := s.catalog.List(ctx, req)
	return page, inSameWords(err)
}

// checkMonth accepts "" and a month as 2006-01.
func checkMonth(month string) error {
	if month == "" {
		return nil
	}
	if t, err := time.Parse("2006-01", month); err != nil || t.Format("2006-01") != month {
		return fault.Parameter("month", "The parameter month must be a year and a month, such as 2026-05.")
	}
	return nil
}

// Get gives one image, in the timeline or in the trash.
func (s *Service) Get(ctx context.Context, id string) (catalogapi.Image, error) {
	return withID(ctx, id, s.catalog.Get)
}

// Trash moves an image to the trash, from where it can be restored.
func (s *Service) Trash(ctx context.Context, id string) (catalogapi.Image, error) {
	return withID(ctx, id, s.catalog.Trash)
}

// Restore brings an image back from the trash.
func (s *Service) Restore(ctx context.Context, id string) (catalogapi.Image, error) {
	return withID(ctx, id, s.catalog.Restore)
}

// Purge deletes an image of the trash for good. An image that is not in the
// trash is a Conflict of the catalog's.
func (s *Service) Purge(ctx context.Context, id string) error {
	if !identity.ValidImageID(id) {
		return ErrNotFound
	}
	return inSameWords(s.catalog.Purge(ctx, id))
}

// withID keeps an id that cannot be one away from the catalog.
func withID[T any](ctx context.Context, id string, f func(context.Context, string) (T, error)) (T, error) {
	if !identity.ValidImageID(id) {
		var none T
		return none, ErrNotFound
	}
	found, err := f(ctx, id)
	return found, inSameWords(err)
}

// inSameWords answers whatever is not there as ErrNotFound.
func inSameWords(err error) error {
	if fault.KindOf(err) == fault.NotFound {
		return ErrNotFound.With("gallery", err)
	}
	return err
}

// Months counts the timeline's images by month, newest first.
func (s *Service) Months(ctx context.Context) (catalogapi.MonthsResponse, error) {
	resp, err := s.catalog.Months(ctx)
	if resp.Months == nil {
		resp.Months = []catalogapi.Month{}
	}
	return resp, err
}

// Changes gives what changed after the cursor, and waits up to WaitMS for a
// first change.
func (s *Service) Changes(ctx context.Context, req catalogapi.ChangesRequest) (catalogapi.ChangesResponse, error) {
	resp, err := s.catalog.Changes(ctx, req)
	if resp.Changes == nil {
		resp.Changes = []catalogapi.Change{}
	}
	return resp, err
}

// Reachable is nil when the catalog answers; it is the lightest question there
// is.
func (s *Service) Reachable(ctx context.Context) error {
	_, err := s.catalog.Changes(ctx, catalogapi.ChangesRequest{})
	return err
}

// Timeline is what the gallery's front page shows.
type Timeline struct {
	Page          catalogapi.ListResponse
	Months        []catalogapi.Month
	ChangesCursor string
}

// Timeline gives a page of pictures with the months beside it. The feed's
// cursor is taken first, so that no change falls between it and the page.
func (s *Service) Timeline(ctx context.Context, req catalogapi.ListRequest) (Timeline, error) {
	now, err := s.catalog.Changes(ctx, catalogapi.ChangesRequest{})
	if err != nil {
		return Timeline{}, err
	}
	out := Timeline{ChangesCursor: now.Cursor}
	var (
		wait      sync.WaitGroup
		months    catalogapi.MonthsResponse
		monthsErr error
	)
	wait.Go(func() { months, monthsErr = s.Months(ctx) })
	out.Page, err = s.List(ctx, req)
	wait.Wait()
	out.Months = months.Months
	return out, cmp.Or(err, monthsErr)
}

// TrashPage is what the page of the trash shows.
type TrashPage struct {
	Page          catalogapi.ListResponse
	ChangesCursor string
}

// TrashPage gives a page of the trash. As for Timeline, the feed's cursor is
// taken first.
func (s *Service) TrashPage(ctx context.Context, cursor string) (TrashPage, error) {
	now, err := s.catalog.Changes(ctx, catalogapi.ChangesRequest{})
	if err != nil {
		return TrashPage{}, err
	}
	page, err := s.List(ctx, catalogapi.ListRequest{Cursor: cursor, Trashed: true})
	return TrashPage{Page: page, ChangesCursor: now.Cursor}, err
}

// Beside is an image and the ids of those next to it; an id is empty at the
// end of the timeline.
type Beside struct {
	Image            catalogapi.Image
	NewerID, OlderID string
}

// Look gives an image with its neighbours.
func (s *Service) Look(ctx context.Context, id string) (Beside, error) {
	image, err := s.Get(ctx, id)
	if err != nil {
		return Beside{}, err
	}
	next, err := s.catalog.Neighbours(ctx, id)
	if err != nil && fault.KindOf(err) != fault.NotFound { // purged in between: it has no neighbours any more
		return Beside{}, err
	}
	return Beside{Image: image, NewerID: next.NewerID, OlderID: next.OlderID}, nil
}

// Some looks up to MaxSome images by id and gives those that are there, in the
// timeline's order: of the trash or of the timeline, as trashed says.
func (s *Service) Some(ctx context.Context, ids []string, trashed bool) ([]catalogapi.Image, error) {
	if len(ids) > MaxSome {
		return nil, fault.Parameter("ids", "The parameter ids may name at most 100 images.")
	}
	found := make([]*catalogapi.Image, len(ids))
	errs := make([]error, len(ids))
	slots := make(chan struct{}, someAtOnce)
	var wait sync.WaitGroup
	for i, id := range ids {
		slots <- struct{}{}
		wait.Go(func() {
			defer func() { <-slots }()
			found[i], errs[i] = s.lookUp(ctx, id, trashed)
		})
	}
	wait.Wait()
	return inOrder(found), cmp.Or(errs...)
}

// lookUp gives the image, or nil when it is not there or not where it was
// looked for.
func (s *Service) lookUp(ctx context.Context, id string, trashed bool) (*catalogapi.Image, error) {
	image, err := s.Get(ctx, id)
	switch {
	case fault.KindOf(err) == fault.NotFound:
		return nil, nil
	case err != nil:
		return nil, err
	case (image.TrashedAt != nil) != trashed:
		return nil, nil
	}
	return &image, nil
}

// inOrder sorts what was found as the timeline does, each image once.
func inOrder(found []*catalogapi.Image) []catalogapi.Image {
	out := make([]catalogapi.Image, 0, len(found))
	for _, image := range found {
		if image != nil {
			out = append(out, *image)
		}
	}
	slices.SortFunc(out, func(a, b catalogapi.Image) int {
		return cmp.Or(b.TakenAt.Compare(a.TakenAt), cmp.Compare(b.ID, a.ID))
	})
	return slices.CompactFunc(out, func(a, b catalogapi.Image) bool { return a.ID == b.ID })
}
