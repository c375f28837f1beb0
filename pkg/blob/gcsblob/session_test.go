package gcsblob_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/fsouza/fake-gcs-server/fakestorage"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/blob/gcsblob"
	"github.com/sajin-gallery/sajin/pkg/blob/gcsblob/gcstest"
	"github.com/sajin-gallery/sajin/pkg/blob/sessiontest"
)

// wrong is what fake-gcs-server does in place of the protocol. The same cases
// pass with gcstest before it.
var wrong = map[string]string{
	"Status":         "it takes a question about a session for its end, and stores what it has",
	"HalfOpen":       "it takes a question about a session for its end, and stores what it has",
	"ResumeAfterCut": "it takes a question about a session for its end, and stores what it has",
	"Multiples":      "it keeps any number of bytes, and a question about them ends the session",
	"Gap":            "it appends whatever comes, wherever it belongs",
	"Resent":         "it appends what it has already",
	"SizeBound":      "it does not look at X-Upload-Content-Length",
	"FinishedRepeat": "it forgets a session when the object is there",
	"Cancel":         "it answers 499 and goes on to take chunks",
	"TwoWriters":     "it appends whatever comes, wherever it belongs",
}

// startSessions gives a store over the emulator, with or without what makes its
// sessions those of Cloud Storage.
func startSessions(t *testing.T, faithful bool) (*gcsblob.Store, *gcstest.Front) {
	t.Helper()
	var handler http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	fake, err := fakestorage.NewServerWithOptions(fakestorage.Options{NoListener: true, ExternalURL: server.URL, Writer: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Stop)
	fake.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: bucketName})
	front := gcstest.New(fake.HTTPHandler())
	handler = fake.HTTPHandler()
	if faithful {
		handler = front
	}
	return mustOpen(t, bucketName, gcsblob.Options{Endpoint: server.URL}), front
}

func noise(n int) []byte {
	r, out := rand.New(rand.NewPCG(1, 2)), make([]byte, n)
	for i := range out {
		out[i] = byte(r.Uint32())
	}
	return out
}

const object = "originals/20261122/01KAJ8Q4Y2M3N5P7R9T1V3X5Z7.jpg"

func TestSessionProtocol(t *testing.T) {
	for name, lacks := range map[string]map[string]string{"Emulator": wrong, "CloudStorage": nil} {
		t.Run(name, func(t *testing.T) {
			sessiontest.Run(t, func(t *testing.T) sessiontest.Harness {
				s, _ := startSessions(t, lacks == nil)
				content := noise(3*sessiontest.Step + 1000)
				client := &http.Client{Transport: &http.Transport{}}
				t.Cleanup(client.CloseIdleConnections)
				return sessiontest.Harness{
					Content: content, Client: client, Lacks: lacks,
					Open: func(t *testing.T) string {
						return mustOpenSession(t, s, object, int64(len(content))).URL
					},
					Stored: func(t *testing.T, _ string) []byte {
						got, err := readAll(t.Context(), s, object, 0, -1)
						if errors.Is(err, blob.ErrNotFound) {
							return nil
						}
						if err != nil {
							t.Fatal(err)
						}
						return []byte(got)
					},
				}
			})
		})
	}
}

func mustOpenSession(t *testing.T, s *gcsblob.Store, key string, size int64) blob.Session {
	t.Helper()
	session, err := s.OpenSession(t.Context(), key, blob.SessionOptions{
		WriteOptions: blob.WriteOptions{
			ContentType: "image/jpeg", Size: size, IfNotExists: true,
			Metadata: map[string]string{"owner": "anna", "name": "%EA%B3%A0.jpg"},
		},
		Origin: "https://photos.example.org",
	})
	if err != nil {
		t.Fatal(err)
	}
	return session
}

func put(t *testing.T, at string, content []byte) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, at, bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	_ = resp.Body.Close()
	return resp.StatusCode
}

// What a session leaves behind is the object that was described, once: a second
// session for the same key is refused at its end.
func TestSessionGivesTheObject(t *testing.T) {
	s, _ := startSessions(t, true)
	content := noise(1000)
	first, second := mustOpenSession(t, s, object, 1000), mustOpenSession(t, s, object, 1000)
	if !strings.HasPrefix(first.URL, s.SessionOrigin()+"/") || first.URL == second.URL {
		t.Errorf("the sessions are at %s and %s, want two addresses at %s", first.URL, second.URL, s.SessionOrigin())
	}
	if left := time.Until(first.ExpiresAt); left < 6*24*time.Hour || left >= 7*24*time.Hour {
		t.Errorf("a session lives %v, want a little less than Cloud Storage's week", left)
	}
	if got := put(t, first.URL, content); got != http.StatusOK {
		t.Fatalf("answered %d", got)
	}
	if got := put(t, second.URL, noise(1000)); got != http.StatusPreconditionFailed {
		t.Errorf("a second object under one key: answered %d, want 412", got)
	}
	info, err := s.Stat(t.Context(), object)
	if err != nil || info.Size != 1000 || info.ContentType != "image/jpeg" || info.Metadata["owner"] != "anna" || info.Metadata["name"] != "%EA%B3%A0.jpg" {
		t.Errorf("stored %+v, %v", info, err)
	}
}

// The request is the one that Cloud Storage's documentation describes.
func TestSessionRequest(t *testing.T) {
	s, f := startFront(t, gcsblob.Options{})
	var seen *http.Request
	f.answer(func(_ http.ResponseWriter, r *http.Request) bool {
		seen = r.Clone(context.Background())
		return false
	})
	mustOpenSession(t, s, object, 4711)
	want := map[string]string{
		"Origin": "https://photos.example.org", "X-Upload-Content-Type": "image/jpeg", "X-Upload-Content-Length": "4711",
	}
	for name, value := range want {
		if got := seen.Header.Get(name); got != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
	query := seen.URL.Query()
	if seen.Method != http.MethodPost || seen.URL.Path != "/upload/storage/v1/b/media/o" || query.Get("uploadType") != "resumable" ||
		query.Get("name") != object || query.Get("ifGenerationMatch") != "0" {
		t.Errorf("asked %s %s", seen.Method, seen.URL)
	}
}

func TestSessionFailures(t *testing.T) {
	s, f := startFront(t, gcsblob.Options{RetryFor: 400 * time.Millisecond})
	openIn := func(s *gcsblob.Store, key string, size int64, origin string) error {
		_, err := s.OpenSession(t.Context(), key, blob.SessionOptions{WriteOptions: blob.WriteOptions{Size: size}, Origin: origin})
		return err
	}
	open := func(key string, size int64, origin string) error { return openIn(s, key, size, origin) }
	patient, passing := startFront(t, gcsblob.Options{})
	left := 2
	passing.answer(func(w http.ResponseWriter, _ *http.Request) bool {
		if left--; left >= 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return left >= 0
	})
	if err := openIn(patient, "a", 1, ""); err != nil {
		t.Errorf("after two failures that pass: %v", err)
	}
	for _, status := range []int{401, 403, 404, 429, 500, 503} {
		f.answer(func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(status); return true })
		if err := open("a", 1, ""); !errors.Is(err, blob.ErrUnavailable) {
			t.Errorf("%d: %v", status, err)
		}
	}
	for _, at := range []string{"", "/upload", "https://elsewhere.example/upload", s.SessionOrigin() + ".example/upload"} {
		f.answer(func(w http.ResponseWriter, _ *http.Request) bool { w.Header().Set("Location", at); return true })
		if err := open("a", 1, ""); !errors.Is(err, blob.ErrUnavailable) {
			t.Errorf("a session at %q: %v", at, err)
		}
	}
	for name, err := range map[string]error{
		"no size": open("a", 0, ""), "negative": open("a", -1, ""), "origin": open("a", 1, "https://x\r\nX: y"),
	} {
		if !errors.Is(err, blob.ErrOptions) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := open("../a", 1, ""); !errors.Is(err, blob.ErrKey) {
		t.Errorf("a key that is none: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.OpenSession(ended, "a", blob.SessionOptions{WriteOptions: blob.WriteOptions{Size: 1}}); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of its context: %v", err)
	}
}

// A page of the origin that the session was opened for may send, and no other.
func TestSessionOrigins(t *testing.T) {
	s, _ := startSessions(t, true)
	at := mustOpenSession(t, s, object, 1000).URL
	for origin, want := range map[string]string{"https://photos.example.org": "https://photos.example.org", "https://evil.example": ""} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, at, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Origin", origin)
		req.Header.Set("Access-Control-Request-Method", "PUT")
		req.Header.Set("Access-Control-Request-Headers", "content-range")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if got := resp.Header.Get("Access-Control-Allow-Origin"); got != want {
			t.Errorf("%s: allowed %q, want %q", origin, got, want)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestSessionEnds(t *testing.T) {
	s, front := startSessions(t, true)
	at := mustOpenSession(t, s, object, 1000).URL
	front.Expire()
	if got := put(t, at, noise(1000)); got != http.StatusGone {
		t.Errorf("answered %d, want 410", got)
	}
	if _, err := s.Stat(t.Context(), object); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("an object of a session that had ended: %v", err)
	}
}
