package catalog

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
	"gorm.io/gorm"

	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/gormdb"
	"github.com/sajin-gallery/sajin/pkg/gormdb/mysqltest"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/httpx/openapitest"
	"github.com/sajin-gallery/sajin/pkg/kitx"
	"github.com/sajin-gallery/sajin/pkg/serviceauth"
	"github.com/sajin-gallery/sajin/services/catalog/catalogclient"
	"github.com/sajin-gallery/sajin/services/catalog/internal/catalogtest"
)

func TestMain(m *testing.M) {
	code := mysqltest.Run(m)
	// OpenCensus, below Google's SDKs, starts a worker when it is imported.
	if err := goleak.Find(goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start")); err != nil && code == 0 {
		_, _ = os.Stderr.WriteString(err.Error() + "\n")
		code = 1
	}
	os.Exit(code)
}

// engine makes the address of a fresh database.
type engine func(testing.TB) string

func sqliteURL(tb testing.TB) string { return "sqlite://" + filepath.Join(tb.TempDir(), "catalog.db") }

var engines = map[string]engine{"sqlite": sqliteURL, "mysql": mysqltest.URL}

func openDB(tb testing.TB, address string) *gorm.DB {
	tb.Helper()
	db, err := gormdb.Open(tb.Context(), address, gormdb.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := gormdb.Close(db); err != nil {
			tb.Error(err)
		}
	})
	return db
}

var quiet = slog.New(slog.DiscardHandler)

// start makes the service on a database, as a process of its own would.
func start(tb testing.TB, address string, bus event.Bus, now func() time.Time) *Service {
	tb.Helper()
	s, err := New(tb.Context(), Config{Migrate: true, EventWorkers: 4, TidyEvery: 10 * time.Minute}, Deps{DB: openDB(tb, address), Bus: bus, Now: now, Log: quiet})
	if err != nil {
		tb.Fatal(err)
	}
	if err := s.Ready(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	return s
}

// behind is a service with a guard, or a door for events that are pushed.
func behind(tb testing.TB, guard *serviceauth.Guard, push func(event.Subscription, event.Handler) (http.Handler, error)) *Service {
	tb.Helper()
	s, err := New(tb.Context(), Config{Migrate: true, EventWorkers: 4}, Deps{
		DB: openDB(tb, sqliteURL(tb)), Bus: catalogtest.NewBus(), Log: quiet, Guard: guard, Push: push,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// run runs the service's background work until the test ends.
func run(tb testing.TB, s *Service) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Errorf("Run: %v", err)
		}
	})
}

// harness is two processes on one database.
func harness(t *testing.T, address string, reach func(*Service) catalogtest.Catalog) catalogtest.Harness {
	bus, clock := catalogtest.NewBus(), &catalogtest.Clock{}
	one, other := start(t, address, bus, clock.Now), start(t, address, bus, clock.Now)
	run(t, one)
	run(t, other)
	return catalogtest.Harness{
		Catalog: reach(one), Other: reach(other), Handle: one.handler(), Tidy: one.core.Tidy, Bus: bus, Clock: clock,
	}
}

func TestConformance(t *testing.T) {
	for name, address := range engines {
		t.Run(name, func(t *testing.T) {
			catalogtest.Run(t, harness(t, address(t), func(s *Service) catalogtest.Catalog { return s.core }))
		})
	}
}

func TestConformanceOverHTTP(t *testing.T) {
	catalogtest.Run(t, harness(t, sqliteURL(t), func(s *Service) catalogtest.Catalog {
		server := httptest.NewServer(s.Handler())
		t.Cleanup(server.Close)
		// The wire is held to the OpenAPI file.
		return client(t, server.URL, openapitest.Transport(t, OpenAPI, server.Client().Transport))
	}))
}

func TestConformanceInProcess(t *testing.T) {
	catalogtest.Run(t, harness(t, sqliteURL(t), func(s *Service) catalogtest.Catalog {
		return client(t, "http://catalog.invalid", httpx.InProcess{Handler: s.Handler()})
	}))
}

func client(t *testing.T, base string, transport http.RoundTripper) *catalogclient.Client {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	return catalogclient.New(kitx.Target{Base: u, HTTP: kitx.NoRedirects(transport)})
}
