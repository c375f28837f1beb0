package openapitest

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// Transport is an http.RoundTripper that fails t when an exchange is not as the
// OpenAPI file says:
//
//   - a request that was taken (2xx, 3xx) must be as described, its query
//     parameters included; one that was refused may be as wrong as a test likes;
//   - every response must have a described status, content type and headers,
//     and a JSON body must match its schema and hold nothing undescribed;
//   - an address that is not described may be answered with 404 or 405 only.
//
// JSON bodies are held in memory; every other body is passed on as it streams,
// unchecked. HEAD is taken for a GET without a body. It is safe for concurrent
// use; after the end of the test it must not be used.
func Transport(t testing.TB, file []byte, next http.RoundTripper) http.RoundTripper {
	t.Helper()
	doc := Load(t, file)
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatalf("the OpenAPI file cannot be routed: %v", err)
	}
	return &transport{t: t, router: router, next: next}
}

type transport struct {
	t      testing.TB
	router routers.Router
	next   http.RoundTripper
}

// RoundTrip sends the request and checks both directions.
func (c *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	copied, err := holdJSON(req)
	if err != nil {
		return nil, err
	}
	resp, err := c.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	c.t.Helper()
	input := c.route(copied)
	if input == nil {
		if resp.StatusCode != http.StatusNotFound && resp.StatusCode != http.StatusMethodNotAllowed {
			c.fail(req, "is not described, but answered with %d", resp.StatusCode)
		}
		return resp, nil
	}
	if resp.StatusCode < http.StatusBadRequest {
		c.checkRequest(input)
	}
	return resp, c.checkResponse(input, resp)
}

// holdJSON returns a copy of req for the validator. A JSON body is read, so
// that both have it; another body stays with req alone.
func holdJSON(req *http.Request) (*http.Request, error) {
	copied := req.Clone(req.Context())
	copied.Body = http.NoBody
	if req.Body == nil || !isJSON(req.Header) {
		return copied, nil
	}
	raw, err := io.ReadAll(req.Body)
	_ = req.Body.Close()
	if err != nil {
		return nil, err
	}
	req.Body = io.NopCloser(bytes.NewReader(raw))
	copied.Body = io.NopCloser(bytes.NewReader(raw))
	return copied, nil
}

// route finds the described operation, or nil.
func (c *transport) route(req *http.Request) *openapi3filter.RequestValidationInput {
	if req.Method == http.MethodHead {
		req.Method = http.MethodGet
		defer func() { req.Method = http.MethodHead }()
	}
	route, params, err := c.router.FindRoute(req)
	if err != nil {
		return nil
	}
	return &openapi3filter.RequestValidationInput{
		Request: req, PathParams: params, Route: route,
		Options: &openapi3filter.Options{
			ExcludeRequestBody: !isJSON(req.Header), IncludeResponseStatus: true, SkipSettingDefaults: true,
			AuthenticationFunc: openapi3filter.NoopAuthenticationFunc,
		},
	}
}

func (c *transport) checkRequest(input *openapi3filter.RequestValidationInput) {
	c.t.Helper()
	if err := openapi3filter.ValidateRequest(input.Request.Context(), input); err != nil {
		c.fail(input.Request, "was taken, but is not as described: %v", err)
	}
	for name := range input.Request.URL.Query() {
		if input.Route.Operation.Parameters.GetByInAndName(openapi3.ParameterInQuery, name) == nil &&
			input.Route.PathItem.Parameters.GetByInAndName(openapi3.ParameterInQuery, name) == nil {
			c.fail(input.Request, "was taken with the query parameter %q, which is not described", name)
		}
	}
}

func (c *transport) checkResponse(in *openapi3filter.RequestValidationInput, resp *http.Response) error {
	c.t.Helper()
	options := *in.Options
	options.ExcludeResponseBody = true
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: resp.StatusCode, Header: resp.Header, Options: &options,
	}
	if isJSON(resp.Header) {
		raw, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		resp.Body = io.NopCloser(bytes.NewReader(raw))
		if err != nil {
			return err
		}
		options.ExcludeResponseBody = in.Request.Method == http.MethodHead
		out.SetBodyBytes(raw)
		c.checkMembers(in, resp, raw)
	}
	if err := openapi3filter.ValidateResponse(in.Request.Context(), out); err != nil {
		c.fail(in.Request, "answered with %d, but not as described: %v", resp.StatusCode, err)
	}
	c.checkContentType(in, resp)
	return nil
}

// checkMembers looks for members of a JSON body that are not written down.
func (c *transport) checkMembers(in *openapi3filter.RequestValidationInput, resp *http.Response, raw []byte) {
	c.t.Helper()
	described := describedResponse(in, resp.StatusCode)
	var value any
	if described == nil || json.Unmarshal(raw, &value) != nil {
		return // the validator says so
	}
	if content := described.Content.Get(resp.Header.Get("Content-Type")); content != nil && content.Schema != nil {
		for _, at := range undescribed(content.Schema.Value, value, "") {
			c.fail(in.Request, "answered with %d and the member %s, which is not described", resp.StatusCode, at)
		}
	}
}

// checkContentType covers the bodies that the validator does not read.
func (c *transport) checkContentType(in *openapi3filter.RequestValidationInput, resp *http.Response) {
	c.t.Helper()
	given := resp.Header.Get("Content-Type")
	described := describedResponse(in, resp.StatusCode)
	if given == "" || described == nil {
		return
	}
	if described.Content.Get(given) == nil {
		c.fail(in.Request, "answered with %d and the content type %q, which is not described", resp.StatusCode, given)
	}
}

func describedResponse(in *openapi3filter.RequestValidationInput, status int) *openapi3.Response {
	responses := in.Route.Operation.Responses
	ref := responses.Status(status)
	if ref == nil {
		ref = responses.Default()
	}
	if ref == nil {
		return nil
	}
	return ref.Value
}

func (c *transport) fail(req *http.Request, format string, args ...any) {
	c.t.Helper()
	c.t.Errorf("%s %s "+format, append([]any{req.Method, req.URL.Path}, args...)...)
}

// isJSON reports whether a body of this type is checked against its schema.
func isJSON(header http.Header) bool {
	mediaType, _, _ := mime.ParseMediaType(header.Get("Content-Type"))
	return mediaType == "application/json" || strings.HasSuffix(mediaType, "+json")
}
