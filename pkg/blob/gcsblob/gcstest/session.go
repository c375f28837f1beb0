package gcstest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
)

// step is what a session that is not whole grows by.
const step = 256 << 10

// statusCancelled is Cloud Storage's own.
const statusCancelled = 499

// session is one resumable upload. One request is served at a time.
type session struct {
	emulator    http.Handler
	at          *url.URL // of the emulator's session
	size        int64
	origin      string
	contentType string

	mu    sync.Mutex
	data  []byte
	final *answer // once the object is there, or was refused
	ended int     // the status of a session that was cancelled or has expired
}

// answer is the last word of a session.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (s *session) serve(w http.ResponseWriter, r *http.Request) {
	s.allow(w, r)
	if r.Method == http.MethodOptions {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended != 0:
		w.WriteHeader(s.ended)
	case r.Method == http.MethodDelete && s.final == nil:
		s.ended, s.data = statusCancelled, nil
		w.WriteHeader(s.ended)
	case r.Method != http.MethodPut:
		w.WriteHeader(http.StatusMethodNotAllowed)
	default:
		s.put(w, r)
	}
}

// allow lets a page of the origin that the session was opened for send.
func (s *session) allow(w http.ResponseWriter, r *http.Request) {
	if origin := r.Header.Get("Origin"); origin == "" || origin != s.origin {
		return
	}
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", s.origin)
	h.Set("Access-Control-Expose-Headers", "Content-Length, Content-Type, Range")
	if r.Method == http.MethodOptions {
		h.Set("Access-Control-Allow-Methods", "PUT, DELETE")
		h.Set("Access-Control-Allow-Headers", r.Header.Get("Access-Control-Request-Headers"))
	}
}

// span is what a request says it sends: [from, to) of total; -1 for what it
// does not say.
type span struct{ from, to, total int64 }

// put takes what is new of a chunk. What it has already is passed over, a gap is
// refused; of what does not end the object whole steps are kept.
func (s *session) put(w http.ResponseWriter, r *http.Request) {
	chunk, ok := s.parse(r)
	have := int64(len(s.data))
	switch {
	case !ok, chunk.total >= 0 && chunk.total != s.size, chunk.to > s.size:
		w.WriteHeader(http.StatusBadRequest)
		return
	case s.final != nil:
		s.final.write(w)
		return
	case chunk.from > have:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case chunk.from >= 0 && chunk.to > have:
		s.take(r.Body, chunk)
	}
	switch {
	case s.final != nil: // another request brought the rest meanwhile
		s.final.write(w)
		return
	case s.ended != 0:
		w.WriteHeader(s.ended)
		return
	}
	if int64(len(s.data)) == s.size {
		s.finish(r.Context())
		s.final.write(w)
		return
	}
	if len(s.data) > 0 {
		w.Header().Set("Range", fmt.Sprintf("bytes=0-%d", len(s.data)-1))
	}
	w.WriteHeader(http.StatusPermanentRedirect)
}

// take reads a chunk and adds what is new of it. While it waits for bytes other
// requests are served: a client that was cut off comes again before anybody here
// knows that it was.
func (s *session) take(body io.Reader, chunk span) {
	s.mu.Unlock()
	sent, err := io.ReadAll(io.LimitReader(body, chunk.to-chunk.from))
	s.mu.Lock()
	have, end := int64(len(s.data)), chunk.from+int64(len(sent))
	if err != nil || end < s.size {
		end -= end % step
	}
	if s.final == nil && s.ended == 0 && end > have {
		s.data = append(s.data, sent[have-chunk.from:end-chunk.from]...)
	}
}

// parse reads Content-Range; without it the body is the whole object.
func (s *session) parse(r *http.Request) (span, bool) {
	text := r.Header.Get("Content-Range")
	if text == "" {
		return span{0, s.size, s.size}, r.ContentLength < 0 || r.ContentLength == s.size
	}
	text, ok := strings.CutPrefix(text, "bytes ")
	part, total, slash := strings.Cut(text, "/")
	out := span{-1, -1, -1}
	var err error
	if total != "*" {
		if out.total, err = strconv.ParseInt(total, 10, 64); err != nil {
			return out, false
		}
	}
	if part == "*" {
		return out, ok && slash
	}
	if _, err := fmt.Sscanf(part, "%d-%d", &out.from, &out.to); err != nil || out.from < 0 || out.to < out.from {
		return out, false
	}
	out.to++
	return out, ok && slash && (r.ContentLength < 0 || r.ContentLength == out.to-out.from)
}

// finish gives the emulator the whole object.
func (s *session) finish(ctx context.Context) {
	req, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodPut, s.at.String(), bytes.NewReader(s.data))
	if err != nil { // the address is one that the emulator gave
		panic(err)
	}
	req.Header.Set("Content-Type", s.contentType)
	req.RequestURI = s.at.RequestURI()
	got := httptest.NewRecorder()
	s.emulator.ServeHTTP(got, req)
	s.final = &answer{status: got.Code, header: got.Header(), body: got.Body.Bytes()}
	s.data = nil
}

func (a *answer) write(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.header)
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

// replay answers with what was recorded.
func replay(w http.ResponseWriter, resp *http.Response) {
	defer func() { _ = resp.Body.Close() }()
	maps.Copy(w.Header(), resp.Header)
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body)
}
