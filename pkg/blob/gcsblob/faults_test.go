package gcsblob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fsouza/fake-gcs-server/fakestorage"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/blob/gcsblob"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

// front is an emulator whose requests a test may answer in its place.
type front struct {
	fake      *fakestorage.Server
	intercept atomic.Pointer[func(w http.ResponseWriter, r *http.Request) bool]
	requests  atomic.Int64
}

// answer has each request seen by f, which returns true when it has answered; nil
// for nobody. A request of before may still be under way.
func (f *front) answer(by func(w http.ResponseWriter, r *http.Request) bool) {
	if by == nil {
		f.intercept.Store(nil)
		return
	}
	f.intercept.Store(&by)
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.requests.Add(1)
	if by := f.intercept.Load(); by == nil || !(*by)(w, r) {
		f.fake.HTTPHandler().ServeHTTP(w, r)
	}
}

const bucketName = "media"

func startFront(t *testing.T, opts gcsblob.Options) (*gcsblob.Store, *front) {
	t.Helper()
	f := &front{}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	var err error
	f.fake, err = fakestorage.NewServerWithOptions(fakestorage.Options{NoListener: true, ExternalURL: server.URL, Writer: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.fake.Stop)
	f.fake.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: bucketName})
	opts.Endpoint = server.URL
	return mustOpen(t, bucketName, opts), f
}

func putString(ctx context.Context, s blob.Store, key, data string, opts blob.WriteOptions) (blob.Info, error) {
	return s.Put(ctx, key, strings.NewReader(data), opts)
}

func readAll(ctx context.Context, s blob.Store, key string, offset, length int64) (string, error) {
	body, _, err := s.Open(ctx, key, offset, length)
	if err != nil {
		return "", err
	}
	data, err := io.ReadAll(body)
	return string(data), errors.Join(err, body.Close())
}

func TestStatusesAreClassified(t *testing.T) {
	s, f := startFront(t, gcsblob.Options{RetryFor: 300 * time.Millisecond})
	for status, want := range map[int]error{
		400: fault.New(fault.Internal, "storage_rejected", ""), 401: blob.ErrUnavailable, 403: blob.ErrUnavailable,
		404: blob.ErrNotFound, 408: blob.ErrUnavailable, 429: blob.ErrUnavailable,
		500: blob.ErrUnavailable, 502: blob.ErrUnavailable, 503: blob.ErrUnavailable, 504: blob.ErrUnavailable,
	} {
		f.answer(func(w http.ResponseWriter, _ *http.Request) bool {
			http.Error(w, `{"error":{"message":"bucket of mine"}}`, status)
			return true
		})
		_, err := s.Stat(t.Context(), "x")
		if !errors.Is(err, want) {
			t.Errorf("%d: Stat = %v, want %v", status, err, want)
		}
		if public := fault.Public(err); strings.Contains(public.Detail, "bucket") {
			t.Errorf("%d: a client is told %q", status, public.Detail)
		}
	}
}

func TestTransientFailuresAreRepeated(t *testing.T) {
	s, f := startFront(t, gcsblob.Options{})
	if _, err := putString(t.Context(), s, "there", "data", blob.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	calls := map[string]func() error{
		"Stat":   func() error { _, err := s.Stat(t.Context(), "there"); return err },
		"Open":   func() error { _, err := readAll(t.Context(), s, "there", 1, 2); return err },
		"List":   func() error { _, err := s.List(t.Context(), "", "", 10); return err },
		"Delete": func() error { return s.Delete(t.Context(), "other") },
		"create": func() error {
			_, err := putString(t.Context(), s, "new", "data", blob.WriteOptions{IfNotExists: true})
			return err
		},
	}
	for name, call := range calls {
		for _, status := range []int{http.StatusServiceUnavailable, http.StatusTooManyRequests} {
			_ = f.fake.Backend().DeleteObject(bucketName, "new")
			left := 2
			f.answer(func(w http.ResponseWriter, _ *http.Request) bool {
				if left == 0 {
					return false
				}
				left--
				w.WriteHeader(status)
				return true
			})
			if err := call(); err != nil || left != 0 {
				t.Errorf("%s after two times %d: %v", name, status, err)
			}
		}
	}
}

// TestReplacingPutIsSentOnce: only its caller knows whether to send it again.
func TestReplacingPutIsSentOnce(t *testing.T) {
	s, f := startFront(t, gcsblob.Options{})
	f.answer(func(w http.ResponseWriter, _ *http.Request) bool {
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	_, err := putString(t.Context(), s, "x", "data", blob.WriteOptions{Size: 4})
	if !errors.Is(err, blob.ErrUnavailable) || f.requests.Load() != 1 {
		t.Errorf("Put = %v after %d requests", err, f.requests.Load())
	}
}

// TestLostAnswer: the bucket has stored the object and the answer is lost. The
// repeated request is refused for the object is there; the Put knows its own.
func TestLostAnswer(t *testing.T) {
	s, f := startFront(t, gcsblob.Options{})
	lose := true
	f.answer(func(_ http.ResponseWriter, r *http.Request) bool {
		if !lose || r.Method != http.MethodPost {
			return false
		}
		lose = false
		f.fake.HTTPHandler().ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler) // closes the connection
	})
	info, err := putString(t.Context(), s, "x", "mine", blob.WriteOptions{IfNotExists: true, Metadata: map[string]string{"a": "b"}})
	if err != nil || info.Size != 4 || len(info.Metadata) != 1 {
		t.Errorf("Put = %+v, %v", info, err)
	}
	if f.requests.Load() != 3 { // stored, refused, asked whose it is
		t.Errorf("%d requests", f.requests.Load())
	}
	if _, err := putString(t.Context(), s, "x", "mine", blob.WriteOptions{IfNotExists: true}); !errors.Is(err, blob.ErrExists) {
		t.Errorf("the same bytes by another = %v, want ErrExists", err)
	}
}

// TestWrongChecksumBehindALostAnswer: what the Put knows for its own again is
// compared with what it sent, as any other.
func TestWrongChecksumBehindALostAnswer(t *testing.T) {
	s, f := startFront(t, gcsblob.Options{})
	lose := true
	f.answer(func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case lose && r.Method == http.MethodPost:
			lose = false
			f.fake.HTTPHandler().ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler) // closes the connection
		case r.Method == http.MethodGet:
			answer := httptest.NewRecorder()
			f.fake.HTTPHandler().ServeHTTP(answer, r)
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(answer.Code)
			_, _ = w.Write(bytes.Replace(answer.Body.Bytes(), []byte(`"crc32c":"`), []byte(`"crc32c":"AAAAAA==","was":"`), 1))
			return true
		default:
			return false
		}
	})
	if _, err := putString(t.Context(), s, "x", "data", blob.WriteOptions{IfNotExists: true}); !errors.Is(err, blob.ErrChecksum) {
		t.Errorf("Put = %v, want ErrChecksum", err)
	}
	f.answer(nil)
	if _, err := s.Stat(t.Context(), "x"); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("the damaged object is still there: %v", err)
	}
}

func TestWrongChecksumIsRemoved(t *testing.T) {
	s, f := startFront(t, gcsblob.Options{})
	f.answer(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost {
			return false
		}
		answer := httptest.NewRecorder()
		f.fake.HTTPHandler().ServeHTTP(answer, r)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(bytes.Replace(answer.Body.Bytes(), []byte(`"crc32c":"`), []byte(`"crc32c":"AAAAAA==","was":"`), 1))
		return true
	})
	_, err := putString(t.Context(), s, "x", "data", blob.WriteOptions{IfNotExists: true})
	if !errors.Is(err, blob.ErrChecksum) {
		t.Errorf("Put = %v, want ErrChecksum", err)
	}
	if _, err := s.Stat(t.Context(), "x"); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("the object stayed: %v", err)
	}
}

func TestHangingBucketEndsAtTheDeadline(t *testing.T) {
	s, f := startFront(t, gcsblob.Options{})
	f.answer(func(_ http.ResponseWriter, r *http.Request) bool {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
		return true
	})
	for name, call := range map[string]func(context.Context) error{
		"Put": func(ctx context.Context) error {
			_, err := putString(ctx, s, "x", "data", blob.WriteOptions{})
			return err
		},
		"Open":   func(ctx context.Context) error { _, err := readAll(ctx, s, "x", 0, -1); return err },
		"Stat":   func(ctx context.Context) error { _, err := s.Stat(ctx, "x"); return err },
		"List":   func(ctx context.Context) error { _, err := s.List(ctx, "", "", 1); return err },
		"Delete": func(ctx context.Context) error { return s.Delete(ctx, "x") },
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if err := call(ctx); fault.KindOf(err) != fault.Timeout || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s = %v (%v), want a timeout", name, err, fault.KindOf(err))
		}
		cancel()
	}
}

// TestBrokenReadIsResumed cuts the connection in the middle of an object.
func TestBrokenReadIsResumed(t *testing.T) {
	s, f := startFront(t, gcsblob.Options{})
	data := strings.Repeat("0123456789", 100_000)
	if _, err := putString(t.Context(), s, "long", data, blob.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	cuts := 3
	f.answer(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("alt") != "media" || cuts == 0 {
			return false
		}
		cuts--
		f.fake.HTTPHandler().ServeHTTP(&cuttingWriter{ResponseWriter: w, left: 200_000}, r)
		panic(http.ErrAbortHandler)
	})
	if got, err := readAll(t.Context(), s, "long", 0, -1); err != nil || got != data || cuts != 0 {
		t.Errorf("read %d of %d bytes, %v; %d cuts left", len(got), len(data), err, cuts)
	}
}

// cuttingWriter lets only so many bytes through.
type cuttingWriter struct {
	http.ResponseWriter
	left int
}

func (w *cuttingWriter) Write(p []byte) (int, error) {
	if w.left == 0 {
		return 0, errors.New("cut")
	}
	n, err := w.ResponseWriter.Write(p[:min(len(p), w.left)])
	w.left -= n
	return n, err
}

func TestChangedBytesAreNoticed(t *testing.T) {
	s, f := startFront(t, gcsblob.Options{})
	if _, err := putString(t.Context(), s, "x", "data", blob.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	f.answer(func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("alt") != "media" {
			return false
		}
		fmt.Fprint(w, "dat\x00")
		return true
	})
	if _, err := readAll(t.Context(), s, "x", 0, -1); !errors.Is(err, blob.ErrChecksum) {
		t.Errorf("reading = %v, want ErrChecksum", err)
	}
}

// TestReplacedBetweenDescriptionAndBytes: the bytes must be of the generation
// that is described, so Open begins again.
func TestReplacedBetweenDescriptionAndBytes(t *testing.T) {
	s, f := startFront(t, gcsblob.Options{})
	if _, err := putString(t.Context(), s, "x", "old", blob.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	replaced := false
	f.answer(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("alt") == "media" && !replaced {
			replaced = true
			f.fake.CreateObject(fakestorage.Object{
				ObjectAttrs: fakestorage.ObjectAttrs{BucketName: bucketName, Name: "x"}, Content: []byte("newer"),
			})
		}
		return false
	})
	if got, err := readAll(t.Context(), s, "x", 0, -1); err != nil || got != "newer" || !replaced {
		t.Errorf("read %q, %v", got, err)
	}
}

func TestMissingBucketIsUnavailable(t *testing.T) {
	_, f := startFront(t, gcsblob.Options{})
	server := httptest.NewServer(f)
	defer server.Close()
	s := mustOpen(t, "another", gcsblob.Options{Endpoint: server.URL})
	if _, err := s.List(t.Context(), "", "", 1); !errors.Is(err, blob.ErrUnavailable) {
		t.Errorf("List = %v", err)
	}
	if _, err := putString(t.Context(), s, "x", "data", blob.WriteOptions{}); !errors.Is(err, blob.ErrUnavailable) {
		t.Errorf("Put = %v", err)
	}
}

// TestForeignObjectsAreLeftOut: names that are no keys, such as the empty
// objects that the console makes for folders.
func TestForeignObjectsAreLeftOut(t *testing.T) {
	s, f := startFront(t, gcsblob.Options{})
	for _, name := range []string{"a/", "a//b", "../up", "b/good"} {
		f.fake.CreateObject(fakestorage.Object{ObjectAttrs: fakestorage.ObjectAttrs{BucketName: bucketName, Name: name}})
	}
	infos, err := s.List(t.Context(), "", "", 1)
	if err != nil || len(infos) != 1 || infos[0].Key != "b/good" {
		t.Errorf("List = %+v, %v", infos, err)
	}
}
