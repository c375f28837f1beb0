package kitx

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/go-kit/kit/endpoint"
	kithttp "github.com/go-kit/kit/transport/http"
	"github.com/sony/gobreaker/v2"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// MaxResponseBytes bounds what a client reads of another service's answer.
const MaxResponseBytes = 16 << 20

// Target is a service that a client calls.
type Target struct {
	Base *url.URL
	HTTP kithttp.HTTPClient // must not follow redirects: see NoRedirects
}

// NoRedirects makes an HTTP client that hands a redirect back as an answer: a
// service of ours sends none, and following one could carry the caller's
// identity to another host.
func NoRedirects(transport http.RoundTripper) *http.Client {
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Encoder says where a request goes: the path and query, and the JSON body
// (nil for none).
type Encoder[Req any] func(Req) (path string, query url.Values, body any)

// Client calls a use case of another service over HTTP, through the
// middlewares. The owner, the request id and the deadline of the context go
// along; a problem comes back as the fault it was.
func Client[Req, Resp any](t Target, method string, encode Encoder[Req], middlewares ...endpoint.Middleware) UseCase[Req, Resp] {
	e := kithttp.NewClient(method, t.Base,
		func(ctx context.Context, r *http.Request, request any) error {
			req, ok := request.(Req)
			if !ok {
				return fault.New(fault.Internal, "internal", "")
			}
			return encodeRequest(ctx, r, t.Base, req, encode)
		},
		decodeResponse[Resp], kithttp.SetClient(t.HTTP)).Endpoint()
	return Call[Req, Resp](chain(asUnavailable(e), middlewares))
}

func encodeRequest[Req any](ctx context.Context, r *http.Request, base *url.URL, req Req, encode Encoder[Req]) error {
	path, query, body := encode(req)
	r.URL = at(base, path)
	r.URL.RawQuery = query.Encode()
	SetCaller(ctx, r.Header)
	if body == nil {
		return nil
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return fault.As(fault.Internal, "kitx.Client", err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.ContentLength = int64(len(raw))
	// net/http sends it again when a connection kept alive turns out to be dead.
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw)), nil }
	r.Body, _ = r.GetBody()
	return nil
}

// at is a path below base. JoinPath makes it relative, without the first slash,
// where the base has no path itself.
func at(base *url.URL, path string) *url.URL {
	root := *base
	if root.Path == "" {
		root.Path = "/"
	}
	return root.JoinPath(path)
}

// SetCaller puts the context's owner, request id and deadline into the header of
// a request to another service.
func SetCaller(ctx context.Context, header http.Header) {
	if owner := identity.OwnerFrom(ctx); owner != "" {
		header.Set(identity.OwnerHeader, string(owner))
	}
	if id := problem.RequestID(ctx); id != "" {
		header.Set(httpx.RequestIDHeader, id)
	}
	httpx.SetTimeout(ctx, header)
}

func decodeResponse[Resp any](_ context.Context, resp *http.Response) (any, error) {
	var out Resp
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, problem.Read(resp)
	}
	if resp.StatusCode == http.StatusNoContent {
		return out, nil
	}
	limited := io.LimitReader(resp.Body, MaxResponseBytes)
	if err := json.NewDecoder(limited).Decode(&out); err != nil {
		return nil, fmt.Errorf("decode the answer: %w", err)
	}
	return out, nil
}

// asUnavailable classifies an error that is no answer of the other service: it
// could not be reached, or not be understood.
func asUnavailable(next endpoint.Endpoint) endpoint.Endpoint {
	return func(ctx context.Context, request any) (any, error) {
		response, err := next(ctx, request)
		if _, answered := errors.AsType[*fault.Error](err); err == nil || answered {
			return response, err
		}
		kind := fault.Unavailable
		if k := fault.KindOf(err); k == fault.Canceled || k == fault.Timeout {
			kind = k
		}
		return nil, fault.As(kind, "kitx.Client", err)
	}
}

// Deadline bounds a call.
func Deadline(d time.Duration) endpoint.Middleware {
	return func(next endpoint.Endpoint) endpoint.Endpoint {
		return func(ctx context.Context, request any) (any, error) {
			ctx, cancel := context.WithTimeout(ctx, d)
			defer cancel()
			return next(ctx, request)
		}
	}
}

// When a breaker opens, and for how long.
const (
	breakerFailures = 10
	breakerPause    = 5 * time.Second
)

// Breaker stops calling a service that does not answer: after ten failures in a
// row it refuses at once for five seconds, then lets one call try. Only
// Unavailable, Timeout and Internal count as failures; a call that its own
// caller gave up counts as nothing.
func Breaker(name string) endpoint.Middleware {
	breaker := gobreaker.NewCircuitBreaker[any](gobreaker.Settings{
		Name: name, Timeout: breakerPause,
		ReadyToTrip:  func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= breakerFailures },
		IsSuccessful: func(err error) bool { return err == nil || !isOutage(fault.KindOf(err)) },
		IsExcluded:   func(err error) bool { return err != nil && fault.KindOf(err) == fault.Canceled },
	})
	return func(next endpoint.Endpoint) endpoint.Endpoint {
		return func(ctx context.Context, request any) (any, error) {
			response, err := breaker.Execute(func() (any, error) { return next(ctx, request) })
			if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
				return nil, fault.New(fault.Unavailable, "service_unavailable",
					"A part of the gallery does not answer at the moment. Please try again shortly.").
					With("kitx.Breaker", err).RetryAfter(breakerPause)
			}
			return response, err
		}
	}
}

func isOutage(k fault.Kind) bool {
	return k == fault.Unavailable || k == fault.Timeout || k == fault.Internal
}
