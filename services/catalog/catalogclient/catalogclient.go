// Package catalogclient is the Go client of the catalog service. It has the
// service's own use cases as methods, so that whoever needs the catalog cannot
// tell whether it is in the same process.
package catalogclient

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-kit/kit/endpoint"

	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/pkg/kitx"
)

const (
	attempts  = 3
	retryBase = 50 * time.Millisecond
	// callTimeout bounds one attempt of a call; the service's own bound is 10 s.
	callTimeout = 12 * time.Second
	// expectBatch keeps a request under the service's limit of 1 MiB, whatever
	// the names look like as JSON.
	expectBatch = 200
)

// ErrNotFound is what an id gets that is no id, without a call.
var ErrNotFound = fault.New(fault.NotFound, "image_not_found", "There is no such image.")

// Client calls the catalog. The owner acts through the context
// (identity.WithOwner). Every call may safely be repeated, and is, up to 3
// times, when the service cannot be reached or says that it is overloaded;
// after ten failures in a row calls fail at once for five seconds. Errors are
// the service's own faults, or Unavailable. It is safe for concurrent use.
type Client struct {
	list    kitx.UseCase[catalogapi.ListRequest, catalogapi.ListResponse]
	get     kitx.UseCase[string, catalogapi.Image]
	trash   kitx.UseCase[string, catalogapi.Image]
	restore kitx.UseCase[string, catalogapi.Image]
	purge   kitx.UseCase[string, kitx.None]
	expect  kitx.UseCase[catalogapi.ExpectRequest, catalogapi.ExpectResponse]
	known   kitx.UseCase[catalogapi.KnownRequest, catalogapi.KnownResponse]
	beside  kitx.UseCase[string, catalogapi.Neighbours]
	months  kitx.UseCase[kitx.None, catalogapi.MonthsResponse]
	changes kitx.UseCase[catalogapi.ChangesRequest, catalogapi.ChangesResponse]
	albums
}

// New makes a client of the service at target, over a network or within the
// process.
func New(target kitx.Target) *Client {
	again, breaker := kitx.Retry(attempts, retryBase), kitx.Breaker("catalog")
	call := []endpoint.Middleware{again, breaker, kitx.Deadline(callTimeout)}
	wait := []endpoint.Middleware{again, breaker, kitx.Deadline(catalogapi.MaxChangesWaitMS*time.Millisecond + callTimeout)}
	return &Client{
		list:    kitx.Client[catalogapi.ListRequest, catalogapi.ListResponse](target, http.MethodGet, encodeList, call...),
		get:     kitx.Client[string, catalogapi.Image](target, http.MethodGet, encodeID(catalogapi.PathImage), call...),
		trash:   kitx.Client[string, catalogapi.Image](target, http.MethodDelete, encodeID(catalogapi.PathImage), call...),
		restore: kitx.Client[string, catalogapi.Image](target, http.MethodPost, encodeID(catalogapi.PathRestore), call...),
		purge:   kitx.Client[string, kitx.None](target, http.MethodPost, encodeID(catalogapi.PathPurge), call...),
		expect:  kitx.Client[catalogapi.ExpectRequest, catalogapi.ExpectResponse](target, http.MethodPost, encodeExpect, call...),
		known:   kitx.Client[catalogapi.KnownRequest, catalogapi.KnownResponse](target, http.MethodPost, encodeKnown, call...),
		beside:  kitx.Client[string, catalogapi.Neighbours](target, http.MethodGet, encodeID(catalogapi.PathNeighbours), call...),
		months:  kitx.Client[kitx.None, catalogapi.MonthsResponse](target, http.MethodGet, encodeMonths, call...),
		changes: kitx.Client[catalogapi.ChangesRequest, catalogapi.ChangesResponse](target, http.MethodGet, encodeChanges, wait...),
		albums:  newAlbums(target, call),
	}
}

// List returns a page of the timeline or the trash, newest first.
func (c *Client) List(ctx context.Context, req catalogapi.ListRequest) (catalogapi.ListResponse, error) {
	return c.list(ctx, req)
}

// Get returns an image, in the trash or not.
func (c *Client) Get(ctx context.Context, id string) (catalogapi.Image, error) {
	return byID(ctx, c.get, id)
}

// Trash moves an image to the trash.
func (c *Client) Trash(ctx context.Context, id string) (catalogapi.Image, error) {
	return byID(ctx, c.trash, id)
}

// Restore moves an image back from the trash.
func (c *Client) Restore(ctx context.Context, id string) (catalogapi.Image, error) {
	return byID(ctx, c.restore, id)
}

// Purge deletes an image in the trash for good.
func (c *Client) Purge(ctx context.Context, id string) error {
	_, err := byID(ctx, c.purge, id)
	return err
}

// byID calls with what is an id only: anything else would be part of a path.
func byID[Resp any](ctx context.Context, call kitx.UseCase[string, Resp], id string) (Resp, error) {
	if !identity.ValidImageID(id) {
		var none Resp
		return none, ErrNotFound
	}
	return call(ctx, id)
}

// Expect makes known what upload has just stored. Many images go in several
// requests: when one fails, those before it are known, and repeating all of it
// is safe.
func (c *Client) Expect(ctx context.Context, req catalogapi.ExpectRequest) (catalogapi.ExpectResponse, error) {
	out := catalogapi.ExpectResponse{Results: make([]catalogapi.ExpectResult, 0, len(req.Images))}
	if len(req.Images) == 0 || len(req.Images) > catalogapi.MaxExpect { // the service says what is wrong
		return c.expect(ctx, req)
	}
	for batch := range slices.Chunk(req.Images, expectBatch) {
		resp, err := c.expect(ctx, catalogapi.ExpectRequest{Images: batch})
		if err != nil {
			return catalogapi.ExpectResponse{}, err
		}
		out.Results = append(out.Results, resp.Results...)
	}
	return out, nil
}

// Known tells which contents the owner has in the gallery.
func (c *Client) Known(ctx context.Context, req catalogapi.KnownRequest) (catalogapi.KnownResponse, error) {
	return c.known(ctx, req)
}

// Neighbours returns the ids of the images beside one.
func (c *Client) Neighbours(ctx context.Context, id string) (catalogapi.Neighbours, error) {
	return byID(ctx, c.beside, id)
}

// Months counts the timeline's images by month.
func (c *Client) Months(ctx context.Context) (catalogapi.MonthsResponse, error) {
	return c.months(ctx, kitx.None{})
}

// Changes returns what changed after a cursor.
func (c *Client) Changes(ctx context.Context, req catalogapi.ChangesRequest) (catalogapi.ChangesResponse, error) {
	return c.changes(ctx, req)
}

func encodeList(req catalogapi.ListRequest) (string, url.Values, any) {
	query := url.Values{}
	if req.Limit != 0 {
		query.Set("limit", strconv.Itoa(req.Limit))
	}
	if req.Trashed {
		query.Set("trashed", "true")
	}
	setText(query, "cursor", req.Cursor)
	setText(query, "month", req.Month)
	setText(query, "album", req.Album)
	return catalogapi.PathImages, query, nil
}

func encodeChanges(req catalogapi.ChangesRequest) (string, url.Values, any) {
	query := url.Values{}
	if req.WaitMS != 0 {
		query.Set("wait_ms", strconv.Itoa(req.WaitMS))
	}
	setText(query, "cursor", req.Cursor)
	return catalogapi.PathChanges, query, nil
}

func encodeMonths(kitx.None) (string, url.Values, any) { return catalogapi.PathMonths, nil, nil }

func encodeExpect(req catalogapi.ExpectRequest) (string, url.Values, any) {
	if req.Images == nil {
		req.Images = []catalogapi.Expected{}
	}
	return catalogapi.PathExpect, nil, req
}

func encodeKnown(req catalogapi.KnownRequest) (string, url.Values, any) {
	if req.SHA256s == nil {
		req.SHA256s = []string{}
	}
	return catalogapi.PathKnown, nil, req
}

func encodeID(pattern string) kitx.Encoder[string] {
	return func(id string) (string, url.Values, any) { return strings.Replace(pattern, "{id}", id, 1), nil, nil }
}

func setText(query url.Values, name, text string) {
	if text != "" {
		query.Set(name, text)
	}
}
