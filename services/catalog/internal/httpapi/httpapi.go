// Package httpapi serves the catalog's use cases over HTTP, as api/openapi.yaml
// describes. It knows the wire (paths, parameters, limits of a request) and
// decides nothing.
package httpapi

import (
	"context"
	"mime"
	"net/http"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/pkg/kitx"
)

const (
	// MaxBodyBytes bounds the body of a request.
	MaxBodyBytes = 1 << 20
	// RequestTimeout bounds the work for a request; waiting for changes comes
	// on top.
	RequestTimeout = 10 * time.Second
)

// UseCases is what is served. The owner is in the context.
type UseCases interface {
	List(ctx context.Context, req catalogapi.ListRequest) (catalogapi.ListResponse, error)
	Get(ctx context.Context, id string) (catalogapi.Image, error)
	Trash(ctx context.Context, id string) (catalogapi.Image, error)
	Restore(ctx context.Context, id string) (catalogapi.Image, error)
	Purge(ctx context.Context, id string) error
	Expect(ctx context.Context, req catalogapi.ExpectRequest) (catalogapi.ExpectResponse, error)
	Known(ctx context.Context, req catalogapi.KnownRequest) (catalogapi.KnownResponse, error)
	Neighbours(ctx context.Context, id string) (catalogapi.Neighbours, error)
	Months(ctx context.Context) (catalogapi.MonthsResponse, error)
	Changes(ctx context.Context, req catalogapi.ChangesRequest) (catalogapi.ChangesResponse, error)
	AlbumUseCases
}

// Register adds the routes.
func Register(rt *httpx.Router, u UseCases) {
	purge := func(ctx context.Context, id string) (kitx.None, error) { return kitx.None{}, u.Purge(ctx, id) }
	months := func(ctx context.Context, _ kitx.None) (catalogapi.MonthsResponse, error) { return u.Months(ctx) }
	handle(rt, "GET "+catalogapi.PathImages, u.List, decodeList)
	handle(rt, "GET "+catalogapi.PathImage, u.Get, decodeID)
	handle(rt, "DELETE "+catalogapi.PathImage, u.Trash, decodeID)
	handle(rt, "POST "+catalogapi.PathRestore, u.Restore, decodeID)
	handle(rt, "POST "+catalogapi.PathPurge, purge, decodeID)
	handle(rt, "POST "+catalogapi.PathExpect, u.Expect, decodeBody[catalogapi.ExpectRequest])
	handle(rt, "POST "+catalogapi.PathKnown, u.Known, decodeBody[catalogapi.KnownRequest])
	handle(rt, "GET "+catalogapi.PathNeighbours, u.Neighbours, decodeID)
	handle(rt, "GET "+catalogapi.PathMonths, months, decodeNone)
	registerAlbums(rt, u)
	const longest = catalogapi.MaxChangesWaitMS*time.Millisecond + RequestTimeout
	rt.Handle("GET "+catalogapi.PathChanges, asOwner(kitx.Handler(u.Changes, decodeChanges, kitx.Deadline(longest))))
}

func handle[Req, Resp any](rt *httpx.Router, pattern string, f kitx.UseCase[Req, Resp], decode kitx.Decoder[Req]) {
	rt.Handle(pattern, asOwner(kitx.Handler(f, decode, kitx.Deadline(RequestTimeout))))
}

var errOwner = fault.New(fault.Invalid, "owner_missing", "The header "+identity.OwnerHeader+" must say for whom the request acts.")

// asOwner believes the header: whoever guards the service has verified it, or
// nobody but the gallery itself can reach it.
func asOwner(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		values := r.Header.Values(identity.OwnerHeader)
		if len(values) != 1 {
			problem.Write(w, r, errOwner)
			return
		}
		owner, ok := identity.ParseOwner(values[0])
		if !ok {
			problem.Write(w, r, errOwner)
			return
		}
		next.ServeHTTP(w, r.WithContext(identity.WithOwner(r.Context(), owner)))
	})
}

func decodeNone(r *http.Request) (kitx.None, error) {
	_, err := httpx.ParseQuery(r)
	return kitx.None{}, err
}

// decodeID takes an id in its one spelling only; the path is already decoded
// here, so that "..%2f" and a zero byte are refused as well.
func decodeID(r *http.Request) (string, error) {
	id := r.PathValue("id")
	if !identity.ValidImageID(id) {
		return "", fault.New(fault.NotFound, "image_not_found", "There is no such image.")
	}
	_, err := httpx.ParseQuery(r)
	return id, err
}

func decodeList(r *http.Request) (req catalogapi.ListRequest, err error) {
	q, err := httpx.ParseQuery(r, "limit", "cursor", "trashed", "month", "album")
	if err != nil {
		return req, err
	}
	if req.Limit, err = q.Int("limit", catalogapi.DefaultLimit, 1, catalogapi.MaxLimit); err != nil {
		return req, err
	}
	if req.Trashed, err = q.Bool("trashed"); err != nil {
		return req, err
	}
	req.Cursor, req.Month, req.Album = q.String("cursor"), q.String("month"), q.String("album")
	if q.Has("album") && !identity.ValidImageID(req.Album) {
		return req, errAlbumNotFound
	}
	if q.Has("month") && req.Month == "" {
		return req, fault.Parameter("month", "The parameter month must be a month such as 2026-11.")
	}
	return req, nil
}

func decodeChanges(r *http.Request) (req catalogapi.ChangesRequest, err error) {
	q, err := httpx.ParseQuery(r, "cursor", "wait_ms")
	if err != nil {
		return req, err
	}
	req.Cursor = q.String("cursor")
	req.WaitMS, err = q.Int("wait_ms", 0, 0, catalogapi.MaxChangesWaitMS)
	return req, err
}

func decodeBody[Req any](r *http.Request) (req Req, err error) {
	if mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || mediaType != "application/json" {
		return req, fault.New(fault.Unsupported, "unsupported_media_type", "The body must be application/json.")
	}
	if _, err := httpx.ParseQuery(r); err != nil {
		return req, err
	}
	return kitx.DecodeJSON[Req](r, MaxBodyBytes)
}
