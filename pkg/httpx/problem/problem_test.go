package problem_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
)

func TestEveryKindGoesThereAndBack(t *testing.T) {
	seen := map[int]fault.Kind{}
	for _, k := range fault.Kinds() {
		status := problem.Status(k)
		if status < 400 || (status == http.StatusInternalServerError) != (k == fault.Internal) {
			t.Errorf("%v has status %d", k, status)
		}
		if other, taken := seen[status]; taken {
			t.Errorf("%v and %v share %d", k, other, status)
		}
		seen[status] = k
		if got := (problem.Details{Status: status}).Fault().Kind; got != k {
			t.Errorf("%v comes back as %v", k, got)
		}
	}
}

func TestStatusesWithoutAKind(t *testing.T) {
	cases := map[int]fault.Kind{
		http.StatusMethodNotAllowed: fault.Invalid, http.StatusRequestHeaderFieldsTooLarge: fault.Invalid,
		http.StatusTeapot: fault.Invalid, http.StatusRequestTimeout: fault.Timeout, http.StatusBadGateway: fault.Unavailable,
		http.StatusNotImplemented: fault.Internal, http.StatusFound: fault.Internal, 0: fault.Internal,
	}
	for status, want := range cases {
		if got := (problem.Details{Status: status}).Fault().Kind; got != want {
			t.Errorf("%d is %v, want %v", status, got, want)
		}
	}
	if got := problem.Status(fault.Kind(200)); got != http.StatusInternalServerError {
		t.Errorf("an unknown kind answers %d", got)
	}
}

// write answers a request with err and returns the answer and the log.
func write(t *testing.T, err error) (*http.Response, problem.Details, string) {
	t.Helper()
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	defer slog.SetDefault(before)

	r := httptest.NewRequest(http.MethodGet, "/v1/images/%E2%80%AE?token=secret", nil)
	r = r.WithContext(problem.WithRequestID(r.Context(), "req-1"))
	rec := httptest.NewRecorder()
	for _, name := range []string{"Etag", "Content-Length", "Content-Encoding", "Content-Disposition", "Last-Modified"} {
		rec.Header().Set(name, "of the picture")
	}
	problem.Write(rec, r, err)
	resp := rec.Result()
	var d problem.Details
	if err := json.Unmarshal(rec.Body.Bytes(), &d); err != nil {
		t.Fatalf("the body is no JSON: %v", err)
	}
	return resp, d, log.String()
}

func TestWrite(t *testing.T) {
	resp, d, log := write(t, fault.Parameter("limit", "The limit is wrong."))
	want := problem.Details{
		Type: "https://sajin.invalid/problems/validation_failed", Title: "Bad Request", Status: 400,
		Detail: "The limit is wrong.", Instance: "/v1/images/%E2%80%AE", Code: "validation_failed", RequestID: "req-1",
		Errors: []fault.Field{{Parameter: "limit", Code: "invalid", Detail: "The limit is wrong."}},
	}
	if !reflect.DeepEqual(d, want) {
		t.Errorf("got %+v\nwant %+v", d, want)
	}
	if resp.StatusCode != 400 || log != "" {
		t.Errorf("status %d, log %q", resp.StatusCode, log)
	}
	wantHeader := http.Header{
		"Content-Type": {"application/problem+json"}, "Cache-Control": {"no-store"}, "X-Content-Type-Options": {"nosniff"},
	}
	if !reflect.DeepEqual(resp.Header, wantHeader) {
		t.Errorf("header %v, want %v", resp.Header, wantHeader)
	}
}

func TestNothingInternalIsShown(t *testing.T) {
	const secret = "Error 1045 (28000): Access denied for user 'root'@'10.0.0.3'"
	cause := errors.New(secret)
	for _, err := range []error{
		cause,
		fault.As(fault.Internal, "gormcatalog.Get", cause),
		fault.New(fault.Internal, secret, secret),
		fault.As(fault.Unavailable, "gormcatalog.Get", cause),
		fault.New(fault.NotFound, "image_not_found", "There is no such image.").With("gormcatalog.Get", cause),
		fault.As(fault.Timeout, "op", fault.New(fault.Internal, secret, secret)),
		fmt.Errorf("list: %w", cause),
	} {
		resp, d, log := write(t, err)
		shown := fmt.Sprintf("%v %+v", resp.Header, d)
		if strings.Contains(shown, "1045") || strings.Contains(shown, "gormcatalog") {
			t.Errorf("%v shows %s", err, shown)
		}
		if d.Detail == "" || d.Code == "" {
			t.Errorf("%v has no sentence or code: %+v", err, d)
		}
		if d.Status >= 500 && !strings.Contains(log, "1045") {
			t.Errorf("%v left no trace in the log: %q", err, log)
		}
		if strings.Contains(log, "token=secret") {
			t.Errorf("the log holds the query: %q", log)
		}
	}
}

func TestABodyOverItsLimit(t *testing.T) {
	tooLarge := &http.MaxBytesError{Limit: 10}
	if d := problem.From(fmt.Errorf("read: %w", tooLarge)); d.Status != 413 || d.Code != "body_too_large" {
		t.Errorf("unclassified: %+v", d)
	}
	known := fault.New(fault.TooLarge, "request_too_large", "At most 1 GiB.").With("op", tooLarge)
	if d := problem.From(known); d.Status != 413 || d.Code != "request_too_large" {
		t.Errorf("classified: %+v", d)
	}
}

func TestRetryAfter(t *testing.T) {
	for _, k := range fault.Kinds() {
		resp, _, _ := write(t, fault.New(k, "code", "A sentence."))
		wanted := k.Retryable() && k != fault.Canceled // a client that has gone needs no advice
		if got := resp.Header.Get("Retry-After"); (got != "") != wanted {
			t.Errorf("%v: Retry-After %q", k, got)
		}
	}
	for range 50 {
		resp, _, _ := write(t, fault.New(fault.Locked, "code", "A sentence.").RetryAfter(10*time.Second))
		seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
		if err != nil || seconds < 10 || seconds > 20 {
			t.Fatalf("Retry-After %q, %v", resp.Header.Get("Retry-After"), err)
		}
	}
}

func TestWriteStatus(t *testing.T) {
	rec := httptest.NewRecorder()
	problem.WriteStatus(rec, httptest.NewRequest(http.MethodPut, "/x", nil), fault.New(fault.Timeout, "body_timeout", "Too slow."), http.StatusRequestTimeout)
	var d problem.Details
	if err := json.Unmarshal(rec.Body.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	if rec.Code != 408 || d.Status != 408 || d.Title != "Request Timeout" || rec.Header().Get("Retry-After") == "" {
		t.Errorf("%d %+v %v", rec.Code, d, rec.Header())
	}
}

func TestAClientThatHasGoneIsNotLogged(t *testing.T) {
	resp, d, log := write(t, context.Canceled)
	if resp.StatusCode != problem.StatusClientClosed || d.Title == "" || log != "" {
		t.Errorf("%d %+v, log %q", resp.StatusCode, d, log)
	}
}

func answer(status int, contentType, body string, header ...string) *http.Response {
	h := http.Header{"Content-Type": {contentType}}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Status: strconv.Itoa(status), Header: h, Body: io.NopCloser(strings.NewReader(body))}
}

func TestReadGivesBackWhatWasWritten(t *testing.T) {
	for _, k := range fault.Kinds() {
		sent := fault.New(k, "some_code", "A sentence.").With("op", io.EOF)
		sent.Fields = []fault.Field{{Pointer: "/name", Code: "invalid", Detail: "No."}}
		resp, _, _ := write(t, sent)
		got := fault.Public(problem.Read(resp))
		got.Retry = 0
		if want := fault.Public(sent); !reflect.DeepEqual(got, want) {
			t.Errorf("%v: %+v, want %+v", k, got, want)
		}
	}
}

func TestReadHeedsRetryAfterWithinReason(t *testing.T) {
	cases := map[string]time.Duration{"": 0, "7": 7 * time.Second, "-1": 0, "soon": 0, "99999999999": time.Hour, "99999999999999999999": 0}
	for value, want := range cases {
		resp := answer(503, problem.ContentType, `{"code":"busy"}`, "Retry-After", value)
		if got := fault.Public(problem.Read(resp)).Retry; got != want {
			t.Errorf("%q: %v, want %v", value, got, want)
		}
	}
}

func TestReadBelievesOnlyAProblem(t *testing.T) {
	const html = "<html>upstream 10.0.0.3 not found</html>"
	long := `{"code":"x","detail":"` + strings.Repeat("a", 70<<10) + `"}`
	cases := map[string]struct {
		resp *http.Response
		want fault.Kind
	}{
		"a front end's 404":    {answer(404, "text/html", html), fault.Unavailable},
		"a front end's 403":    {answer(403, "text/html", html), fault.Unavailable},
		"a front end's 500":    {answer(500, "text/html", html), fault.Unavailable},
		"a redirect":           {answer(302, "text/html", html), fault.Unavailable},
		"a front end's 413":    {answer(413, "text/html", html), fault.TooLarge},
		"a front end's 429":    {answer(429, "", ""), fault.RateLimited},
		"a front end's 504":    {answer(504, "text/html", html), fault.Timeout},
		"a 504 cut short":      {answer(504, problem.ContentType, `{"code":"time`), fault.Timeout},
		"JSON of another kind": {answer(404, "application/json", `{"code":"image_not_found"}`), fault.Unavailable},
		"a problem cut short":  {answer(404, problem.ContentType, `{"code":"image_not_fou`), fault.Unavailable},
		"without a code":       {answer(404, problem.ContentType, `{"detail":"x"}`), fault.Unavailable},
		"over 64 KiB":          {answer(404, problem.ContentType, long), fault.Unavailable},
		"no type":              {answer(404, "", `{"code":"x"}`), fault.Unavailable},
		"a parameter":          {answer(404, problem.ContentType+"; charset=utf-8", `{"code":"x"}`), fault.NotFound},
		"the status line wins": {answer(404, problem.ContentType, `{"code":"x","status":200}`), fault.NotFound},
	}
	for name, c := range cases {
		err := problem.Read(c.resp)
		if got := fault.KindOf(err); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		if shown := problem.From(err); strings.Contains(fmt.Sprint(shown), "10.0.0.3") {
			t.Errorf("%s shows %+v", name, shown)
		}
	}
}

func TestRequestID(t *testing.T) {
	if got := problem.RequestID(t.Context()); got != "" {
		t.Errorf("an empty context has %q", got)
	}
}
