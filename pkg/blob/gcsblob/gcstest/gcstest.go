// Package gcstest serves the resumable sessions of a Cloud Storage emulator as
// Cloud Storage does. fake-gcs-server takes a question about a session for its
// end, appends bytes that it has already, knows no size, no origin and no end of
// a session; pages, scripts and tests need all of these.
//
// It stands before an emulator of any kind and knows it by its HTTP only. It is
// for tests and for the stack on a developer's machine.
package gcstest

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"sync"
)

// Front passes every request on to the emulator behind it, except those to a
// session that was opened with X-Upload-Content-Length: it collects the bytes,
// in memory, and gives the emulator the whole object at its end. Safe for
// concurrent use.
type Front struct {
	emulator http.Handler
	mu       sync.Mutex
	sessions map[string]*session // by the emulator's upload_id
}

// New makes a front.
func New(emulator http.Handler) *Front {
	return &Front{emulator: emulator, sessions: map[string]*session{}}
}

// Expire ends every session as a week does.
func (f *Front) Expire() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.sessions {
		s.mu.Lock()
		s.ended = http.StatusGone
		s.mu.Unlock()
	}
}

// ServeHTTP implements http.Handler.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	if query.Get("uploadType") != "resumable" {
		f.emulator.ServeHTTP(w, r)
		return
	}
	if s := f.session(query.Get("upload_id")); s != nil {
		s.serve(w, r)
		return
	}
	if r.Method == http.MethodPost && !query.Has("upload_id") && r.Header.Get("X-Upload-Content-Length") != "" {
		f.open(w, r)
		return
	}
	f.emulator.ServeHTTP(w, r)
}

func (f *Front) session(id string) *session {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sessions[id]
}

// open opens a session of the emulator's, and remembers what it is for.
func (f *Front) open(w http.ResponseWriter, r *http.Request) {
	size, err := strconv.ParseInt(r.Header.Get("X-Upload-Content-Length"), 10, 64)
	if err != nil || size < 0 {
		http.Error(w, "X-Upload-Content-Length", http.StatusBadRequest)
		return
	}
	answer := httptest.NewRecorder()
	f.emulator.ServeHTTP(answer, r)
	if at, err := url.Parse(answer.Header().Get("Location")); err == nil && answer.Code == http.StatusOK {
		f.mu.Lock()
		f.sessions[at.Query().Get("upload_id")] = &session{
			emulator: f.emulator, at: at, size: size, origin: r.Header.Get("Origin"), contentType: r.Header.Get("X-Upload-Content-Type"),
		}
		f.mu.Unlock()
	}
	replay(w, answer.Result())
}
