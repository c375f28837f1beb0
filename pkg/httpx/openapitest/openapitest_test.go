package openapitest_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/httpx/openapitest"
)

const petshop = `
openapi: 3.0.3
info: {title: Pets, version: "1"}
servers: [{url: "https://pets.example"}]
paths:
  /pets:
    parameters:
      - {name: tag, in: query, schema: {type: string}}
    get:
      parameters:
        - {name: limit, in: query, schema: {type: integer, maximum: 10}}
      responses:
        "200":
          description: Pets.
          content: {application/json: {schema: {$ref: "#/components/schemas/Pets"}}}
        "400":
          description: Wrong.
          content: {application/problem+json: {schema: {type: object, properties: {code: {type: string}}}}}
    post:
      requestBody:
        required: true
        content: {application/json: {schema: {$ref: "#/components/schemas/Pet"}}}
      responses: {"204": {description: Stored.}}
  /photos/{path}:
    get:
      parameters:
        - {name: path, in: path, required: true, schema: {type: string}}
      responses:
        "200":
          description: Bytes.
          content: {image/jpeg: {schema: {type: string, format: binary}}}
components:
  schemas:
    Pets:
      type: object
      required: [pets]
      properties: {pets: {type: array, items: {$ref: "#/components/schemas/Pet"}}}
    Pet:
      type: object
      required: [name]
      properties: {name: {type: string, maxLength: 5}}
`

// failures collects what a check says, in place of failing the test.
type failures struct {
	testing.TB
	said []string
}

func (f *failures) Helper() {}

func (f *failures) Errorf(format string, args ...any) {
	f.said = append(f.said, fmt.Sprintf(format, args...))
}

func (f *failures) expect(t *testing.T, parts ...string) {
	t.Helper()
	if len(f.said) != len(parts) {
		t.Fatalf("want %d failures (%q), got %q", len(parts), parts, f.said)
	}
	for i, part := range parts {
		if !strings.Contains(f.said[i], part) {
			t.Errorf("failure %d = %q, want it to say %q", i, f.said[i], part)
		}
	}
}

func router(patterns ...string) *httpx.Router {
	rt := httpx.NewRouter(nil)
	for _, pattern := range patterns {
		rt.HandleFunc(pattern, func(http.ResponseWriter, *http.Request) {})
	}
	return rt
}

func TestRoutes(t *testing.T) {
	all := []string{"GET /pets", "POST /pets", "GET /photos/{path...}"}
	tests := map[string]struct {
		served, except []string
		want           []string
	}{
		"the same":             {served: all},
		"one more":             {served: append(all, "DELETE /pets"), want: []string{`"DELETE /pets" is served`}},
		"one less":             {served: all[:2], want: []string{`"GET /photos/{path}" is described`}},
		"one excepted":         {served: append(all, "GET /{$}"), except: []string{"GET /{$}"}},
		"a needless exception": {served: all, except: []string{"GET /{$}"}, want: []string{`"GET /{$}" is excepted`}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := &failures{TB: t}
			openapitest.Routes(f, router(tt.served...), []byte(petshop), tt.except...)
			f.expect(t, tt.want...)
		})
	}
}

// answer makes a transport that answers everything the same.
func answer(status int, contentType, body string) http.RoundTripper {
	return httpx.InProcess{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})}
}

func TestTransport(t *testing.T) {
	const problem, json = "application/problem+json", "application/json"
	tests := map[string]struct {
		method, target, body string
		next                 http.RoundTripper
		want                 []string
	}{
		"as described":            {"GET", "/pets?limit=10&tag=a", "", answer(200, json, `{"pets":[{"name":"Bo"}]}`), nil},
		"wrong, and refused":      {"GET", "/pets?limit=11", "", answer(400, problem, `{"code":"x"}`), nil},
		"wrong, and taken":        {"GET", "/pets?limit=11", "", answer(200, json, `{"pets":[]}`), []string{"was taken, but"}},
		"unknown parameter taken": {"GET", "/pets?sort=a", "", answer(200, json, `{"pets":[]}`), []string{`"sort", which is not described`}},
		"undescribed status":      {"GET", "/pets", "", answer(418, problem, `{}`), []string{"answered with 418, but"}},
		"undescribed type":        {"GET", "/pets", "", answer(200, "text/html", `<p>`), []string{`"text/html", which is not`}},
		"response against schema": {"GET", "/pets", "", answer(200, json, `{"pets":[{"name":"Leviathan"}]}`), []string{"but not as described"}},
		"undescribed member":      {"GET", "/pets", "", answer(200, json, `{"pets":[{"name":"Bo","password":"x"}]}`), []string{"/pets/*/password"}},
		"request body taken":      {"POST", "/pets", `{"name":"Bo"}`, answer(204, "", ""), nil},
		"bad request body taken":  {"POST", "/pets", `{}`, answer(204, "", ""), []string{"was taken, but"}},
		"unknown address":         {"GET", "/secret", "", answer(200, json, `{}`), []string{"is not described, but answered with 200"}},
		"unknown address refused": {"GET", "/secret", "", answer(404, problem, `{}`), nil},
		"wrong method refused":    {"PUT", "/pets", "", answer(405, problem, `{}`), nil},
		"bytes pass":              {"GET", "/photos/a.jpg", "", answer(200, "image/jpeg", "\xff\xd8"), nil},
		"head as get":             {"HEAD", "/pets", "", answer(200, json, ""), nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := &failures{TB: t}
			client := &http.Client{Transport: openapitest.Transport(f, []byte(petshop), tt.next)}
			req, err := http.NewRequestWithContext(t.Context(), tt.method, "http://127.0.0.1"+tt.target, strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			if tt.body != "" {
				req.Header.Set("Content-Type", "application/json")
			}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			if _, err := io.ReadAll(resp.Body); err != nil {
				t.Errorf("the body cannot be read after the check: %v", err)
			}
			f.expect(t, tt.want...)
		})
	}
}
