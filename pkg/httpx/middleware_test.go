package httpx_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
)

func TestChainPutsTheFirstOutermost(t *testing.T) {
	var order string
	mark := func(name string) httpx.Middleware {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				order += name
				next.ServeHTTP(w, r)
			})
		}
	}
	h := httpx.Chain(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { order += "h" }), mark("a"), mark("b"))
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	if order != "abh" {
		t.Errorf("order %q", order)
	}
}

// S05: what services say to each other is not for others to say.
func TestS05_FromOutside(t *testing.T) {
	var seen http.Header
	h := httpx.FromOutside(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r.Header }))
	r := httptest.NewRequest("GET", "/", nil)
	for _, name := range []string{"sajin-acting-owner", "SAJIN-TIMEOUT-MS", "Sajin-", "Accept", "X-Sajin-Note"} {
		r.Header.Set(name, "x")
	}
	h.ServeHTTP(httptest.NewRecorder(), r)
	if len(seen) != 2 || seen.Get("Accept") != "x" || seen.Get("X-Sajin-Note") != "x" {
		t.Errorf("behind the edge: %v", seen)
	}
}

func TestRequestIDs(t *testing.T) {
	cases := []struct {
		sent  string
		trust bool
		kept  bool
	}{
		{"abc-DEF_123", true, true},
		{strings.Repeat("a", 63), true, true},
		{strings.Repeat("a", 64), true, true},
		{strings.Repeat("a", 65), true, false},
		{"abc", false, false},
		{"", true, false},
		{"a b", true, false},
		{"a\nb", true, false},
		{"é", true, false},
	}
	for _, c := range cases {
		var seen string
		h := httpx.RequestIDs(c.trust)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = problem.RequestID(r.Context()) }))
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set(httpx.RequestIDHeader, c.sent)
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		if seen == "" || seen != rec.Header().Get(httpx.RequestIDHeader) || (seen == c.sent) != c.kept {
			t.Errorf("%q, trusted %v: %q in the context, %q answered", c.sent, c.trust, seen, rec.Header())
		}
	}
}

func TestAccessLog(t *testing.T) {
	cases := map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"a body":  {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "four") }, `level=DEBUG msg=request method=GET path=/a%00b status=200 bytes=4`},
		"nothing": {func(http.ResponseWriter, *http.Request) {}, `status=200 bytes=0`},
		"copied":  {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.Copy(w, strings.NewReader("four")) }, `status=200 bytes=4`},
		"read from": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.(io.ReaderFrom).ReadFrom(strings.NewReader("four"))
		}, `status=200 bytes=4`},
		"missing":   {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, `level=DEBUG msg=request method=GET path=/a%00b status=404`},
		"early":     {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(103); w.WriteHeader(201) }, `status=201`},
		"our fault": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }, `level=WARN msg=request method=GET path=/a%00b status=503`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			log := logged(t)
			httpx.AccessLog(c.handler).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/a%00b?share=secret", nil))
			if !strings.Contains(log.String(), c.want) || strings.Contains(log.String(), "secret") {
				t.Errorf("%s\nwant %s", log, c.want)
			}
		})
	}
}

func TestMiddlewareLeavesFlushingPossible(t *testing.T) {
	rec := httptest.NewRecorder()
	httpx.Chain(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
	}), httpx.AccessLog, httpx.Recover).ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
	if !rec.Flushed {
		t.Error("nothing was flushed")
	}
}

func TestRecoverAnswersAPanic(t *testing.T) {
	log := logged(t)
	h := httpx.Recover(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("password=hunter2") }))
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
	var d problem.Details
	if err := json.Unmarshal(rec.Body.Bytes(), &d); err != nil || rec.Code != 500 || d.Code != "internal" {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	if strings.Contains(rec.Body.String(), "hunter2") || !strings.Contains(log.String(), "hunter2") || !strings.Contains(log.String(), "middleware_test.go") {
		t.Errorf("shown %s\nlogged %s", rec.Body, log)
	}
}

func TestRecoverWithAnswersAPanicItsOwnWay(t *testing.T) {
	logged(t)
	kind := fault.NotFound
	h := httpx.RecoverWith(func(w http.ResponseWriter, _ *http.Request, err error) {
		kind = fault.KindOf(err)
		w.WriteHeader(http.StatusTeapot)
	})(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a defect") }))
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequest("GET", "/", nil))
	if rec.Code != http.StatusTeapot || kind != fault.Internal {
		t.Errorf("status %d, kind %v", rec.Code, kind)
	}
}

// do gets the path "/" of a real server around h.
func do(t *testing.T, h http.Handler, body io.Reader) (*http.Response, error) {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	r, err := http.NewRequestWithContext(t.Context(), "POST", server.URL, body)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := server.Client().Do(r)
	if err == nil {
		t.Cleanup(func() { _ = resp.Body.Close() })
	}
	return resp, err
}

func TestRecoverCutsAResponseThatHasBegun(t *testing.T) {
	log := logged(t)
	resp, err := do(t, httpx.Recover(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half of ")
		_ = http.NewResponseController(w).Flush()
		panic("the other half is missing")
	})), nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(resp.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("read %q, %v: it looks whole", body, err)
	}
	if !strings.Contains(log.String(), "the other half is missing") {
		t.Errorf("logged %s", log)
	}
}

func TestRecoverPassesAnAbortOn(t *testing.T) {
	log := logged(t)
	defer func() {
		if cause := recover(); cause != any(http.ErrAbortHandler) || log.String() != "" {
			t.Errorf("recovered %v, logged %s", cause, log)
		}
	}()
	h := httpx.Recover(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
}

// deadlines is a response writer that notes its read deadlines.
type deadlines struct {
	http.ResponseWriter
	set []bool // whether each call set one, or took it away
}

func (w *deadlines) SetReadDeadline(at time.Time) error {
	w.set = append(w.set, !at.IsZero())
	return nil
}

func TestIdleBodyRenewsItsDeadlineUntilTheEnd(t *testing.T) {
	w := &deadlines{ResponseWriter: httptest.NewRecorder()}
	r := httptest.NewRequest("POST", "/", strings.NewReader("ab"))
	body := httpx.IdleBody(w, r, time.Minute)
	var one [1]byte
	for range 2 {
		if n, err := body.Read(one[:]); n != 1 || err != nil {
			t.Fatal(n, err)
		}
	}
	if _, err := body.Read(one[:]); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	if want := []bool{true, true, true, false}; len(w.set) != len(want) || w.set[2] != want[2] || w.set[3] != want[3] {
		t.Errorf("deadlines %v, want %v", w.set, want)
	}
	if err := body.Close(); err != nil || w.set[len(w.set)-1] {
		t.Errorf("close: %v, deadlines %v", err, w.set)
	}
}

func TestIdleBodyBoundsTheRestOfAnUnfinishedBody(t *testing.T) {
	w := &deadlines{ResponseWriter: httptest.NewRecorder()}
	body := httpx.IdleBody(w, httptest.NewRequest("POST", "/", strings.NewReader("abc")), time.Minute)
	if err := body.Close(); err != nil || len(w.set) != 1 || !w.set[0] {
		t.Errorf("close: %v, deadlines %v", err, w.set)
	}
}

type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }

func TestIdleBodyKeepsTheDeadlineOfABodyThatStalled(t *testing.T) {
	w := &deadlines{ResponseWriter: httptest.NewRecorder()}
	r := httptest.NewRequest("POST", "/", failingReader{os.ErrDeadlineExceeded})
	_, err := httpx.IdleBody(w, r, time.Minute).Read(make([]byte, 1))
	if !errors.Is(err, httpx.ErrBodyTimeout) || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if len(w.set) != 1 || !w.set[0] {
		t.Errorf("deadlines %v: the server would wait for the rest for ever", w.set)
	}
}

func TestIdleBodyEndsAStalledUpload(t *testing.T) {
	stalled, stall := io.Pipe()
	defer func() { _ = stall.Close() }()
	go func() { _, _ = io.WriteString(stall, "the first bytes") }()
	resp, err := do(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := httpx.IdleBody(w, r, 20*time.Millisecond)
		defer func() { _ = body.Close() }()
		if _, err := io.Copy(io.Discard, body); errors.Is(err, httpx.ErrBodyTimeout) {
			problem.WriteStatus(w, r, err, http.StatusRequestTimeout)
		}
	}), stalled)
	if err != nil {
		t.Fatal(err)
	}
	var d problem.Details
	if err := json.NewDecoder(resp.Body).Decode(&d); err != nil || resp.StatusCode != 408 || d.Code != "body_timeout" {
		t.Errorf("%d %+v %v", resp.StatusCode, d, err)
	}
}

// The server reads on after the end of a body; the deadline of one more read
// there must not look like a client that has left.
func TestIdleBodyDoesNotBoundTheWorkAfterTheBody(t *testing.T) {
	const idle = 250 * time.Millisecond
	resp, err := do(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := httpx.IdleBody(w, r, idle)
		_, _ = io.Copy(io.Discard, body)
		if _, err := body.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			problem.Write(w, r, err)
			return
		}
		select {
		case <-r.Context().Done():
			problem.Write(w, r, fault.New(fault.Internal, "", "the client seems gone"))
		case <-time.After(2 * idle):
		}
	}), strings.NewReader("a whole body"))
	if err != nil || resp.StatusCode != 200 {
		t.Errorf("%v %v", resp, err)
	}
}
