package web_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/sajin-gallery/sajin/pkg/config"
	"github.com/sajin-gallery/sajin/pkg/gormdb"
	"github.com/sajin-gallery/sajin/services/web"
	"github.com/sajin-gallery/sajin/services/web/internal/gallery/gallerytest"
)

func database(t *testing.T) *gorm.DB {
	t.Helper()
	db, err := gormdb.Open(t.Context(), "sqlite://"+filepath.Join(t.TempDir(), "accounts.db"), gormdb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = gormdb.Close(db) })
	return db
}

// guarded is a service with accounts, and the links that it has told.
func guarded(t *testing.T, db *gorm.DB, environ ...string) (*web.Service, *[]string, error) {
	t.Helper()
	var cfg web.Config
	if err := config.Load(append([]string{"SAJIN_AUTH=password"}, environ...), &cfg); err != nil {
		t.Fatal(err)
	}
	links := &[]string{}
	media := gallerytest.NewMedia()
	s, err := web.New(t.Context(), cfg, web.Deps{
		Catalog: gallerytest.NewCatalog(), Uploader: &gallerytest.Uploader{Media: media}, Media: media, Accounts: db,
		Announce: func(_ context.Context, link string) { *links = append(*links, link) }, Log: slog.New(slog.DiscardHandler),
	})
	return s, links, err
}

func TestTheFirstStartTellsALink(t *testing.T) {
	db := database(t)
	s, links, err := guarded(t, db, "SAJIN_PUBLIC_ORIGIN=https://photos.example.org")
	if err != nil || len(*links) != 1 || !strings.HasPrefix((*links)[0], "https://photos.example.org/setup?token=") {
		t.Fatalf("%v, %v", *links, err)
	}
	r := httptest.NewRequest(http.MethodGet, (*links)[0], nil)
	w := httptest.NewRecorder()
	if s.Handler().ServeHTTP(w, r); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `autocomplete="new-password"`) {
		t.Errorf("the link is answered with %d", w.Code)
	}
	if err := web.CreateOwner(t.Context(), db, web.NewAccount{Name: "ann", Password: "correct horse battery"}); err != nil {
		t.Fatal(err)
	}
	if _, links, err := guarded(t, db); len(*links) != 0 || err != nil {
		t.Errorf("with an account it tells %v, %v", *links, err)
	}
}

func TestALinkThatIsKnownIsNotTold(t *testing.T) {
	s, links, err := guarded(t, database(t), "SAJIN_SETUP_TOKEN=abcdefghijklmnopqrst")
	if err != nil || len(*links) != 0 {
		t.Fatalf("%v, %v", *links, err)
	}
	if got := status(s, "/setup?token=abcdefghijklmnopqrst"); got != http.StatusOK {
		t.Errorf("the link is answered with %d", got)
	}
}

// Where a job brings the schema up to date, the service does not.
func TestMigratingIsAnothersJob(t *testing.T) {
	db := database(t)
	if _, _, err := guarded(t, db, "SAJIN_WEB_MIGRATE=false"); err == nil {
		t.Fatal("without a schema it starts")
	}
	if err := web.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	if _, _, err := guarded(t, db, "SAJIN_WEB_MIGRATE=false"); err != nil {
		t.Fatal(err)
	}
}

// A database that is not there yet keeps the service from being ready, and not
// from starting.
func TestTheDatabaseOfAccountsMayComeLater(t *testing.T) {
	db, err := gormdb.Open(t.Context(), "mysql://sajin@127.0.0.1:1/web", gormdb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = gormdb.Close(db) })
	s, _, err := guarded(t, db)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	for path, want := range map[string]int{"/healthz/live": 200, "/healthz/startup": 503, "/healthz/ready": 503, "/": 303, "/signin": 503} {
		if got := status(s, path); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestRunWithAccountsDrains(t *testing.T) {
	db := database(t)
	s, _, err := guarded(t, db)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	deadline := time.After(time.Minute)
	for s.Ready(t.Context()) != nil {
		select {
		case <-deadline:
			t.Fatal("it was not ready in time")
		case <-time.After(time.Millisecond):
		}
	}
	stop()
	if err := <-done; err != nil || s.Ready(t.Context()) == nil {
		t.Errorf("%v; ready after its end: %v", err, s.Ready(t.Context()) == nil)
	}
}

func TestWhatAccountsNeedIsNamedAtOnce(t *testing.T) {
	for _, tt := range []struct {
		environ []string
		named   []string
	}{
		{[]string{"SAJIN_AUTH=password", "SAJIN_ADDR=0.0.0.0:8080"}, []string{"SAJIN_PUBLIC_ORIGIN"}},
		{[]string{"SAJIN_AUTH=password", "SAJIN_ADDR=0.0.0.0:8080", "SAJIN_PUBLIC_ORIGIN=https://photos.example.org"}, nil},
		{[]string{"SAJIN_AUTH=password"}, nil},
		{[]string{"SAJIN_AUTH=iap"}, []string{"SAJIN_IAP_AUDIENCE"}},
		{[]string{"SAJIN_AUTH=iap", "SAJIN_IAP_AUDIENCE=/projects/1/global/backendServices/2", "SAJIN_ADDR=0.0.0.0:8080"}, nil},
		{[]string{"SAJIN_SETUP_TOKEN=" + strings.Repeat("x", 19), "SAJIN_TRUSTED_PROXIES=11", "SAJIN_RATE_LIMIT=-1"}, []string{"SAJIN_SETUP_TOKEN", "SAJIN_TRUSTED_PROXIES", "SAJIN_RATE_LIMIT"}},
		{[]string{"SAJIN_SETUP_TOKEN=" + strings.Repeat("x", 20), "SAJIN_TRUSTED_PROXIES=10", "SAJIN_RATE_LIMIT=0"}, nil},
		{[]string{"SAJIN_SETUP_TOKEN=" + strings.Repeat("x", 200)}, nil},
		{[]string{"SAJIN_SETUP_TOKEN=" + strings.Repeat("x", 201), "SAJIN_TRUSTED_PROXIES=-1"}, []string{"SAJIN_SETUP_TOKEN", "SAJIN_TRUSTED_PROXIES"}},
	} {
		err := config.Load(tt.environ, &web.Config{})
		if (err == nil) != (tt.named == nil) {
			t.Errorf("%v: %v", tt.environ, err)
		}
		for _, name := range tt.named {
			if err == nil || !strings.Contains(err.Error(), name+" ") || strings.Contains(err.Error(), "xxx") {
				t.Errorf("%v: %v, want it to name %s and show no secret", tt.environ, err, name)
			}
		}
	}
}

func TestWhoMayListenBeyondLoopback(t *testing.T) {
	for auth, ok := range map[string]bool{"": false, "none": true, "password": true, "iap": true} {
		cfg := web.Config{Auth: auth}
		if err := cfg.CheckExposure("0.0.0.0:8080"); (err == nil) != ok {
			t.Errorf("%q: %v", auth, err)
		}
		if err := cfg.CheckExposure("127.0.0.1:8080"); err != nil {
			t.Errorf("%q on loopback: %v", auth, err)
		}
	}
}
