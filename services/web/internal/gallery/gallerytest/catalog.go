// Package gallerytest holds in-memory stand-ins for the gallery's ports, true
// to their contracts as far as the web service can see. For tests only.
package gallerytest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

var (
	errNotFound = fault.New(fault.NotFound, "not_found", "There is nothing at this address.")
	errCursor   = fault.New(fault.Invalid, "cursor_invalid", "The cursor is not valid.")
)

// Catalog is a gallery.Catalog. Safe for concurrent use.
type Catalog struct {
	mu      sync.Mutex
	images  map[string]catalogapi.Image
	albums  map[string]*album
	feed    []catalogapi.Change
	changed chan struct{} // closed and replaced with every change
	fail    error
}

// NewCatalog makes an empty catalog.
func NewCatalog() *Catalog {
	return &Catalog{images: map[string]catalogapi.Image{}, albums: map[string]*album{}, changed: make(chan struct{})}
}

// FailWith makes every call fail with err, until it is called with nil.
func (c *Catalog) FailWith(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fail = err
}

// Put adds or replaces an image.
func (c *Catalog) Put(image catalogapi.Image) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.put(image, catalogapi.ChangeAdded)
}

func (c *Catalog) put(image catalogapi.Image, kind string) {
	c.images[image.ID] = image
	c.note(image.ID, kind)
}

func (c *Catalog) note(id, kind string) {
	c.feed = append(c.feed, catalogapi.Change{ImageID: id, Kind: kind, At: time.Now().UTC()})
	close(c.changed)
	c.changed = make(chan struct{})
}

// begin locks, and tells whether the call may go on.
func (c *Catalog) begin(ctx context.Context) error {
	c.mu.Lock()
	switch {
	case c.fail != nil:
		return c.fail
	case identity.OwnerFrom(ctx) == "":
		return fault.New(fault.Unauthenticated, "owner_missing", "Nobody acts.")
	default:
		return fault.Wrap("gallerytest", ctx.Err())
	}
}

func (c *Catalog) ordered(keep func(catalogapi.Image) bool) []catalogapi.Image {
	var out []catalogapi.Image
	for _, image := range c.images {
		if keep(image) {
			out = append(out, image)
		}
	}
	slices.SortFunc(out, func(a, b catalogapi.Image) int {
		return cmp.Or(b.TakenAt.Compare(a.TakenAt), cmp.Compare(b.ID, a.ID))
	})
	return out
}

// List gives a page; its cursors are the id of the last image before.
func (c *Catalog) List(ctx context.Context, req catalogapi.ListRequest) (catalogapi.ListResponse, error) {
	defer c.mu.Unlock()
	if err := c.begin(ctx); err != nil {
		return catalogapi.ListResponse{}, err
	}
	in, found := c.albums[req.Album]
	if req.Album != "" && !found {
		return catalogapi.ListResponse{}, errNotFound
	}
	all := c.ordered(func(i catalogapi.Image) bool {
		return (req.Album == "" || in.members[i.ID]) && (i.TrashedAt != nil) == req.Trashed && (req.Month == "" || i.TakenAt.Format("2006-01") == req.Month)
	})
	if req.Cursor != "" {
		at := slices.IndexFunc(all, func(i catalogapi.Image) bool { return i.ID == req.Cursor })
		if at < 0 {
			return catalogapi.ListResponse{}, errCursor
		}
		all = all[at+1:]
	}
	if len(all) <= req.Limit {
		return catalogapi.ListResponse{Images: all}, nil
	}
	return catalogapi.ListResponse{Images: all[:req.Limit], NextCursor: all[req.Limit-1].ID}, nil
}

// Get gives an image.
func (c *Catalog) Get(ctx context.Context, id string) (catalogapi.Image, error) {
	defer c.mu.Unlock()
	return c.get(ctx, id)
}

func (c *Catalog) get(ctx context.Context, id string) (catalogapi.Image, error) {
	if err := c.begin(ctx); err != nil {
		return catalogapi.Image{}, err
	}
	image, ok := c.images[id]
	if !ok {
		return image, errNotFound
	}
	return image, nil
}

// Neighbours names what is beside an image.
func (c *Catalog) Neighbours(ctx context.Context, id string) (catalogapi.Neighbours, error) {
	defer c.mu.Unlock()
	image, err := c.get(ctx, id)
	if err != nil {
		return catalogapi.Neighbours{}, err
	}
	all := c.ordered(func(i catalogapi.Image) bool { return (i.TrashedAt != nil) == (image.TrashedAt != nil) })
	at := slices.IndexFunc(all, func(i catalogapi.Image) bool { return i.ID == id })
	var out catalogapi.Neighbours
	if at > 0 {
		out.NewerID = all[at-1].ID
	}
	if at < len(all)-1 {
		out.OlderID = all[at+1].ID
	}
	return out, nil
}

// Trash moves an image to the trash.
func (c *Catalog) Trash(ctx context.Context, id string) (catalogapi.Image, error) {
	now := time.Now().UTC()
	return c.move(ctx, id, &now, catalogapi.ChangeTrashed)
}

// Restore brings an image back.
func (c *Catalog) Restore(ctx context.Context, id string) (catalogapi.Image, error) {
	return c.move(ctx, id, nil, catalogapi.ChangeRestored)
}

func (c *Catalog) move(ctx context.Context, id string, trashed *time.Time, kind string) (catalogapi.Image, error) {
	defer c.mu.Unlock()
	image, err := c.get(ctx, id)
	if err != nil {
		return image, err
	}
	image.TrashedAt = trashed
	c.put(image, kind)
	return image, nil
}

// Purge deletes an image of the trash.
func (c *Catalog) Purge(ctx context.Context, id string) error {
	defer c.mu.Unlock()
	image, err := c.get(ctx, id)
	switch {
	case err != nil:
		return err
	case image.TrashedAt == nil:
		return fault.New(fault.Conflict, "not_trashed", "Only an image in the trash can be deleted for good.")
	}
	delete(c.images, id)
	c.note(id, catalogapi.ChangeRemoved)
	return nil
}

// Expect takes note of uploads, and recognises bytes that are there already.
func (c *Catalog) Expect(ctx context.Context, req catalogapi.ExpectRequest) (catalogapi.ExpectResponse, error) {
	defer c.mu.Unlock()
	if err := c.begin(ctx); err != nil {
		return catalogapi.ExpectResponse{}, err
	}
	if len(req.Images) > catalogapi.MaxExpect {
		return catalogapi.ExpectResponse{}, fault.New(fault.TooLarge, "too_many_images", "Too many images at once.")
	}
	var out catalogapi.ExpectResponse
	for _, e := range req.Images {
		out.Results = append(out.Results, c.expect(identity.OwnerFrom(ctx), e))
	}
	return out, nil
}

func (c *Catalog) expect(owner identity.Owner, e catalogapi.Expected) catalogapi.ExpectResult {
	for _, known := range c.images {
		if e.SHA256 != "" && known.SHA256 == e.SHA256 && known.ID != e.ID {
			c.settle(e.Album, known.ID)
			return catalogapi.ExpectResult{ID: e.ID, DuplicateOf: known.ID, Trashed: known.TrashedAt != nil}
		}
	}
	c.put(catalogapi.Image{
		ID: e.ID, Owner: string(owner), Name: e.Name, Key: e.Key, ContentType: e.ContentType, Size: e.Size, SHA256: e.SHA256,
		Width: e.Width, Height: e.Height, TakenAt: e.CreatedAt, CreatedAt: e.CreatedAt, State: catalogapi.StateProcessing,
	}, catalogapi.ChangeAdded)
	c.settle(e.Album, e.ID)
	return catalogapi.ExpectResult{ID: e.ID}
}

func (c *Catalog) settle(path, id string) {
	if a := c.path(path); a != nil {
		c.members(a, []string{id}, true)
	}
}

// Known tells whose bytes are there already.
func (c *Catalog) Known(ctx context.Context, req catalogapi.KnownRequest) (catalogapi.KnownResponse, error) {
	defer c.mu.Unlock()
	if err := c.begin(ctx); err != nil {
		return catalogapi.KnownResponse{}, err
	}
	var out catalogapi.KnownResponse
	for _, sum := range req.SHA256s {
		result := catalogapi.KnownResult{SHA256: sum}
		for _, image := range c.images {
			if image.SHA256 == sum {
				result.ID, result.Trashed = image.ID, image.TrashedAt != nil
			}
		}
		out.Results = append(out.Results, result)
	}
	return out, nil
}

// Months counts by the month in UTC.
func (c *Catalog) Months(ctx context.Context) (catalogapi.MonthsResponse, error) {
	defer c.mu.Unlock()
	if err := c.begin(ctx); err != nil {
		return catalogapi.MonthsResponse{}, err
	}
	var out catalogapi.MonthsResponse
	for _, image := range c.ordered(func(i catalogapi.Image) bool { return i.TrashedAt == nil }) {
		month := image.TakenAt.UTC().Format("2006-01")
		if len(out.Months) == 0 || out.Months[len(out.Months)-1].Month != month {
			out.Months = append(out.Months, catalogapi.Month{Month: month})
		}
		out.Months[len(out.Months)-1].Count++
	}
	return out, nil
}

// Changes waits for the feed to grow beyond the cursor, a count.
func (c *Catalog) Changes(ctx context.Context, req catalogapi.ChangesRequest) (catalogapi.ChangesResponse, error) {
	deadline := time.After(time.Duration(req.WaitMS) * time.Millisecond)
	for {
		resp, changed, err := c.since(ctx, req.Cursor)
		if err != nil || len(resp.Changes) > 0 || req.WaitMS == 0 || req.Cursor == "" {
			return resp, err
		}
		select {
		case <-changed:
		case <-deadline:
			return resp, nil
		case <-ctx.Done():
			return resp, fault.Wrap("gallerytest.Changes", ctx.Err())
		}
	}
}

func (c *Catalog) since(ctx context.Context, cursor string) (catalogapi.ChangesResponse, <-chan struct{}, error) {
	defer c.mu.Unlock()
	if err := c.begin(ctx); err != nil {
		return catalogapi.ChangesResponse{}, nil, err
	}
	resp := catalogapi.ChangesResponse{Cursor: fmt.Sprint(len(c.feed))}
	if cursor == "" {
		return resp, c.changed, nil
	}
	at, err := strconv.Atoi(cursor)
	if err != nil || at < 0 || at > len(c.feed) {
		return resp, nil, errCursor
	}
	resp.Changes = slices.Clone(c.feed[at:])
	return resp, c.changed, nil
}
