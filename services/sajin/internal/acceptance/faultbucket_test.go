package acceptance

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/blob/gcsblob"
	"github.com/sajin-gallery/sajin/services/sajin/internal/stack"
)

// sick is what stands between the services and the bucket. Each request goes
// through the fault that is set, nil for none.
type sick struct{ fault atomic.Pointer[fault] }

// fault does something to a request; pass hands it on.
type fault func(w http.ResponseWriter, r *http.Request, pass http.Handler)

func (s *sick) set(f fault) { s.fault.Store(&f) }
func (s *sick) cure()       { s.fault.Store(nil) }

// startSick starts a split Sajin whose bucket can be made ill.
func startSick(t *testing.T) (split, *sick) {
	t.Helper()
	s := &sick{}
	d := startStack(t, stack.Options{BeforeStorage: func(upstream string) (string, error) {
		pass := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: upstream})
		pass.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }
		front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if f := s.fault.Load(); f != nil {
				(*f)(w, r, pass)
				return
			}
			pass.ServeHTTP(w, r)
		}))
		t.Cleanup(front.Close)
		return strings.TrimPrefix(front.URL, "http://"), nil
	}})
	t.Cleanup(s.cure)
	return d.(split), s
}

// writes are what stores an object.
func writes(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/upload/") }

func answers(status int) fault {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { w.WriteHeader(status) }
}

// bucketRefuses: a burst of refusals makes an upload slow, or has it refused for
// the time being; a client that tries again is served.
func bucketRefuses(t *testing.T) {
	d, s := startSick(t)
	v := faulty(t, d)
	for _, status := range []int{503, 429, 408} {
		left := atomic.Int32{}
		left.Store(4)
		s.set(func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
			if left.Add(-1) >= 0 {
				w.WriteHeader(status)
				return
			}
			pass.ServeHTTP(w, r)
		})
		if got, code := v.outcome(t); got != http.StatusCreated && (got != http.StatusServiceUnavailable || code != "storage_unavailable") {
			t.Errorf("with %d from the bucket an upload was answered with %d %s", status, got, code)
		}
		s.cure()
		v.canary(t)
	}
	v.sound(t, d)
}

// bucketHangs: who waits for the bucket holds nobody up who does not, and when
// it goes on so does the upload.
func bucketHangs(t *testing.T) {
	d, s := startSick(t)
	v := faulty(t, d)
	kept := v.stored(t, upload("a.jpg", v.fresh(t)))
	released, reached := make(chan struct{}), make(chan struct{}, 100)
	s.set(func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		if writes(r) {
			reached <- struct{}{}
			<-released
		}
		pass.ServeHTTP(w, r)
	})
	data := v.fresh(t)
	done := make(chan int, 1)
	go func() {
		resp, err := v.do(t.Context(), http.MethodPost, "/api/v1/images", frontierType, bytes.NewReader(formOf(upload("a.jpg", data))))
		if err == nil && resp.status == http.StatusCreated {
			v.remember(t, resp, []part{upload("a.jpg", data)})
		}
		done <- resp.status
	}()
	<-reached
	if resp := v.get(t, "/media/"+kept.ID+"/w320"); resp.status != http.StatusOK {
		t.Errorf("while an upload waits, a picture is answered with %d", resp.status)
	}
	if !contains(v.mustList(t, ""), kept.ID) {
		t.Error("while an upload waits, the list is not whole")
	}
	close(released)
	if status := <-done; status != http.StatusCreated {
		t.Errorf("the upload that had to wait was answered with %d", status)
	}
	s.cure()
	v.sound(t, d)
}

// bucketIsSlow: a trickle is a slow success, never half a picture.
func bucketIsSlow(t *testing.T) {
	d, s := startSick(t)
	v := faulty(t, d)
	s.set(func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		r.Body = io.NopCloser(&trickle{r.Body, r.Context()})
		pass.ServeHTTP(w, r)
	})
	if status, code := v.outcome(t); status != http.StatusCreated {
		t.Errorf("an upload over a slow line was answered with %d %s", status, code)
	}
	s.cure()
	v.sound(t, d)
}

// trickle is about 10 kB/s.
type trickle struct {
	io.Reader
	ctx context.Context
}

func (r *trickle) Read(p []byte) (int, error) {
	timer := time.NewTimer(25 * time.Millisecond) // the slowness of the line
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.ctx.Done():
		return 0, r.ctx.Err()
	}
	return r.Reader.Read(p[:min(len(p), 256)])
}

// bucketStoresHalf: what the bucket takes in part and does not acknowledge is
// not referred to by anything.
func bucketStoresHalf(t *testing.T) {
	d, s := startSick(t)
	v := faulty(t, d)
	left := atomic.Int32{}
	left.Store(3)
	s.set(func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		if writes(r) && left.Add(-1) >= 0 {
			_, _ = io.CopyN(io.Discard, r.Body, 100)
			panic(http.ErrAbortHandler) // the connection breaks within the object
		}
		pass.ServeHTTP(w, r)
	})
	if got, code := v.outcome(t); got != http.StatusCreated && (got != http.StatusServiceUnavailable || code != "storage_unavailable") {
		t.Errorf("with broken writes an upload was answered with %d %s", got, code)
	}
	s.cure()
	v.sound(t, d)
}

// noRights: the bucket refuses for good. The client is told to come again, and
// nothing of the inside.
func noRights(t *testing.T) {
	d, s := startSick(t)
	v := faulty(t, d)
	s.set(answers(http.StatusForbidden))
	resp, err := v.do(t.Context(), http.MethodPost, "/api/v1/images", frontierType, bytes.NewReader(formOf(upload("a.jpg", v.fresh(t)))))
	if err != nil || resp.status < http.StatusInternalServerError && resp.status != http.StatusUnprocessableEntity ||
		!bytes.Contains(resp.body, []byte("storage_unavailable")) || bytes.Contains(resp.body, []byte(stack.Bucket)) {
		t.Errorf("without rights an upload was answered with %d %s, %v", resp.status, resp.body, err)
	}
	s.cure()
	v.sound(t, d)
}

// objectIsMissing: what somebody has deleted behind the gallery's back is not
// found, and its entry stays.
func objectIsMissing(t *testing.T) {
	d := startSplit(t).(split)
	v := faulty(t, d)
	img := v.stored(t, upload("a.jpg", v.fresh(t)))
	store, err := gcsblob.Open(t.Context(), stack.Bucket, gcsblob.Options{Endpoint: d.StorageURL()})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	page, err := store.List(t.Context(), originals+"/", "", 10)
	if err != nil || len(page) != 1 {
		t.Fatalf("%v %v", page, err)
	}
	if err := store.Delete(t.Context(), page[0].Key); err != nil {
		t.Fatal(err)
	}
	wantProblem(t, "a missing original", v.get(t, img.OriginalURL), http.StatusNotFound, "not_found")
	if !contains(v.mustList(t, ""), img.ID) {
		t.Error("the entry went with the object")
	}
	v.canary(t)
}

// bitRot: one changed bit behind the back of everything, and what is sent is not
// a whole picture.
func bitRot(t *testing.T) {
	t.Run("AllInOne", func(t *testing.T) {
		d := startAllInOneWith(t)
		flipBit(t, d, func() string { return objectFile(t, d, originals) })
	})
	t.Run("Split", func(t *testing.T) {
		d := startSplit(t).(split)
		flipBit(t, d, func() string { return onlyFile(t, filepath.Join(d.dir, "bucket", stack.Bucket, originals)) })
	})
}

// flipBit does it to the one original of a gallery; file names what holds it.
func flipBit(t *testing.T, d deployment, file func() string) {
	t.Helper()
	v := faulty(t, d)
	img := v.stored(t, upload("a.jpg", v.fresh(t)))
	f, err := os.OpenFile(file(), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	bad := make([]byte, 1)
	if _, err := f.ReadAt(bad, img.Size/2); err != nil {
		t.Fatal(err)
	}
	bad[0] ^= 1
	if _, err := f.WriteAt(bad, img.Size/2); err != nil {
		t.Fatal(err)
	}
	resp, err := v.do(t.Context(), http.MethodGet, img.OriginalURL, "", nil)
	if err == nil && resp.status == http.StatusOK {
		t.Errorf("a damaged original was served whole: %d bytes", len(resp.body))
	}
	v.canary(t)
}
