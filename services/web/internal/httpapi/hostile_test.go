package httpapi_test

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
	"github.com/sajin-gallery/sajin/services/web/internal/httpapi"
)

func TestP01_Limits(t *testing.T) {
	s := serve(t)
	for _, limit := range []string{"1", "200"} {
		s.get("/api/v1/images?limit="+limit).want(t, http.StatusOK)
	}
	for _, query := range []string{"limit=0", "limit=-1", "limit=201", "limit=999999999", "limit=1e3", "limit=abc", "limit=%00", "limit=%20", "limit=", "limit=1&limit=2", "limit=%2B1", "limit=01"} {
		d := s.get("/api/v1/images?"+query).wantProblem(t, http.StatusBadRequest, "validation_failed")
		if len(d.Errors) != 1 || d.Errors[0].Parameter != "limit" {
			t.Errorf("%s: errors %+v, want the parameter limit", query, d.Errors)
		}
	}
	s.get("/api/v1/changes?wait_ms=25000").want(t, http.StatusOK) // no cursor, no wait
	s.get("/api/v1/changes?wait_ms=25001").wantProblem(t, http.StatusBadRequest, "validation_failed")
	for _, month := range []string{"2026", "2026-13", "2026-1", "2026-05-01", "x", "2026-05%00"} {
		s.get("/api/v1/images?month="+month).wantProblem(t, http.StatusBadRequest, "validation_failed")
	}
	s.get("/api/v1/images?trashed=1").wantProblem(t, http.StatusBadRequest, "validation_failed")
}

func TestP05_ManyParameters(t *testing.T) {
	s := serve(t)
	s.put(0)
	many := strings.Repeat("a=1&", 2000) + "trashed=true"
	for _, path := range []string{"/api/v1/images", "/api/v1/changes", "/api/v1/months"} {
		s.get(path+"?"+many).wantProblem(t, http.StatusBadRequest, "too_many_parameters")
	}
	s.get("/?"+many).wantErrorPage(t, http.StatusBadRequest)
	s.get("/api/v1/images?sort=name").wantProblem(t, http.StatusBadRequest, "unknown_parameter")
	s.get("/api/v1/images?a;b=1").wantProblem(t, http.StatusBadRequest, "query_malformed")
}

func TestP10_Methods(t *testing.T) {
	s := serve(t)
	id := s.put(0)
	for path, allow := range map[string]string{
		"/api/v1/images":                    "GET, HEAD, POST",
		"/api/v1/images/" + id:              "GET, HEAD, DELETE",
		"/api/v1/images/" + id + "/restore": "POST",
		"/api/v1/trash/" + id:               "DELETE",
		"/media/" + id + "/original":        "GET, HEAD",
	} {
		for _, method := range []string{"PATCH", "TRACE", "OPTIONS", "get", "BREW"} {
			a := s.do(method, path, nil)
			a.wantProblem(t, http.StatusMethodNotAllowed, "method_not_allowed")
			if got := a.Header.Get("Allow"); got != allow {
				t.Errorf("%s %s: Allow %q, want %q", method, path, got, allow)
			}
		}
	}
	page := s.do(http.MethodPut, "/upload", nil)
	page.wantErrorPage(t, http.StatusMethodNotAllowed)
	if got := page.Header.Get("Allow"); got != "GET, HEAD, POST" {
		t.Errorf("PUT /upload: Allow %q", got)
	}
	s.get("/images/"+id+"/trash").wantErrorPage(t, http.StatusMethodNotAllowed)
}

func TestP10_NoMethodOverride(t *testing.T) {
	s := serve(t)
	id := s.put(0)
	s.get("/api/v1/images/"+id, "X-HTTP-Method-Override: DELETE", "X-Method-Override: DELETE").want(t, http.StatusOK)
	s.get("/api/v1/images/"+id+"?_method=DELETE").wantProblem(t, http.StatusBadRequest, "unknown_parameter")
	if image := decode[httpapi.Image](t, s.get("/api/v1/images/"+id)); image.TrashedAt != nil {
		t.Fatal("the method was overridden")
	}
}

func TestP10_HeadIsGetWithoutABody(t *testing.T) {
	s := serve(t)
	id := s.put(0)
	for _, path := range []string{"/", "/trash", "/upload", "/images/" + id, "/api/v1/images", "/api/v1/images/" + id, "/media/" + id + "/w320", "/healthz/live", "/favicon.ico"} {
		get, head := s.get(path), s.do(http.MethodHead, path, nil).want(t, http.StatusOK)
		if head.body != "" || head.Header.Get("Content-Type") != get.Header.Get("Content-Type") || head.ContentLength != get.ContentLength {
			t.Errorf("HEAD %s: %d bytes of %q, announced %d; GET: %q, %d", path, len(head.body), head.Header.Get("Content-Type"), head.ContentLength, get.Header.Get("Content-Type"), get.ContentLength)
		}
	}
}

func TestP11_Paths(t *testing.T) {
	s := serve(t)
	id := s.put(0)
	bad := []string{"a%00b", "..%2f..%2fetc%2fpasswd", "1", strings.ToLower(id), strings.Repeat("0", 10000), id + "%20", id[:25], "8" + id[1:]}
	for _, part := range bad {
		s.get("/api/v1/images/"+part).wantProblem(t, http.StatusNotFound, "not_found")
		s.get("/media/"+part+"/original").wantProblem(t, http.StatusNotFound, "not_found")
		s.get("/images/"+part).wantErrorPage(t, http.StatusNotFound)
		s.post("/images/"+part+"/trash").wantErrorPage(t, http.StatusNotFound)
	}
	for _, name := range []string{"W320", "..%2foriginal", "w320.jpg", "a%00", strings.Repeat("a", 17), "original%2f", "w9"} {
		s.get("/media/"+id+"/"+name).wantProblem(t, http.StatusNotFound, "not_found")
	}
	for _, path := range []string{"//evil.example/%2e%2e", "/x/../../y", "/trash/..", "/%2e%2e/x", "/trash/", "/.git/config", "/.env", "/static/../web.go"} {
		s.get(path).wantErrorPage(t, http.StatusNotFound)
	}
	for _, opened := range s.media.Opened() {
		t.Errorf("the store was asked for %+v", opened)
	}
}

func TestP12_EveryFaultIsMappedAndSilent(t *testing.T) {
	s := serve(t)
	id := s.put(0)
	secret := errors.New("Error 1045 (28000): Access denied for user 'sajin'@'10.0.0.7'")
	for _, kind := range fault.Kinds() {
		s.catalog.FailWith(fault.As(kind, "gormcatalog.Get", secret))
		for _, path := range []string{"/api/v1/images", "/api/v1/images/" + id, "/api/v1/months", "/api/v1/changes", "/media/" + id + "/original", "/", "/trash", "/images/" + id} {
			a := s.get(path).want(t, problem.Status(kind))
			if strings.Contains(a.body, "1045") || strings.Contains(a.body, "gormcatalog") {
				t.Errorf("%v at %s shows its cause: %s", kind, path, a.body)
			}
			if kind.Retryable() && kind != fault.Canceled && a.Header.Get("Retry-After") == "" {
				t.Errorf("%v at %s has no Retry-After", kind, path)
			}
		}
	}
	s.catalog.FailWith(secret) // that nobody classified
	d := s.get("/api/v1/images").wantProblem(t, http.StatusInternalServerError, "internal")
	if strings.Contains(d.Detail, "1045") {
		t.Errorf("the detail shows the cause: %s", d.Detail)
	}
	s.get("/").wantErrorPage(t, http.StatusInternalServerError)
}

func TestP18_LongLanguageHeaders(t *testing.T) {
	s := serve(t)
	s.get("/", "Accept-Language: "+strings.Repeat("ko;q=0.1,", 2000)).want(t, http.StatusOK)
	s.get("/", "Cookie: "+strings.Repeat("lang=xx; ", 2000)).want(t, http.StatusOK)
}

// A name is text wherever it is shown.
func TestW01_NamesAreText(t *testing.T) {
	s := serve(t)
	const evil = `"><script>alert(1)</script>'onload=x`
	id := s.put(0, func(c *catalogapi.Image) { c.Name, c.Camera.Model = evil, evil })
	s.put(1, func(c *catalogapi.Image) {
		c.Name, c.State, c.FailDetail = evil, catalogapi.StateFailed, evil
	})
	s.put(2, trashed, func(c *catalogapi.Image) { c.Name = evil })
	for _, path := range []string{"/", "/trash", "/images/" + id, "/upload", "/fragments/images", "/fragments/months", "/" + url.PathEscape(evil), "/?month=" + url.QueryEscape(evil)} {
		if body := s.get(path).body; strings.Contains(body, "<script>alert") {
			t.Errorf("%s runs a name", path)
		}
	}
	if body := s.upload("/upload", file{evil, []byte("x")}).body; strings.Contains(body, "<script>alert") {
		t.Error("the answer to an upload runs a name")
	}
}
