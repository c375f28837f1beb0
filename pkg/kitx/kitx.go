// Package kitx is the one bridge between typed use cases and go-kit: it holds
// the only type assertions, and what go-kit's own defaults get wrong (an error
// encoder that shows err.Error(), a response encoder that writes 200 before it
// knows that encoding works) is done here once.
//
// A use case is func(ctx, Request) (Response, error). It becomes an endpoint, is
// wrapped in middleware, and is served over HTTP or called over HTTP; neither
// side writes an endpoint by hand.
package kitx

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"

	"github.com/go-kit/kit/endpoint"
	kithttp "github.com/go-kit/kit/transport/http"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
)

// UseCase is what a service's core offers.
type UseCase[Req, Resp any] func(context.Context, Req) (Resp, error)

// None is the request or response of a use case that has none.
type None struct{}

// Endpoint makes a go-kit endpoint of a use case.
func Endpoint[Req, Resp any](f UseCase[Req, Resp]) endpoint.Endpoint {
	return func(ctx context.Context, request any) (any, error) {
		req, ok := request.(Req)
		if !ok {
			return nil, fault.As(fault.Internal, "kitx.Endpoint", fmt.Errorf("request is %T, not %T", request, req))
		}
		return f(ctx, req)
	}
}

// Call makes a use case of a go-kit endpoint.
func Call[Req, Resp any](e endpoint.Endpoint) UseCase[Req, Resp] {
	return func(ctx context.Context, req Req) (Resp, error) {
		var none Resp
		response, err := e(ctx, req)
		if err != nil {
			return none, err
		}
		resp, ok := response.(Resp)
		if !ok {
			return none, fault.As(fault.Internal, "kitx.Call", fmt.Errorf("response is %T, not %T", response, none))
		}
		return resp, nil
	}
}

// Decoder reads a request.
type Decoder[Req any] func(*http.Request) (Req, error)

// Handler serves a use case over HTTP: decode, call through the middlewares
// (the first is the outermost), encode as JSON, answer errors as problems. A
// response that is None answers 204.
func Handler[Req, Resp any](f UseCase[Req, Resp], decode Decoder[Req], middlewares ...endpoint.Middleware) http.Handler {
	e := chain(Endpoint(f), middlewares)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A server for each request, since go-kit's error encoder is not given
		// the request that the problem is about.
		kithttp.NewServer(e,
			func(_ context.Context, r *http.Request) (any, error) { return decode(r) },
			encodeJSON,
			kithttp.ServerErrorEncoder(func(_ context.Context, err error, w http.ResponseWriter) { problem.Write(w, r, err) }),
		).ServeHTTP(w, r)
	})
}

// chain applies middlewares so that the first is the outermost.
func chain(e endpoint.Endpoint, middlewares []endpoint.Middleware) endpoint.Endpoint {
	for _, middleware := range slices.Backward(middlewares) {
		e = middleware(e)
	}
	return e
}

// encodeJSON encodes before it writes the header, so that a failure can still
// be answered as one.
func encodeJSON(_ context.Context, w http.ResponseWriter, response any) error {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if _, ok := response.(None); ok {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	var body bytes.Buffer
	if err := json.NewEncoder(&body).Encode(response); err != nil {
		return fault.As(fault.Internal, "kitx.encodeJSON", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	status := http.StatusOK
	if coder, ok := response.(kithttp.StatusCoder); ok {
		status = coder.StatusCode()
	}
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // the client is gone; there is nobody to tell
	return nil
}

// DecodeJSON reads a body of at most limit bytes as exactly one JSON object
// with known fields only.
func DecodeJSON[Req any](r *http.Request, limit int64) (Req, error) {
	var req Req
	raw, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, limit))
	if err != nil {
		return req, asBodyError(err)
	}
	trimmed := bytes.TrimLeft(raw, " \t\r\n")
	if len(trimmed) == 0 || trimmed[0] != '{' {
		return req, fault.New(fault.Invalid, "json_malformed", "The body must be one JSON object.")
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&req); err != nil {
		return req, fault.New(fault.Invalid, "json_malformed", "The body is not the JSON that is expected here.").With("kitx.DecodeJSON", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return req, fault.New(fault.Invalid, "json_malformed", "The body holds more than one JSON value.")
	}
	return req, nil
}

func asBodyError(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return err // problem knows it
	}
	return fault.New(fault.Invalid, "body_incomplete", "The connection ended before the whole request had arrived.").With("kitx.DecodeJSON", err)
}
