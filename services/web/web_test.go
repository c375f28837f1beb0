package web_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/config"
	"github.com/sajin-gallery/sajin/services/web"
	"github.com/sajin-gallery/sajin/services/web/internal/gallery/gallerytest"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // what goes wrong on purpose
	goleak.VerifyTestMain(m)
}

// Every blob.Store is a web.Media.
var _ web.Media = blob.Store(nil)

func newService(t *testing.T, environ ...string) (*web.Service, *gallerytest.Catalog, error) {
	t.Helper()
	var cfg web.Config
	if err := config.Load(environ, &cfg); err != nil {
		t.Fatal(err)
	}
	catalog, media := gallerytest.NewCatalog(), gallerytest.NewMedia()
	s, err := web.New(t.Context(), cfg, web.Deps{
		Catalog: catalog, Uploader: &gallerytest.Uploader{Media: media}, Media: media, Log: slog.New(slog.DiscardHandler),
	})
	return s, catalog, err
}

func status(s *web.Service, path string) int {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = "127.0.0.1:8080"
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w.Code
}

func TestDefaults(t *testing.T) {
	var cfg web.Config
	if err := config.Load(nil, &cfg); err != nil {
		t.Fatal(err)
	}
	want := web.Config{
		Addr: "127.0.0.1:8080", MaxFiles: 1000, MaxFileBytes: 256 << 20, MaxRequestBytes: 4 << 30, IdleBody: time.Minute, Migrate: true, RateLimit: 100,
	}
	if !reflect.DeepEqual(cfg, want) {
		t.Fatalf("%+v, want %+v", cfg, want)
	}
}

func TestProbesFollowTheLifeOfTheService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, catalog, err := newService(t)
		if err != nil {
			t.Fatal(err)
		}
		probe := func(when string, live, startup, ready int) {
			t.Helper()
			for name, want := range map[string]int{"live": live, "startup": startup, "ready": ready} {
				if got := status(s, "/healthz/"+name); got != want {
					t.Errorf("%s: %s is %d, want %d", when, name, got, want)
				}
			}
		}
		probe("before Run", 200, 503, 503)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		synctest.Wait()
		probe("running", 200, 200, 200)
		catalog.FailWith(errors.New("the database is away"))
		probe("without the catalog", 200, 200, 503)
		catalog.FailWith(nil)
		stop()
		if err := <-done; err != nil {
			t.Fatalf("Run: %v", err)
		}
		probe("drained", 200, 200, 503)
		s.Drain() // again
	})
}

func TestRunEndsTheLongPolls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _, err := newService(t)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithTimeout(t.Context(), 5*time.Second)
		defer stop()
		go func() { _ = s.Run(ctx) }()
		start := time.Now()
		if got := status(s, "/api/v1/changes?cursor=0&wait_ms=25000"); got != http.StatusOK || time.Since(start) != 5*time.Second {
			t.Fatalf("%d after %v", got, time.Since(start))
		}
	})
}

func TestThePagesAreThere(t *testing.T) {
	s, _, err := newService(t)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/trash", "/upload", "/imageapp/upload_image/", "/api/v1/images", "/api/v1/openapi.yaml", "/favicon.ico"} {
		if got := status(s, path); got != http.StatusOK {
			t.Errorf("%s: %d", path, got)
		}
	}
}

func TestEveryMistakeIsNamedAtOnce(t *testing.T) {
	var cfg web.Config
	err := config.Load([]string{
		"SAJIN_PUBLIC_ORIGIN=photos.example", "SAJIN_UPLOAD_FILES_PER_REQUEST=0", "SAJIN_UPLOAD_FILE_BYTES=-1", "SAJIN_UPLOAD_REQUEST_BYTES=-2",
	}, &cfg)
	for _, name := range []string{"PUBLIC_ORIGIN", "UPLOAD_FILES_PER_REQUEST", "UPLOAD_FILE_BYTES", "UPLOAD_REQUEST_BYTES"} {
		if err == nil || !strings.Contains(err.Error(), "SAJIN_"+name+" ") {
			t.Errorf("%v, want it to name %s", err, name)
		}
	}
}

func TestPublicOrigin(t *testing.T) {
	taken := func(origin string) error {
		return config.Load([]string{"SAJIN_PUBLIC_ORIGIN=" + origin}, &web.Config{})
	}
	for _, origin := range []string{"photos.example", "https://", "ftp://photos.example", "https://photos.example/", "https://u@photos.example", "https://photos.example?x", "https://photos.example#x", "://"} {
		if taken(origin) == nil {
			t.Errorf("%q was taken", origin)
		}
	}
	for _, origin := range []string{"", "https://photos.example", "http://10.0.0.2:8080"} {
		if err := taken(origin); err != nil {
			t.Errorf("%q: %v", origin, err)
		}
	}
}
