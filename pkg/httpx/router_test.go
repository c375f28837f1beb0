package httpx_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
)

func newRouter() *httpx.Router {
	rt := httpx.NewRouter(nil)
	echo := func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Method+" "+r.PathValue("id")) }
	rt.HandleFunc("GET /v1/images", echo)
	rt.HandleFunc("POST /v1/images", echo)
	rt.HandleFunc("GET /v1/images/{id}", echo)
	rt.HandleFunc("DELETE /v1/images/{id}", echo)
	rt.HandleFunc("GET /form/{$}", echo)
	return rt
}

// serve sends target as it is, without the cleaning that http.NewRequest and
// clients do.
func serve(t *testing.T, h http.Handler, method, target string) *httptest.ResponseRecorder {
	t.Helper()
	u, err := url.ParseRequestURI(target)
	if err != nil {
		t.Fatal(err)
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, &http.Request{Method: method, URL: u, RequestURI: target, Host: "gallery.test", Header: http.Header{}, Body: http.NoBody})
	return rec
}

func TestRouterServesItsRoutes(t *testing.T) {
	rt := newRouter()
	for target, want := range map[string]string{
		"GET /v1/images": "GET ", "HEAD /v1/images": "HEAD ", "POST /v1/images?x=//": "POST ",
		"GET /v1/images/a": "GET a", "DELETE /v1/images/a%00b": "DELETE a\x00b", "GET /form/": "GET ",
	} {
		method, path, _ := strings.Cut(target, " ")
		if rec := serve(t, rt, method, path); rec.Code != 200 || rec.Body.String() != want {
			t.Errorf("%s: %d %q", target, rec.Code, rec.Body)
		}
	}
}

func TestRouterKnowsItsRoutes(t *testing.T) {
	want := []string{"DELETE /v1/images/{id}", "GET /form/{$}", "GET /v1/images", "GET /v1/images/{id}", "POST /v1/images"}
	if got := newRouter().Routes(); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestRouterRefusesPathsWithAnotherSpelling(t *testing.T) {
	rt := newRouter()
	for _, path := range []string{
		"/nothing", "/v1/images/a/b", "/v1", "/v1/images/", "//v1/images", "//evil.example/v1/images", "/v1//images",
		"/v1/images//", "/v1/./images", "/v1/../v1/images", "/v1/images/..", "/v1/images/.", "/..", "//evil.example/%2e%2e",
		"/v1/images/..%2f..%2fetc%2fpasswd", "/v1/images/%2e%2e", "/v1/images/%2e", "/v1%2f%2fimages", "*",
	} {
		rec := serve(t, rt, "GET", path)
		var d problem.Details
		if err := json.Unmarshal(rec.Body.Bytes(), &d); err != nil || rec.Code != 404 || d.Code != "not_found" {
			t.Errorf("%s: %d %s", path, rec.Code, rec.Body)
		}
		if to := rec.Header().Get("Location"); to != "" {
			t.Errorf("%s redirects to %s", path, to)
		}
	}
}

func TestRouterNamesTheMethodsOfAPath(t *testing.T) {
	rt := newRouter()
	cases := []struct{ method, path, allow string }{
		{"PUT", "/v1/images", "GET, HEAD, POST"},
		{"DELETE", "/v1/images", "GET, HEAD, POST"},
		{"POST", "/v1/images/a", "GET, HEAD, DELETE"},
		{"OPTIONS", "/v1/images/a", "GET, HEAD, DELETE"},
		{"TRACE", "/v1/images/a", "GET, HEAD, DELETE"},
		{"CONNECT", "/v1/images/a", "GET, HEAD, DELETE"},
		{"get", "/v1/images", "GET, HEAD, POST"},
		{"<script>", "/v1/images", "GET, HEAD, POST"},
		{"POST", "/form/", "GET, HEAD"},
	}
	for _, c := range cases {
		rec := serve(t, rt, c.method, c.path)
		var d problem.Details
		if err := json.Unmarshal(rec.Body.Bytes(), &d); err != nil || rec.Code != 405 || d.Status != 405 || d.Code != "method_not_allowed" {
			t.Errorf("%s %s: %d %s", c.method, c.path, rec.Code, rec.Body)
		}
		if got := rec.Header().Get("Allow"); got != c.allow {
			t.Errorf("%s %s: Allow %q, want %q", c.method, c.path, got, c.allow)
		}
		if strings.Contains(rec.Body.String(), "script") {
			t.Errorf("the method is echoed: %s", rec.Body)
		}
	}
}

func TestRouterIgnoresAMethodOverride(t *testing.T) {
	r := httptest.NewRequest("POST", "/v1/images", nil)
	r.Header.Set("X-HTTP-Method-Override", "DELETE")
	rec := httptest.NewRecorder()
	newRouter().ServeHTTP(rec, r)
	if rec.Body.String() != "POST " {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

func TestHEADHasNoBody(t *testing.T) {
	server := httptest.NewServer(newRouter())
	defer server.Close()
	for path, status := range map[string]int{"/v1/images": 200, "/nothing": 404} {
		r, err := http.NewRequestWithContext(t.Context(), "HEAD", server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode != status || len(body) != 0 || err != nil {
			t.Errorf("%s: %d %q %v", path, resp.StatusCode, body, err)
		}
	}
}

func TestRouterFailsInItsOwnWay(t *testing.T) {
	rt := httpx.NewRouter(func(w http.ResponseWriter, _ *http.Request, _ error, status int) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
	})
	rt.HandleFunc("GET /a", func(http.ResponseWriter, *http.Request) {})
	for target, status := range map[string]int{"GET /b": 404, "POST /a": 405} {
		method, path, _ := strings.Cut(target, " ")
		if rec := serve(t, rt, method, path); rec.Code != status || rec.Header().Get("Content-Type") != "text/html" {
			t.Errorf("%s: %d %v", target, rec.Code, rec.Header())
		}
	}
}
