package httpapi_test

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/gormdb"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/catalog/internal/httpapi"
)

const (
	id    = "01KANH2Z6W8F7T3S5R0V4X1Y9Q"
	owner = "somebody"
)

type answer struct {
	*http.Response
	body    string
	problem problem.Details
}

// call sends a request as it is written; how the wire looks when the requests
// are good is checked against the OpenAPI file by the conformance suite.
func call(t *testing.T, u httpapi.UseCases, r *http.Request) answer {
	t.Helper()
	rt := httpx.NewRouter(nil)
	httpapi.Register(rt, u)
	w := httptest.NewRecorder()
	httpx.Chain(rt, httpx.RequestIDs(true), httpx.Recover).ServeHTTP(w, r)
	out := answer{Response: w.Result(), body: w.Body.String()}
	if out.StatusCode >= 400 {
		if got := out.Header.Get("Content-Type"); got != problem.ContentType {
			t.Errorf("%s %s is refused as %q", r.Method, r.URL, got)
		}
		if err := json.Unmarshal([]byte(out.body), &out.problem); err != nil && r.Method != http.MethodHead {
			t.Errorf("%s %s: the problem is no JSON: %v", r.Method, r.URL, err)
		}
	}
	return out
}

func request(method, target string, body string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set(identity.OwnerHeader, owner)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

func TestRoutesReachTheirUseCases(t *testing.T) {
	tests := []struct{ method, target, body, want string }{
		{"GET", "/v1/images", "", "list {Limit:100 Cursor: Trashed:false Month: Album:}"},
		{"GET", "/v1/images?limit=1&cursor=abc&trashed=true&month=2026-11", "", "list {Limit:1 Cursor:abc Trashed:true Month:2026-11 Album:}"},
		{"GET", "/v1/images?limit=200", "", "list {Limit:200 Cursor: Trashed:false Month: Album:}"},
		{"HEAD", "/v1/images", "", "list {Limit:100 Cursor: Trashed:false Month: Album:}"},
		{"GET", "/v1/images/" + id, "", "get " + id},
		{"DELETE", "/v1/images/" + id, "", "trash " + id},
		{"POST", "/v1/images/" + id + "/restore", "", "restore " + id},
		{"POST", "/v1/images/" + id + "/purge", "", "purge " + id},
		{"GET", "/v1/images/" + id + "/neighbours", "", "neighbours " + id},
		{"POST", "/v1/expected", `{"images":[]}`, "expect 0"},
		{"POST", "/v1/known", `{"sha256s":["a","b"]}`, "known 2"},
		{"GET", "/v1/images?album=" + id, "", "list {Limit:100 Cursor: Trashed:false Month: Album:" + id + "}"},
		{"GET", "/v1/albums", "", "albums image="},
		{"GET", "/v1/albums?image=" + id, "", "albums image=" + id},
		{"POST", "/v1/albums", `{"name":"n","parent_id":"p"}`, "create n p"},
		{"GET", "/v1/albums/" + id, "", "album " + id},
		{"PATCH", "/v1/albums/" + id, `{"name":"n"}`, "change " + id + " n"},
		{"DELETE", "/v1/albums/" + id, "", "delete " + id},
		{"POST", "/v1/albums/" + id + "/images", `{"ids":["a","b"]}`, "add " + id + " 2"},
		{"POST", "/v1/albums/" + id + "/images/remove", `{"ids":["a"]}`, "remove " + id + " 1"},
		{"POST", "/v1/album-paths", `{"albums":[]}`, "put 0"},
		{"GET", "/v1/months", "", "months"},
		{"GET", "/v1/changes", "", "changes {Cursor: WaitMS:0}"},
		{"GET", "/v1/changes?cursor=x&wait_ms=25000", "", "changes {Cursor:x WaitMS:25000}"},
	}
	for _, tt := range tests {
		u := &recorder{}
		got := call(t, u, request(tt.method, tt.target, tt.body))
		if got.StatusCode/100 != 2 || u.called != owner+" "+tt.want {
			t.Errorf("%s %s: %d %s, called %q, want %q", tt.method, tt.target, got.StatusCode, got.body, u.called, tt.want)
		}
		if got.Header.Get("Cache-Control") != "no-store" || got.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s %s may be cached or sniffed: %v", tt.method, tt.target, got.Header)
		}
	}
}

// TestParameters is P01, P02 (its form; its meaning is in catalogtest) and P05.
func TestParameters(t *testing.T) {
	many := strings.Repeat("&x=1", 20_000)
	tests := []struct{ target, code, parameter string }{
		{"/v1/images?limit=0", "validation_failed", "limit"},
		{"/v1/images?limit=-1", "validation_failed", "limit"},
		{"/v1/images?limit=201", "validation_failed", "limit"},
		{"/v1/images?limit=999999999", "validation_failed", "limit"},
		{"/v1/images?limit=99999999999999999999", "validation_failed", "limit"},
		{"/v1/images?limit=1e3", "validation_failed", "limit"},
		{"/v1/images?limit=abc", "validation_failed", "limit"},
		{"/v1/images?limit=%00", "validation_failed", "limit"},
		{"/v1/images?limit=", "validation_failed", "limit"},
		{"/v1/images?limit=%20", "validation_failed", "limit"},
		{"/v1/images?limit=01", "validation_failed", "limit"},
		{"/v1/images?limit=%2B1", "validation_failed", "limit"},
		{"/v1/images?limit=1&limit=2", "validation_failed", "limit"},
		{"/v1/images?trashed=1", "validation_failed", "trashed"},
		{"/v1/images?trashed=TRUE", "validation_failed", "trashed"},
		{"/v1/images?month=", "validation_failed", "month"},
		{"/v1/images?cursor=a&cursor=b", "validation_failed", "cursor"},
		{"/v1/images?sort=id;DROP", "query_malformed", ""},
		{"/v1/images?order=id", "unknown_parameter", "order"},
		{"/v1/images?Limit=1", "unknown_parameter", "Limit"},
		{"/v1/images?limit=%zz", "query_malformed", ""},
		{"/v1/images?cursor=" + strings.Repeat("A", 10_000), "too_many_parameters", ""},
		{"/v1/images?limit=1" + many, "too_many_parameters", ""},
		{"/v1/changes?wait_ms=-1", "validation_failed", "wait_ms"},
		{"/v1/changes?wait_ms=25001", "validation_failed", "wait_ms"},
		{"/v1/months?owner=b", "unknown_parameter", "owner"},
		{"/v1/images/" + id + "?as=b", "unknown_parameter", "as"},
	}
	for _, tt := range tests {
		u := &recorder{}
		got := call(t, u, request("GET", tt.target, ""))
		name := tt.target[:min(len(tt.target), 60)]
		if got.StatusCode != http.StatusBadRequest || got.problem.Code != tt.code {
			t.Errorf("%s: %d %q, want 400 %q", name, got.StatusCode, got.problem.Code, tt.code)
		}
		if tt.parameter != "" && (len(got.problem.Errors) != 1 || got.problem.Errors[0].Parameter != tt.parameter) {
			t.Errorf("%s points out %+v, want %q", name, got.problem.Errors, tt.parameter)
		}
		if u.called != "" {
			t.Errorf("%s reached the use case: %s", name, u.called)
		}
	}
}

// TestMethods is P10.
func TestMethods(t *testing.T) {
	for path, allow := range map[string]string{
		"/v1/images": "GET, HEAD", "/v1/images/" + id: "GET, HEAD, DELETE", "/v1/images/" + id + "/restore": "POST",
		"/v1/images/" + id + "/purge": "POST", "/v1/expected": "POST", "/v1/known": "POST", "/v1/months": "GET, HEAD", "/v1/changes": "GET, HEAD",
	} {
		for _, method := range []string{"PUT", "PATCH", "TRACE", "CONNECT", "OPTIONS", "get", "PROPFIND"} {
			u := &recorder{}
			r := request("GET", path, "")
			r.Method = method
			r.Header.Set("X-HTTP-Method-Override", "DELETE")
			got := call(t, u, r)
			if got.StatusCode != http.StatusMethodNotAllowed || got.Header.Get("Allow") != allow || u.called != "" {
				t.Errorf("%s %s: %d, Allow %q, called %q; want 405, %q", method, path, got.StatusCode, got.Header.Get("Allow"), u.called, allow)
			}
		}
	}
	u := &recorder{}
	r := request("POST", "/v1/images/"+id+"/restore", "")
	r.Header.Set("X-HTTP-Method-Override", "DELETE")
	if call(t, u, r); u.called != owner+" restore "+id {
		t.Errorf("the method was overridden: %s", u.called)
	}
}

// TestPaths is P11.
func TestPaths(t *testing.T) {
	for _, path := range []string{
		"/v1/images/a%00b", "/v1/images/..%2f..%2fetc%2fpasswd", "/v1/images/../../x", "//evil.example/%2e%2e", "/v1//images",
		"/v1/images/", "/v1/images/" + strings.ToLower(id), "/v1/images/8ZZZZZZZZZZZZZZZZZZZZZZZZZ", "/v1/images/42",
		"/v1/images/" + strings.Repeat("A", 10_000), "/v1/images/" + id + "%0a", "/v1/images/" + id + "/", "/v1/images/" + id + "/purge/x",
		"/v1/images/id=1 OR 1=1", "/", "/v1", "/v2/images", "/v1/images/%2e%2e", "/v1/images/" + id + "%2frestore",
	} {
		u := &recorder{}
		r := request("GET", "/", "")
		r.URL.Path, r.URL.RawPath = decoded(path), path
		if got := call(t, u, r); got.StatusCode != http.StatusNotFound || u.called != "" || got.Header.Get("Location") != "" {
			t.Errorf("%.60s: %d, called %q, Location %q; want 404", path, got.StatusCode, u.called, got.Header.Get("Location"))
		}
	}
}

func decoded(path string) string {
	return strings.NewReplacer("%00", "\x00", "%2f", "/", "%2e", ".", "%0a", "\n").Replace(path)
}

func TestOwnerHeader(t *testing.T) {
	for name, values := range map[string][]string{
		"missing": nil, "empty": {""}, "upper case": {"Anna"}, "two": {"a", "b"}, "list": {"a, b"}, "path": {"../x"}, "dot": {".a"},
		"space": {"a b"}, "zero": {"a\x00"}, "65 bytes": {strings.Repeat("a", 65)}, "quote": {"' OR 1=1 --"},
	} {
		u := &recorder{}
		r := request("GET", "/v1/months", "")
		r.Header[identity.OwnerHeader] = values
		if got := call(t, u, r); got.StatusCode != http.StatusBadRequest || got.problem.Code != "owner_missing" || u.called != "" {
			t.Errorf("%s: %d %q, called %q", name, got.StatusCode, got.problem.Code, u.called)
		}
	}
	for _, value := range []string{"a", strings.Repeat("a", 64), "user-1_2.3"} {
		u := &recorder{}
		r := request("GET", "/v1/months", "")
		r.Header.Set(identity.OwnerHeader, value)
		if got := call(t, u, r); got.StatusCode != http.StatusOK || u.called != value+" months" {
			t.Errorf("%q: %d, called %q", value, got.StatusCode, u.called)
		}
	}
}

func TestBodies(t *testing.T) {
	padded := func(n int) string {
		const frame = `{"images":[]}`
		return frame + strings.Repeat(" ", n-len(frame))
	}
	tests := map[string]struct {
		body, contentType, code string
		status                  int
	}{
		"below the limit":  {padded(httpapi.MaxBodyBytes - 1), "application/json", "", 200},
		"at the limit":     {padded(httpapi.MaxBodyBytes), "application/json; charset=utf-8", "", 200},
		"above the limit":  {padded(httpapi.MaxBodyBytes + 1), "application/json", "body_too_large", 413},
		"far above":        {padded(20 << 20), "application/json", "body_too_large", 413},
		"empty":            {"", "application/json", "json_malformed", 400},
		"null":             {"null", "application/json", "json_malformed", 400},
		"array":            {"[]", "application/json", "json_malformed", 400},
		"two values":       {`{"images":[]}{"images":[]}`, "application/json", "json_malformed", 400},
		"unknown member":   {`{"images":[{"id":"` + id + `","owner":"x"}]}`, "application/json", "json_malformed", 400},
		"byte order mark":  {"\ufeff" + `{"images":[]}`, "application/json", "json_malformed", 400},
		"deep":             {`{"images":` + strings.Repeat("[", 20_000), "application/json", "json_malformed", 400},
		"number too large": {`{"images":[{"size":18446744073709551616}]}`, "application/json", "json_malformed", 400},
		"text":             {`{"images":[]}`, "text/plain", "unsupported_media_type", 415},
		"form":             {`{"images":[]}`, "multipart/form-data; boundary=x", "unsupported_media_type", 415},
		"no type":          {`{"images":[]}`, "", "unsupported_media_type", 415},
	}
	for name, tt := range tests {
		r := request("POST", "/v1/expected", tt.body)
		r.Header.Set("Content-Type", tt.contentType)
		if got := call(t, &recorder{}, r); got.StatusCode != tt.status || got.problem.Code != tt.code {
			t.Errorf("%s: %d %q, want %d %q", name, got.StatusCode, got.problem.Code, tt.status, tt.code)
		}
	}
	r := request("POST", "/v1/expected", "")
	r.Header.Set("Content-Type", "application/json")
	r.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"images":`), brokenReader{}))
	if got := call(t, &recorder{}, r); got.StatusCode != 400 || got.problem.Code != "body_incomplete" {
		t.Errorf("a body that broke off: %d %q", got.StatusCode, got.problem.Code)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

const secret = "Access denied for user 'root'@'10.0.0.7' (using password: hunter2)"

// failure is what a use case fails with, and the status that it must become.
type failure struct {
	err    error
	status int
}

// failures are every kind of fault, and what drivers say.
func failures() map[string]failure {
	number := func(n uint16) error { return &mysql.MySQLError{Number: n, Message: secret} }
	out := map[string]failure{}
	for name, f := range map[string]failure{
		"access denied":   {number(1045), 503},
		"deadlock":        {number(1213), 503},
		"read-only":       {number(1290), 503},
		"disk full":       {number(1021), 507},
		"syntax":          {number(1064), 500},
		"duplicate":       {number(1062), 409},
		"bad connection":  {driver.ErrBadConn, 503},
		"network":         {&net.OpError{Op: "dial", Err: errors.New(secret)}, 503},
		"no such file":    {&os.PathError{Op: "open", Path: "/secret", Err: errors.New(secret)}, 500},
		"deadline":        {context.DeadlineExceeded, 504},
		"cancelled":       {context.Canceled, 499},
		"anything at all": {errors.New(secret), 500},
	} {
		out["driver: "+name] = failure{fault.Wrap("catalog.List", gormdb.Fault("gormcatalog.Page", f.err)), f.status}
	}
	for _, kind := range fault.Kinds() {
		err := fmt.Errorf("wrapped: %w", fault.New(kind, "", "").With("x", errors.New(secret)))
		out["kind: "+kind.String()] = failure{err, problem.Status(kind)}
	}
	return out
}

// TestFaults is P12: every route, made to fail in every way, answers with the
// mapped status and a problem, and shows nothing of what is inside.
func TestFaults(t *testing.T) {
	silence(t)
	for name, f := range failures() {
		for route, body := range map[string]string{
			"GET /v1/images": "", "GET /v1/images/" + id: "", "DELETE /v1/images/" + id: "", "POST /v1/images/" + id + "/restore": "",
			"POST /v1/images/" + id + "/purge": "", "POST /v1/expected": `{"images":[]}`, "POST /v1/known": `{"sha256s":[]}`, "GET /v1/months": "", "GET /v1/changes": "",
		} {
			method, target, _ := strings.Cut(route, " ")
			got := call(t, &recorder{err: f.err}, request(method, target, body))
			if got.StatusCode != f.status || got.problem.Code == "" || got.problem.RequestID == "" {
				t.Errorf("%s at %s: %d %s, want %d", name, route, got.StatusCode, got.body, f.status)
			}
			for _, word := range []string{"root", "hunter2", "10.0.0.7", "secret", "gormcatalog", "bad connection", "dial"} {
				if strings.Contains(got.body, word) {
					t.Errorf("%s at %s shows %q: %s", name, route, word, got.body)
				}
			}
			wants := slices.Contains([]int{423, 429, 503, 504, 507}, f.status)
			if retry := got.Header.Get("Retry-After") != ""; retry != wants {
				t.Errorf("%s at %s: Retry-After %v, want %v", name, route, retry, wants)
			}
		}
	}
}

// silence keeps the failures that a test makes out of its output.
func silence(t *testing.T) {
	t.Helper()
	before := slog.Default()
	slog.SetDefault(slog.New(slog.DiscardHandler))
	t.Cleanup(func() { slog.SetDefault(before) })
}

// FuzzQuery: whatever the query, a page is asked for within its limits or not
// at all.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"", "limit=1", "limit=0&cursor=%zz", "month=2026-11&trashed=true", "limit=1;limit=2", "&&&", "limit=%EF%BC%91"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, query string) {
		u := &recorder{}
		r := request("GET", "/v1/images", "")
		r.URL.RawQuery = query
		got := call(t, u, r)
		if (got.StatusCode == 200) != (u.called != "") || got.StatusCode != 200 && got.StatusCode != 400 {
			t.Errorf("?%q: %d, called %q", query, got.StatusCode, u.called)
		}
	})
}
