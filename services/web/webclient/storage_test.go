package webclient_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
)

// storage is a server of one session. What it does with a request can be
// changed by a test.
type storage struct {
	t        *testing.T
	data     []byte
	requests int
	received int // bytes of bodies
	// before answers the request of a number (from 1) itself when it returns true.
	before func(n int, w http.ResponseWriter, r *http.Request) bool
	// last is what the last chunk is answered with.
	last string
}

func (s *storage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.requests++
	if s.before != nil && s.before(s.requests, w, r) {
		return
	}
	s.take(w, r, size)
}

// take keeps at most limit bytes of a chunk.
func (s *storage) take(w http.ResponseWriter, r *http.Request, limit int64) {
	var first, last, total int
	if _, err := fmt.Sscanf(r.Header.Get("Content-Range"), "bytes %d-%d/%d", &first, &last, &total); err == nil {
		if first != len(s.data) {
			w.Header().Set("Range", fmt.Sprintf("bytes=0-%d", len(s.data)-1))
			problem.Write(w, r, fault.New(fault.Conflict, "offset_mismatch", "Go on from there."))
			return
		}
		if last+1 < total && (last+1-first)%(256<<10) != 0 {
			s.t.Errorf("a chunk of %d bytes", last+1-first)
		}
		chunk, err := io.ReadAll(io.LimitReader(r.Body, limit))
		if err != nil {
			s.t.Errorf("read the chunk: %v", err)
		}
		s.data, s.received = append(s.data, chunk...), s.received+len(chunk)
	}
	if len(s.data) == size {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, s.last)
		return
	}
	if len(s.data) > 0 {
		w.Header().Set("Range", fmt.Sprintf("bytes=0-%d", len(s.data)-1))
	}
	w.WriteHeader(http.StatusPermanentRedirect)
}

// lose keeps the chunk and lets nobody know.
func (s *storage) lose(r *http.Request) bool {
	s.take(discard{http.Header{}}, r, size)
	panic(http.ErrAbortHandler)
}

type discard struct{ header http.Header }

func (d discard) Header() http.Header       { return d.header }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

func status(w http.ResponseWriter, code int) bool {
	w.WriteHeader(code)
	return true
}

func locked(w http.ResponseWriter, r *http.Request) bool {
	problem.Write(w, r, fault.New(fault.Locked, "upload_locked", "Busy."))
	return true
}
