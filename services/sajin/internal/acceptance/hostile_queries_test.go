package acceptance

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// hostileQueries are requests without a body.
var hostileQueries = []hostileRow{
	{"P01_Limits", limits},
	{"P05_ManyParameters", manyParameters},
	{"P10_Methods", methods},
	{"P10_NoMethodOverride", noMethodOverride},
	{"P10_HeadIsGetWithoutABody", headIsGet},
	{"P11_Paths", paths},
	{"P12_EveryErrorIsAProblem", everyErrorIsAProblem},
}

func limits(t *testing.T, v *victim) {
	for _, query := range []string{"limit=0", "limit=-1", "limit=201", "limit=999999999", "limit=1e3", "limit=abc", "limit=%00", "limit=%20", "limit=", "limit=1&limit=2"} {
		resp := v.get(t, "/api/v1/images?"+query)
		wantProblem(t, query, resp, http.StatusBadRequest, "validation_failed")
		if got := fieldErrors(t, resp); !slices.Equal(got, []string{"limit"}) {
			t.Errorf("%s: the errors are of %v", query, got)
		}
	}
	v.call(t, http.MethodGet, "/api/v1/images?limit=1", http.StatusOK)
	v.call(t, http.MethodGet, "/api/v1/images?limit=200", http.StatusOK)
}

// manyParameters: a query that cannot be read as a whole is not read in part.
func manyParameters(t *testing.T, v *victim) {
	many := strings.Repeat("a=1&", 5000) + "trashed=true"
	for _, path := range []string{"/api/v1/images", "/api/v1/changes", "/api/v1/months"} {
		wantProblem(t, path, v.exchange(t, http.MethodGet, path+"?"+many), http.StatusBadRequest, "too_many_parameters")
	}
	if page := v.exchange(t, http.MethodGet, "/?"+many); page.status != http.StatusBadRequest {
		t.Errorf("a page was answered with %d", page.status)
	}
	tooLong := v.exchange(t, http.MethodGet, "/api/v1/images?"+strings.Repeat("a=1&", 20_000)+"trashed=true")
	if tooLong.status != http.StatusRequestHeaderFieldsTooLarge && tooLong.status != http.StatusBadRequest {
		t.Errorf("20,000 parameters were answered with %d", tooLong.status)
	}
	wantProblem(t, "sort", v.get(t, "/api/v1/images?sort=id;DROP"), http.StatusBadRequest, "query_malformed")
	wantProblem(t, "sort", v.get(t, "/api/v1/images?sort=name"), http.StatusBadRequest, "unknown_parameter")
}

func methods(t *testing.T, v *victim) {
	id := v.stored(t, upload("a.jpg", v.fresh(t))).ID
	for path, allow := range map[string]string{
		"/api/v1/images": "GET, HEAD, POST", "/api/v1/images/" + id: "GET, HEAD, DELETE", "/api/v1/images/" + id + "/restore": "POST",
		"/api/v1/trash/" + id: "DELETE", "/media/" + id + "/original": "GET, HEAD",
	} {
		for _, method := range []string{"PATCH", "PUT", "TRACE", "OPTIONS", "get", "BREW", "CONNECT"} {
			resp := v.exchange(t, method, path)
			wantProblem(t, method+" "+path, resp, http.StatusMethodNotAllowed, "method_not_allowed")
			if got := resp.header.Get("Allow"); got != allow {
				t.Errorf("%s %s: Allow %q, want %q", method, path, got, allow)
			}
		}
	}
	if page := v.exchange(t, http.MethodPut, "/upload"); page.status != http.StatusMethodNotAllowed || !isPage(page) {
		t.Errorf("PUT /upload: %d %s", page.status, page.header.Get("Content-Type"))
	}
}

func isPage(r response) bool {
	return strings.HasPrefix(r.header.Get("Content-Type"), "text/html") && bytes.Contains(r.body, []byte("<html"))
}

func noMethodOverride(t *testing.T, v *victim) {
	id := v.stored(t, upload("a.jpg", v.fresh(t))).ID
	v.get(t, "/api/v1/images/"+id, "X-HTTP-Method-Override", "DELETE", "X-Method-Override", "DELETE")
	wantProblem(t, "_method", v.get(t, "/api/v1/images/"+id+"?_method=DELETE"), http.StatusBadRequest, "unknown_parameter")
	if !contains(v.mustList(t, ""), id) {
		t.Error("the method was overridden")
	}
}

func headIsGet(t *testing.T, v *victim) {
	id := v.stored(t, upload("a.jpg", v.fresh(t))).ID
	for _, path := range []string{"/", "/trash", "/upload", "/images/" + id, "/api/v1/images/" + id, "/media/" + id + "/w320", "/healthz/live", "/favicon.ico"} {
		get, head := v.exchange(t, http.MethodGet, path), v.exchange(t, http.MethodHead, path)
		for _, name := range []string{"Content-Type", "Content-Length", "Etag"} {
			if get.header.Get(name) != head.header.Get(name) {
				t.Errorf("%s: %s is %q for GET and %q for HEAD", path, name, get.header.Get(name), head.header.Get(name))
			}
		}
		if head.status != http.StatusOK || get.status != http.StatusOK || len(head.body) > 0 {
			t.Errorf("HEAD %s: %d and %d bytes; GET: %d", path, head.status, len(head.body), get.status)
		}
	}
}

func paths(t *testing.T, v *victim) {
	id := v.stored(t, upload("a.jpg", v.fresh(t))).ID
	for _, part := range []string{"a%00b", "..%2f..%2fetc%2fpasswd", "..%5c..%5cetc", "1", strings.ToLower(id), strings.Repeat("0", 10_000), id + "%20", id[:25], "8" + id[1:]} {
		wantProblem(t, part, v.exchange(t, http.MethodGet, "/api/v1/images/"+part), http.StatusNotFound, "not_found")
		wantProblem(t, part, v.exchange(t, http.MethodGet, "/media/"+part+"/original"), http.StatusNotFound, "not_found")
		if page := v.exchange(t, http.MethodGet, "/images/"+part); page.status != http.StatusNotFound || !isPage(page) {
			t.Errorf("/images/%.40s: %d", part, page.status)
		}
	}
	for _, name := range []string{"W320", "..%2foriginal", "w320.jpg", "a%00", "original%2f", "w9", "..%2f..%2f..%2fetc%2fpasswd"} {
		wantProblem(t, name, v.exchange(t, http.MethodGet, "/media/"+id+"/"+name), http.StatusNotFound, "not_found")
	}
	for _, path := range []string{"//evil.example/%2e%2e", "/x/../../y", "/trash/..", "/%2e%2e/x", "/.git/config", "/.env", "/static/../web.go", "/static/..%2f..%2fweb.go", "/../../etc/passwd"} {
		if resp := v.exchange(t, http.MethodGet, path); resp.status != http.StatusNotFound || resp.header.Get("Location") != "" {
			t.Errorf("%s: %d to %q", path, resp.status, resp.header.Get("Location"))
		}
	}
	if resp := v.exchange(t, http.MethodGet, "http://evil.example/api/v1/images"); resp.status != http.StatusMisdirectedRequest {
		t.Errorf("an address of another host was answered with %d", resp.status)
	}
}

// everyErrorIsAProblem: no failure of the API is text, whatever made it, and
// none tells what is behind.
func everyErrorIsAProblem(t *testing.T, v *victim) {
	const noSuch = "01KAJ8Q4Y2M3N5P7R9T1V3X5Z7"
	for target, status := range map[string]int{
		"GET /api/v1/nothing": 404, "GET /api/v1/images/" + noSuch: 404, "DELETE /api/v1/images/" + noSuch: 404, "POST /api/v1/images/" + noSuch + "/restore": 404,
		"DELETE /api/v1/trash/" + noSuch: 404, "GET /media/" + noSuch + "/original": 404, "GET /api/v1/images?cursor=x": 400, "GET /api/v1/images?cursor=" + strings.Repeat("A", 10_000): 400,
		"GET /api/v1/images?month=2026-13": 400, "GET /api/v1/images?trashed=1": 400, "GET /api/v1/changes?cursor=x": 400, "GET /api/v1/changes?wait_ms=25001": 400,
		"POST /api/v1/images": 415, "GET /healthz/nothing": 404, "GET /media/": 404, "GET /api/": 404,
	} {
		method, path, _ := strings.Cut(target, " ")
		resp := v.exchange(t, method, path, "Content-Length: 0", "Accept: text/html, */*")
		if p := problemOf(t, resp); p == nil || resp.status != status {
			t.Errorf("%.80s was answered with %d %.200q, want %d", target, resp.status, resp.body, status)
		}
		for _, secret := range []string{"goroutine", "gorm", "sqlite", "Error 1", "objects/", "fileblob", "gcsblob", "127.0.0.1", "/tmp/"} {
			if bytes.Contains(resp.body, []byte(secret)) {
				t.Errorf("%.80s says %q: %.300s", target, secret, resp.body)
			}
		}
	}
}
