package httpapi_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/services/web/internal/gallery"
)

// slowMedia is a store that takes its time for every object, and counts how many
// it is asked for at once.
type slowMedia struct {
	gallery.Media
	takes     time.Duration
	now, most atomic.Int64
	asked     atomic.Int64
}

func (m *slowMedia) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, blob.Info, error) {
	m.asked.Add(1)
	now := m.now.Add(1)
	defer m.now.Add(-1)
	for most := m.most.Load(); now > most && !m.most.CompareAndSwap(most, now); most = m.most.Load() {
	}
	select {
	case <-time.After(m.takes):
	case <-ctx.Done():
		return nil, blob.Info{}, ctx.Err()
	}
	return m.Media.Open(ctx, key, offset, length)
}

// F35: 500 clients ask for the same 40 thumbnails, all at once, of a slow
// bucket. The bucket sees a bounded number at a time; who is not served is told
// when to come again; nobody waits without end, and afterwards all is as before.
func TestF35_AHerdOfClients(t *testing.T) {
	for name, takes := range map[string]time.Duration{"a bucket as it is": 20 * time.Millisecond, "a slow bucket": 500 * time.Millisecond} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { herd(t, takes) }) })
	}
}

func herd(t *testing.T, takes time.Duration) {
	const clients, thumbnails, mostAtOnce, mostWait = 500, 40, 512, 6 * time.Second
	media := &slowMedia{takes: takes}
	s := newSite(t, func(s *site) { media.Media, s.store = s.media, media })
	var paths []string
	for n := range thumbnails {
		paths = append(paths, "/media/"+s.put(n)+"/w320")
	}
	h := s.server.Handler()
	var served, refused atomic.Int64
	ask := func(path string) {
		r := httptest.NewRequest(http.MethodGet, path, http.NoBody)
		r.Host = "127.0.0.1:0"
		w, start := httptest.NewRecorder(), time.Now()
		h.ServeHTTP(w, r)
		switch {
		case time.Since(start) > mostWait+takes:
			t.Errorf("answered after %v", time.Since(start))
		case w.Code == http.StatusOK && w.Body.Len() > 0:
			served.Add(1)
		case w.Code == http.StatusServiceUnavailable && w.Header().Get("Retry-After") != "":
			refused.Add(1)
		default:
			t.Errorf("answered %d %v %s", w.Code, w.Header(), w.Body)
		}
	}
	var all sync.WaitGroup
	for range clients {
		for _, path := range paths {
			all.Go(func() { ask(path) })
		}
	}
	all.Wait()
	if media.most.Load() > mostAtOnce || served.Load() < mostAtOnce || served.Load()+refused.Load() != clients*thumbnails {
		t.Errorf("%d served, %d refused, %d at once", served.Load(), refused.Load(), media.most.Load())
	}
	if media.asked.Load() != served.Load() {
		t.Errorf("the bucket was asked %d times for %d pictures", media.asked.Load(), served.Load())
	}
	served.Store(0)
	if ask(paths[0]); served.Load() != 1 {
		t.Error("after the herd nobody is served")
	}
}

// The feeds that others watch, and the pictures that they load, keep nobody from
// a page; and the probes are answered whatever is going on.
func TestOneKindOfLoadLeavesTheOthersRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		media := &slowMedia{takes: time.Hour}
		s := newSite(t, func(s *site) { media.Media, s.store = s.media, media })
		path := "/media/" + s.put(0) + "/w320"
		s.options.Health.Started()
		h := s.server.Handler()
		ctx, cancel := context.WithCancelCause(t.Context())
		get := func(ctx context.Context, path string) int {
			r := httptest.NewRequestWithContext(ctx, http.MethodGet, path, http.NoBody)
			r.Host = "127.0.0.1:0"
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			return w.Code
		}
		var all sync.WaitGroup
		for range 600 {
			all.Go(func() { get(ctx, path) })
		}
		synctest.Wait()
		for _, path := range []string{"/", "/api/v1/images", "/healthz/live", "/healthz/ready", "/api/v1/changes"} {
			if got := get(t.Context(), path); got != http.StatusOK {
				t.Errorf("%s beside many pictures: %d", path, got)
			}
		}
		cancel(errors.New("they leave"))
		all.Wait()
	})
}
