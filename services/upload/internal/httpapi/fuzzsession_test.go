package httpapi_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/upload/internal/httpapi"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// asked is a core that notes what it is asked for.
type asked struct {
	httpapi.Core
	chunks   []ingest.Chunk
	sessions []string
	totals   []int64
}

func (a *asked) Send(_ context.Context, _ identity.Owner, session string, c ingest.Chunk) (ingest.Progress, error) {
	a.chunks, a.sessions = append(a.chunks, c), append(a.sessions, session)
	return ingest.Progress{Offset: c.To}, nil
}

func (a *asked) Ask(_ context.Context, _ identity.Owner, session string, total int64) (ingest.Progress, error) {
	a.totals, a.sessions = append(a.totals, total), append(a.sessions, session)
	return ingest.Progress{}, nil
}

// put sends a chunk of so many bytes, or of an unknown number when below 0.
func (a *asked) put(t *testing.T, path, contentRange string, length int64) *httptest.ResponseRecorder {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/", strings.NewReader(strings.Repeat("x", int(max(length, 0)))))
	req.URL.Path, req.ContentLength = path, length
	req.Header.Set(identity.OwnerHeader, owner)
	if contentRange != "" {
		req.Header.Set("Content-Range", contentRange)
	}
	w := httptest.NewRecorder()
	httpapi.New(a, httpapi.Limits{RequestBytes: 4096}, health()).ServeHTTP(w, req)
	return w
}

// Whatever a Content-Range says, the core is asked for a range that has bytes,
// lies within the file and agrees with the body, or for the status, or not at
// all; then the answer is a problem.
func FuzzContentRange(f *testing.F) {
	for _, seed := range []string{
		"", "bytes 0-9/10", "bytes 0-9/*", "bytes */10", "bytes */*", "bytes 9-0/10", "bytes 0-9/5", "bytes -1-9/10", "bytes +0-9/10", "bytes 0-9/10,20-29/40",
		"bytes 0-9223372036854775807/*", "bytes 9223372036854775808-1/2", "items 0-9/10", "bytes 0-9", "bytes  0-9/10", "bytes 0x0-9/10", "Bytes 0-9/10",
	} {
		f.Add(seed, int64(10))
	}
	f.Add("bytes 0-9/10", int64(-1))
	f.Add("", int64(-1))
	f.Fuzz(func(t *testing.T, contentRange string, length int64) {
		if length < -1 || length > 1024 {
			return // what net/http does not hand on, and what need not be longer
		}
		a := &asked{}
		w := a.put(t, strings.Replace(uploadapi.PathSession, "{session}", "ABC", 1), contentRange, length)
		switch {
		case len(a.chunks)+len(a.totals) > 1:
			t.Errorf("asked %d times", len(a.chunks)+len(a.totals))
		case len(a.chunks) == 1:
			c := a.chunks[0]
			if c.From < 0 || c.To < c.From || c.Total != ingest.Unknown && c.To > c.Total || length >= 0 && c.To-c.From != length ||
				contentRange != "" && c.To == c.From {
				t.Errorf("%q with %d bytes asks for %d to %d of %d", contentRange, length, c.From, c.To, c.Total)
			}
		case len(a.totals) == 1:
			if a.totals[0] < ingest.Unknown || length > 0 || !strings.HasPrefix(contentRange, "bytes */") {
				t.Errorf("%q with %d bytes asks for the status of %d", contentRange, length, a.totals[0])
			}
		case w.Code != http.StatusBadRequest:
			t.Errorf("%q with %d bytes was answered with %d %s", contentRange, length, w.Code, w.Body)
		}
	})
}

// Whatever stands where a session's id should, the core is given one element of
// the path, or nothing.
func FuzzSessionID(f *testing.F) {
	for _, seed := range []string{"ABC", "", ".", "..", "../../etc", "a/b", "a%2fb", "a\\b", "\x00", "ABC/", "ABC?x=1", "사진", strings.Repeat("A", 65)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, id string) {
		a := &asked{}
		w := a.put(t, strings.Replace(uploadapi.PathSession, "{session}", id, 1), "bytes */10", 0)
		switch {
		case len(a.sessions) == 1 && (a.sessions[0] != id || id == "" || strings.Contains(id, "/")):
			t.Errorf("%q leads to the session %q", id, a.sessions[0])
		case len(a.sessions) == 0 && w.Code < http.StatusMultipleChoices:
			t.Errorf("%q was answered with %d", id, w.Code)
		}
	})
}
