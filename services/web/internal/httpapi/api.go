package httpapi

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/kitx"
	"github.com/sajin-gallery/sajin/services/web/api"
	"github.com/sajin-gallery/sajin/services/web/internal/accounts"
)

// routeAPI registers what programs use. services/web/api/openapi.yaml describes
// it; a test holds the two together.
func (s *Server) routeAPI() {
	s.api.HandleFunc("POST /api/v1/images", s.orFail(s.uploadImages))
	s.api.Handle("POST /api/v1/uploads", kitx.Handler(s.plan, s.decodePlan, kitx.Deadline(planTimeout)))
	s.api.HandleFunc("PUT /api/v1/uploads/{session}", s.orFail(s.sendChunk))
	s.api.HandleFunc("DELETE /api/v1/uploads/{session}", s.inTime(s.cancelUpload))
	s.api.HandleFunc("POST /api/v1/uploads/{id}/complete", s.orFail(s.completeUpload))
	s.api.Handle("POST /api/v1/receipts", endpoint(s.Gallery.Receipt, decodeReceipt))
	s.api.Handle("GET /api/v1/images", endpoint(s.list, decodeList))
	s.api.Handle("GET /api/v1/images/{id}", endpoint(image(s.Gallery.Get), decodeID))
	s.api.Handle("DELETE /api/v1/images/{id}", endpoint(image(s.Gallery.Trash), decodeID))
	s.api.Handle("POST /api/v1/images/{id}/restore", endpoint(image(s.Gallery.Restore), decodeID))
	s.api.Handle("DELETE /api/v1/trash/{id}", endpoint(s.purge, decodeID))
	s.api.Handle("GET /api/v1/months", endpoint(s.months, decodeNone))
	s.api.Handle("GET /api/v1/changes", kitx.Handler(s.changes, decodeChanges))
	s.routeAlbumsAPI()
	s.api.HandleFunc("GET /api/v1/openapi.yaml", s.orFail(describe))
	s.api.HandleFunc("GET /media/{id}/{rendition}", s.orFail(s.serveMedia))
	s.Health.Register(s.api)
}

// planTimeout bounds the opening of 1000 sessions.
const planTimeout = 40 * time.Second

// endpoint serves a use case as JSON, with the deadline of a call.
func endpoint[Req, Resp any](f kitx.UseCase[Req, Resp], decode kitx.Decoder[Req]) http.Handler {
	return kitx.Handler(f, decode, kitx.Deadline(requestTimeout))
}

// image makes a use case that gives a catalog's image one that gives the API's.
func image(f kitx.UseCase[string, catalogapi.Image]) kitx.UseCase[string, Image] {
	return func(ctx context.Context, id string) (Image, error) {
		found, err := f(ctx, id)
		if err != nil {
			return Image{}, err
		}
		httpx.RefersTo(ctx, found.TraceParent)
		return imageOf(found), nil
	}
}

func (s *Server) list(ctx context.Context, req catalogapi.ListRequest) (ImagePage, error) {
	page, err := s.Gallery.List(ctx, req)
	if err != nil {
		return ImagePage{}, err
	}
	out := ImagePage{Images: make([]Image, len(page.Images)), NextCursor: page.NextCursor}
	for i, found := range page.Images {
		out.Images[i] = imageOf(found)
	}
	return out, nil
}

func (s *Server) purge(ctx context.Context, id string) (kitx.None, error) {
	return kitx.None{}, s.Gallery.Purge(ctx, id)
}

func (s *Server) months(ctx context.Context, _ kitx.None) (catalogapi.MonthsResponse, error) {
	return s.Gallery.Months(ctx)
}

// changes waits for a change, at most as long as asked for. When the service
// stops it answers at once that nothing has changed so far, so that the client
// asks the next instance from the same place. Who is signed out meanwhile is
// told within recheckEvery.
func (s *Server) changes(ctx context.Context, req catalogapi.ChangesRequest) (catalogapi.ChangesResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(req.WaitMS)*time.Millisecond+requestTimeout)
	defer cancel()
	ctx, give := context.WithCancelCause(ctx)
	defer give(nil)
	go func() { give(s.interrupted(ctx)) }()
	resp, err := s.Gallery.Changes(ctx, req)
	if errors.Is(context.Cause(ctx), accounts.ErrUnauthenticated) {
		return catalogapi.ChangesResponse{}, accounts.ErrUnauthenticated.With("httpapi.changes", err)
	}
	if err != nil && s.draining() && req.Cursor != "" {
		return catalogapi.ChangesResponse{Changes: []catalogapi.Change{}, Cursor: req.Cursor}, nil
	}
	return resp, err
}

// recheckEvery is how soon a request that waits notices that its session or its
// token has ended.
const recheckEvery = 5 * time.Second

// interrupted waits for what ends a request that waits: the service stops, or
// who asked may ask no more. That cannot be told while the store is away.
func (s *Server) interrupted(ctx context.Context) error {
	again := time.NewTicker(recheckEvery)
	defer again.Stop()
	actor, known := actorOf(ctx)
	for {
		select {
		case <-s.Draining:
			return context.Canceled
		case <-ctx.Done():
			return nil
		case <-again.C:
		}
		if !known {
			continue
		}
		if err := s.Accounts.Still(ctx, actor); errors.Is(err, accounts.ErrUnauthenticated) {
			return accounts.ErrUnauthenticated
		}
	}
}

func (s *Server) draining() bool {
	select {
	case <-s.Draining:
		return true
	default:
		return false
	}
}

// describe serves the OpenAPI file.
func describe(w http.ResponseWriter, r *http.Request) error {
	if _, err := httpx.ParseQuery(r); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/yaml") // RFC 9512
	_, _ = w.Write(api.OpenAPI)                        // the client is gone; there is nobody to tell
	return nil
}

func decodeList(r *http.Request) (catalogapi.ListRequest, error) {
	q, err := httpx.ParseQuery(r, "limit", "cursor", "trashed", "month", "album")
	if err != nil {
		return catalogapi.ListRequest{}, err
	}
	limit, err := q.Int("limit", catalogapi.DefaultLimit, 1, catalogapi.MaxLimit)
	if err != nil {
		return catalogapi.ListRequest{}, err
	}
	trashed, err := q.Bool("trashed")
	return catalogapi.ListRequest{
		Limit: limit, Cursor: q.String("cursor"), Trashed: trashed, Month: q.String("month"), Album: q.String("album"),
	}, err
}

func decodeChanges(r *http.Request) (catalogapi.ChangesRequest, error) {
	q, err := httpx.ParseQuery(r, "cursor", "wait_ms")
	if err != nil {
		return catalogapi.ChangesRequest{}, err
	}
	wait, err := q.Int("wait_ms", 0, 0, catalogapi.MaxChangesWaitMS)
	return catalogapi.ChangesRequest{Cursor: q.String("cursor"), WaitMS: wait}, err
}

// decodeID takes the id as it is; the core decides whether it can be one.
func decodeID(r *http.Request) (string, error) {
	_, err := httpx.ParseQuery(r)
	return r.PathValue("id"), err
}

func decodeNone(r *http.Request) (kitx.None, error) {
	_, err := httpx.ParseQuery(r)
	return kitx.None{}, err
}
