package httpapi_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/services/upload/internal/httpapi"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

func TestU40_Lengths(t *testing.T) {
	s := newServer(t, func(_ *httpapi.Limits, c *ingest.Config) { c.FileBytes, c.OpenBytes = 1000, 1500 })
	s.client = s.http.Client() // what is sent is not as described
	for size, want := range map[string]string{
		`"name":"none"`: "400 upload_length_invalid",
		`"size":0`:      "400 upload_length_invalid", `"size":-1`: "400 upload_length_invalid", `"size":1e2`: "400 upload_length_invalid",
		`"size":1.5`: "400 upload_length_invalid", `"size":"1"`: "400 upload_length_invalid", `"size":null`: "400 upload_length_invalid",
		`"size":9223372036854775808`: "400 upload_length_invalid", `"size":9223372036854775807`: "413 file_too_large",
		`"size":1001`: "413 file_too_large", `"size":1,"sha256":"ABC"`: "400 sha256_invalid",
	} {
		plan, _ := s.planFor(owner, `{`+size+`}`)
		if len(plan.Files) != 1 || plan.Files[0].Status != uploadapi.StatusRefused {
			t.Errorf("%s: planned %+v", size, plan)
			continue
		}
		if p := plan.Files[0].Problem; fmt.Sprint(p.Status, " ", p.Code) != want {
			t.Errorf("%s: refused as %d %s, want %s", size, p.Status, p.Code, want)
		}
	}
	plan, _ := s.planFor(owner, `{"size":999}`, `{"size":1000}`, `{"size":501}`)
	if len(plan.Files) != 3 || plan.Files[0].Status != uploadapi.StatusNew || plan.Files[1].Problem.Code != "quota_exceeded" || plan.Files[2].Status != uploadapi.StatusNew {
		t.Errorf("beyond the bytes of all: %+v", plan)
	}
	for name, body := range map[string]string{"no files": `{"files":[]}`, "nothing": `{}`, "no JSON": `[`, "unknown": `{"x":1}`} {
		r := s.call(owner, http.MethodPost, uploadapi.PathUploads, strings.NewReader(body), http.Header{"Content-Type": {"application/json"}})
		if r.status != 400 {
			t.Errorf("%s: answered %d", name, r.status)
		}
	}
	many := strings.Split(strings.Repeat(`{"size":1} `, uploadapi.MaxPlanFiles)+`{"size":1}`, " ")
	if _, r := s.planFor(owner, many...); r.status != 413 || r.problem.Code != "too_many_files" {
		t.Errorf("too many files: %d %s", r.status, r.problem.Code)
	}
}

func TestU41_Offsets(t *testing.T) {
	s := newServer(t)
	content := large(t)
	at, n := s.open(content).SessionURL, len(content)
	s.chunk(at, content, step, 2*step).is(t, 409, "offset_mismatch", 0) // a gap
	s.chunk(at, content, 0, 2*step).is(t, 308, "", 2*step)
	s.chunk(at, content, 0, 2*step).is(t, 409, "offset_mismatch", 2*step)           // again
	s.chunk(at, content, step, 3*step).is(t, 409, "offset_mismatch", 2*step)        // an overlap
	s.chunk(at, content, 3*step, n).is(t, 409, "offset_mismatch", 2*step)           // out of order
	s.chunk(at, content, 2*step, 3*step-1).is(t, 400, "chunk_size_invalid", 2*step) // no multiple
	longer := content + strings.Repeat("x", step)
	s.ranged(at, fmt.Sprintf("bytes %d-%d/*", 2*step, len(longer)-1), strings.NewReader(longer[2*step:])).
		is(t, 413, "upload_length_exceeded", 2*step)
	s.ranged(at, fmt.Sprintf("bytes %d-%d/*", n+5, n+9), strings.NewReader("12345")).is(t, 413, "upload_length_exceeded", 2*step)
	s.ranged(at, fmt.Sprintf("bytes %d-%d/%d", 2*step, len(longer)-1, len(longer)), strings.NewReader(longer[2*step:])).
		is(t, 400, "upload_length_invalid", 2*step)
	s.ask(at, fmt.Sprint(n+1)).is(t, 400, "upload_length_invalid", 2*step)
	// A body that goes on beyond its range, without a length to tell it by.
	s.ranged(at, fmt.Sprintf("bytes %d-%d/%d", 2*step, 3*step-1, n), io.MultiReader(strings.NewReader(content[2*step:]))).
		is(t, 413, "upload_length_exceeded", 3*step)
	s.chunk(at, content, 3*step, n).is(t, 201, "", 0)
	s.chunk(at, content, 3*step, n).is(t, 200, "", 0)
}

func TestHostileContentRanges(t *testing.T) {
	s := newServer(t)
	content := large(t)
	at := s.open(content).SessionURL
	for _, text := range []string{
		"bytes", "bytes ", "bytes 0-9", "bytes 0-9/", "bytes /10", "bytes -9/10", "bytes 0-/10", "bytes 9-0/10", "bytes 0-10/10",
		"bytes +0-9/10", "bytes 0--9/10", "bytes 0-9/-10", "bytes 0-9223372036854775807/*", "bytes 0-99999999999999999999/*", "bytes 0 - 9/10",
		"bits 0-9/10", "bytes=0-9/10", "bytes 0-9,20-29/100", "bytes 0-8/*",
	} {
		s.ranged(at, text, strings.NewReader("0123456789")).is(t, 400, "content_range_invalid", 0)
	}
	s.ranged(at, "bytes */10", strings.NewReader("0123456789")).is(t, 400, "content_range_invalid", 0)
	two := http.Header{"Content-Range": {"bytes 0-9/10", "bytes 0-9/10"}}
	s.call(owner, http.MethodPut, at, strings.NewReader("0123456789"), two).is(t, 400, "content_range_invalid", 0)
	s.call(owner, http.MethodPut, at, strings.NewReader("x"), http.Header{"Content-Encoding": {"gzip"}}).is(t, 415, "content_encoding_unsupported", 0)
}

// Of many writers of the same bytes at the same place one is taken, every time.
func TestU42_TwoWriters(t *testing.T) {
	s := newServer(t)
	content := large(t)
	at := s.open(content).SessionURL
	for from := 0; from < len(content); from += step {
		to := min(from+step, len(content))
		const writers = 8
		replies := make([]sessionReply, writers)
		var all sync.WaitGroup
		for i := range writers {
			all.Go(func() { replies[i] = s.quietChunk(at, content, from, to) })
		}
		all.Wait()
		taken := 0
		for _, r := range replies {
			switch {
			case r.status == 308 && r.have == fmt.Sprintf("bytes=0-%d", to-1), r.status == 201:
				taken++
			case r.status == 409 && r.problem.Code == "offset_mismatch", r.status == 423 && r.retry != "", r.status == 200 && to == len(content):
			default:
				t.Errorf("at %d: answered %d %s", from, r.status, r.problem.Code)
			}
		}
		if taken != 1 {
			t.Errorf("at %d: %d writers were taken, want 1", from, taken)
		}
	}
	done := s.ask(at, "*")
	done.is(t, 200, "", 0)
	if done.result.Stored == nil || done.result.Stored.SHA256 != sha(content) {
		t.Errorf("the file is %+v", done.result)
	}
}

var acknowledging sync.Mutex

// quietChunk is chunk for several goroutines.
func (s *server) quietChunk(session, content string, from, to int) sessionReply {
	one := &server{t: s.t, http: s.http, client: s.client, acknowledged: map[string]string{}}
	r := one.chunk(session, content, from, to)
	acknowledging.Lock()
	defer acknowledging.Unlock()
	maps.Copy(s.acknowledged, one.acknowledged)
	return r
}

// A writer that has fallen silent makes room for the next one: what it has
// brought counts in whole steps, and it is told to ask.
func TestU42_ASilentWriter(t *testing.T) {
	s := newServer(t)
	content := large(t)
	at := s.open(content).SessionURL
	body, writer := io.Pipe()
	done := make(chan sessionReply, 1)
	go func() {
		done <- s.ranged(at, fmt.Sprintf("bytes 0-%d/%d", len(content)-1, len(content)), body)
	}()
	if _, err := io.WriteString(writer, content[:step+step/2]); err != nil {
		t.Fatal(err)
	}
	s.eventually(func() bool { return s.ask(at, "*").have == fmt.Sprintf("bytes=0-%d", step-1) }) // it was overtaken by the question
	(<-done).is(t, 423, "upload_locked", step)
	_ = writer.Close()
	s.chunk(at, content, step, len(content)).is(t, 201, "", 0)
}

func TestU43_ForeignSessions(t *testing.T) {
	s := newServer(t)
	content := large(t)
	at := s.open(content).SessionURL
	s.chunk(at, content, 0, step).is(t, 308, "", step)
	unknown := "/v1/uploads/ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	for name, to := range map[string]struct{ who, path string }{
		"foreign": {"bert", at}, "unknown": {owner, unknown}, "lower case": {owner, strings.ToLower(at)},
		"a path": {owner, "/v1/uploads/..%2fobjects"}, "a record": {owner, at + ".json"}, "long": {owner, unknown + strings.Repeat("A", 5000)},
	} {
		s.client = s.http.Client() // some are longer than is described
		for _, r := range []sessionReply{
			s.call(to.who, http.MethodPut, to.path, strings.NewReader("x"), http.Header{"Content-Range": {fmt.Sprintf("bytes %d-%d/*", step, step)}}),
			s.call(to.who, http.MethodPut, to.path, nil, http.Header{"Content-Range": {"bytes */*"}}),
			s.call(to.who, http.MethodDelete, to.path, nil, http.Header{}),
		} {
			r.is(t, 404, "not_found", 0)
			r.problem.RequestID, r.problem.Instance = "", ""
			if want := "There is nothing at this address."; r.problem.Detail != want {
				t.Errorf("%s: answered %q", name, r.problem.Detail)
			}
		}
	}
	s.call("", http.MethodPut, at, nil, http.Header{}).is(t, 400, "owner_invalid", 0)
	s.chunk(at, content, step, len(content)).is(t, 201, "", 0)
}

func TestU44_OpenSessions(t *testing.T) {
	s := newServer(t, func(_ *httpapi.Limits, c *ingest.Config) { c.OpenSessions = 3 })
	const file = `{"name":"a.jpg","size":1000}`
	plan, _ := s.planFor(owner, file, file, file, file)
	if len(plan.Files) != 4 || plan.Files[2].Status != uploadapi.StatusNew || plan.Files[3].Problem.Code != "too_many_uploads" || plan.Files[3].Problem.Status != 429 {
		t.Fatalf("planned %+v", plan)
	}
	_, r := s.planFor(owner, file, file)
	r.is(t, 429, "too_many_uploads", 0)
	if r.retry == "" {
		t.Error("too many sessions does not say when to try again")
	}
	if plan, _ := s.planFor("bert", file); len(plan.Files) != 1 || plan.Files[0].Status != uploadapi.StatusNew {
		t.Errorf("another owner's plan: %+v", plan)
	}
	s.call(owner, http.MethodDelete, plan.Files[0].SessionURL, nil, http.Header{}).is(t, 499, "", 0)
	if plan, _ := s.planFor(owner, file); len(plan.Files) != 1 || plan.Files[0].Status != uploadapi.StatusNew {
		t.Errorf("after one was cancelled: %+v", plan)
	}
}

// U46: plans that each fit and do not fit together, at the same time: exactly
// those that fit are opened, and what one gives up another may have.
func TestU46_PlansAtOnce(t *testing.T) {
	const fit = 5
	s := newServer(t, func(_ *httpapi.Limits, c *ingest.Config) { c.OpenBytes = fit*1000 + 999 })
	const file = `{"name":"a.jpg","size":1000}`
	var mu sync.Mutex
	opened, refused := []string{}, map[string]int{}
	var clients sync.WaitGroup
	for range 4 * fit {
		clients.Go(func() {
			plan, _ := s.planFor(owner, file)
			mu.Lock()
			defer mu.Unlock()
			for _, f := range plan.Files {
				if f.Status == uploadapi.StatusNew {
					opened = append(opened, f.SessionURL)
				} else {
					refused[f.Problem.Code]++
				}
			}
		})
	}
	clients.Wait()
	if len(opened) != fit || refused["quota_exceeded"] != 3*fit {
		t.Fatalf("opened %d, refused %v", len(opened), refused)
	}
	s.call(owner, http.MethodDelete, opened[0], nil, http.Header{}).is(t, 499, "", 0)
	if plan, _ := s.planFor(owner, file, file); plan.Files[0].Status != uploadapi.StatusNew || plan.Files[1].Status != uploadapi.StatusRefused {
		t.Errorf("after one was cancelled: %+v", plan)
	}
}

func TestU44_Expiry(t *testing.T) {
	s := newServer(t, func(_ *httpapi.Limits, c *ingest.Config) { c.OpenSessions = 1 })
	content := large(t)
	planned := s.open(content)
	at, week := planned.SessionURL, 7*24*time.Hour
	if left := planned.ExpiresAt.Sub(s.now()); left <= week-time.Minute || left > week {
		t.Errorf("the session lives %v", left)
	}
	s.chunk(at, content, 0, step).is(t, 308, "", step)
	s.clock.Add(int64(week.Seconds()) + 1)
	s.ask(at, "*").is(t, 410, "upload_expired", 0)
	s.chunk(at, content, step, len(content)).is(t, 410, "upload_expired", 0)
	s.open(content) // it does not count any more
	s.sweep(1)
	s.noPartials()
	s.ask(at, "*").is(t, 410, "upload_expired", 0)
	s.sweep(0)
	s.clock.Add(int64(week.Seconds()))
	s.sweep(2) // the second one has expired too
	s.ask(at, "*").is(t, 404, "not_found", 0)
}

// sweep sweeps, and counts what was done to sessions.
func (s *server) sweep(sessions int) {
	s.t.Helper()
	done, err := s.core.SweepBy(s.t.Context(), ingest.Order{Now: s.now()})
	if err != nil || done.Failed > 0 || done.Sessions != sessions {
		s.t.Errorf("Sweep: %+v, %v; want %d sessions", done, err, sessions)
	}
}

// F31: a clock that is set forward ends no upload: its bytes are there when the
// clock is right again.
func TestF31_AClockThatIsSetEndsNoSession(t *testing.T) {
	s := newServer(t)
	content := large(t)
	at := s.open(content).SessionURL
	s.chunk(at, content, 0, step).is(t, 308, "", step)
	s.setBy.Store(int64((30 * 24 * time.Hour).Seconds()))
	s.sweep(0)
	s.setBy.Store(0)
	s.ask(at, "*").is(t, 308, "", step)
	s.chunk(at, content, step, len(content)).is(t, 201, "", 0)
}
