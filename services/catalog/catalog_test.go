package catalog

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/gormdb/mysqltest"
	"github.com/sajin-gallery/sajin/pkg/httpx/openapitest"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/catalog/internal/catalogtest"
)

const owner = identity.Owner("somebody")

// bounded is a test's context with a deadline, acting for owner.
func bounded(tb testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(tb.Context(), 30*time.Second)
	tb.Cleanup(cancel)
	return identity.WithOwner(ctx, owner)
}

// status is what a handler answers to GET path.
func status(s *Service, path string) int {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, path, http.NoBody)
	r.Header.Set(identity.OwnerHeader, string(owner))
	s.Handler().ServeHTTP(w, r)
	return w.Code
}

func TestServedIsDescribed(t *testing.T) {
	openapitest.Routes(t, behind(t, nil, func(event.Subscription, event.Handler) (http.Handler, error) { return http.NotFoundHandler(), nil }), OpenAPI)
	without := start(t, sqliteURL(t), catalogtest.NewBus(), nil).Routes()
	if slices.Contains(without, "POST /events/catalog-images") {
		t.Error("the door for events is open without a push")
	}
}

func TestADatabaseThatIsDownIsWaitedFor(t *testing.T) {
	address := "mysql://root@/catalog?socket=" + filepath.Join(t.TempDir(), "none.sock")
	s, err := New(t.Context(), Config{Migrate: true, EventWorkers: 1}, Deps{DB: openDB(t, address), Bus: catalogtest.NewBus(), Log: quiet})
	if err != nil {
		t.Fatalf("New without a database: %v", err)
	}
	for path, want := range map[string]int{"/healthz/live": 200, "/healthz/startup": 503, "/healthz/ready": 503, "/v1/images": 503, "/v1/none": 503, "/none": 404} {
		if got := status(s, path); got != want {
			t.Errorf("%s answers %d, want %d", path, got, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run, stopped while it waits for the database: %v", err)
	}
}

func TestADatabaseThatGoesAwayIsUnavailableUntilItIsBack(t *testing.T) {
	dir := t.TempDir()
	server, err := mysqltest.Start(t.Context(), filepath.Join(dir, "db"))
	if err != nil {
		mysqltest.URL(t) // skips or fails, as it is asked to
		t.Fatal(err)
	}
	address, err := server.CreateDatabase(t.Context(), "catalog")
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, address, catalogtest.NewBus(), nil)
	before, err := s.core.List(bounded(t), catalogapi.ListRequest{})
	if err != nil || len(before.Images) != 0 {
		t.Fatalf("List = %+v, %v", before, err)
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = s.core.List(bounded(t), catalogapi.ListRequest{})
	if public := fault.Public(err); public.Code != "database_unavailable" || status(s, "/healthz/ready") != 503 || status(s, "/healthz/live") != 200 {
		t.Errorf("without its database: List = %v, ready %d", err, status(s, "/healthz/ready"))
	}
	again, err := mysqltest.Start(t.Context(), filepath.Join(dir, "db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := again.Close(); err != nil {
			t.Error(err)
		}
	})
	if got := status(s, "/healthz/ready"); got != 200 {
		t.Errorf("with its database back, ready answers %d", got)
	}
}

func TestConfigIsChecked(t *testing.T) {
	db := openDB(t, sqliteURL(t))
	for n, ok := range map[int]bool{0: false, 1: true, maxEventWorkers: true, maxEventWorkers + 1: false} {
		_, err := New(t.Context(), Config{Migrate: true, EventWorkers: n}, Deps{DB: db, Bus: catalogtest.NewBus(), Log: quiet})
		if (err == nil) != ok {
			t.Errorf("New with %d event workers: %v", n, err)
		}
	}
}

func TestTheClockMayBeLeftToAJobAndNotRunBackwards(t *testing.T) {
	db := openDB(t, sqliteURL(t))
	for every, ok := range map[time.Duration]bool{-1: false, 0: true, 1: true} {
		_, err := New(t.Context(), Config{Migrate: true, EventWorkers: 1, TidyEvery: every}, Deps{DB: db, Bus: catalogtest.NewBus(), Log: quiet})
		if (err == nil) != ok {
			t.Errorf("New with TidyEvery %s: %v", every, err)
		}
	}
}

// Where a job keeps the catalog, a service does nothing by the clock, but passes
// on what it decides itself; the job does the rest, once, and says what.
func TestAJobDoesWhatServicesLeaveToIt(t *testing.T) {
	for name, address := range engines {
		t.Run(name, func(t *testing.T) {
			url, bus := address(t), catalogtest.NewBus()
			left := upload(t, start(t, url, bus, nil), "a")
			purge(t, start(t, url, bus, nil), left.ID) // no relay runs
			old := upload(t, start(t, url, bus, nil), "b")
			if _, err := start(t, url, bus, nil).core.Trash(bounded(t), old.ID); err != nil {
				t.Fatal(err)
			}
			later := func() time.Time { return time.Now().Add(33 * 24 * time.Hour) }
			s := start(t, url, bus, later)
			var would, did []Expired
			due, err := Due(bounded(t), s.deps.DB, later, func(e Expired) { would = append(would, e) })
			if err != nil {
				t.Fatal(err)
			}
			if again, err := Due(bounded(t), s.deps.DB, later, func(Expired) {}); again != due || err != nil {
				t.Errorf("due are %+v, and then %+v, %v", due, again, err)
			}
			done, err := s.Keep(bounded(t), func(e Expired) { did = append(did, e) })
			if done != due || !slices.Equal(would, did) || len(did) != 1 || did[0].ID != old.ID || did[0].Name != old.Name || did[0].TrashedAt.IsZero() {
				t.Errorf("due were %+v of %+v, and done is %+v of %+v", due, would, done, did)
			}
			// One event for each; the changes are those of adding, trashing and purging.
			if err != nil || done.Purged != 1 || done.Sent != 2 || done.Forgotten == 0 || done.Events != 2 {
				t.Errorf("Keep = %+v, %v", done, err)
			}
			for _, m := range []contract.Manifest{left, old} {
				if n := bus.Purges(m.ID); n != 1 {
					t.Errorf("%s was published %d times", m.ID, n)
				}
			}
			if again, err := s.Keep(bounded(t), func(Expired) {}); err != nil || again != (Kept{}) {
				t.Errorf("Keep again = %+v, %v", again, err)
			}
		})
	}
}

func TestWithoutItsClockAServiceStillPassesOnWhatItDecides(t *testing.T) {
	url, bus := sqliteURL(t), catalogtest.NewBus()
	s, err := New(t.Context(), Config{Migrate: true, EventWorkers: 1}, Deps{DB: openDB(t, url), Bus: bus, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	run(t, s)
	m := upload(t, s, "a")
	purge(t, s, m.ID)
	if err := bus.AwaitPurge(bounded(t), m.ID, m.Key, 1); err != nil {
		t.Errorf("the purge waits for a job: %v", err)
	}
}

func TestWithoutMigrationItIsAnError(t *testing.T) {
	_, err := New(t.Context(), Config{EventWorkers: 1}, Deps{DB: openDB(t, sqliteURL(t)), Bus: catalogtest.NewBus(), Log: quiet})
	if fault.KindOf(err) != fault.Internal || err == nil {
		t.Errorf("New on an empty database without migrating: %v", err)
	}
}

func TestDrainingAnswersThoseWhoWait(t *testing.T) {
	s := start(t, sqliteURL(t), catalogtest.NewBus(), nil)
	ctx := bounded(t)
	now, err := s.core.Changes(ctx, catalogapi.ChangesRequest{})
	if err != nil {
		t.Fatal(err)
	}
	answered := make(chan error, 1)
	go func() {
		_, err := s.core.Changes(ctx, catalogapi.ChangesRequest{Cursor: now.Cursor, WaitMS: catalogapi.MaxChangesWaitMS})
		answered <- err
	}()
	s.Draining()
	select {
	case err := <-answered:
		if err != nil {
			t.Errorf("a wait that was cut short: %v", err)
		}
	case <-time.After(catalogapi.MaxChangesWaitMS * time.Millisecond / 2):
		t.Error("a wait was not cut short")
	}
	if got := status(s, "/healthz/ready"); got != 503 {
		t.Errorf("ready answers %d while draining", got)
	}
	if got := status(s, "/v1/images"); got != 200 {
		t.Errorf("a request that still comes is answered with %d", got)
	}
}

// upload makes the service know a ready image.
func upload(t *testing.T, s *Service, content string) contract.Manifest {
	t.Helper()
	now := time.Now().UTC()
	id := identity.NewImageID(now)
	m := contract.Manifest{
		Version: 1, ID: id, Owner: string(owner), Name: content, Key: contract.OriginalKey(id, now, ".jpg"), Size: 1,
		ContentType: "image/jpeg", SHA256: strings.Repeat("0", 64-len(content)) + content, CreatedAt: now,
	}
	e, err := contract.New(id, contract.SourceUpload, contract.TypeImageUploaded, id, now, contract.ImageUploaded{Manifest: m})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.core.HandleEvent(bounded(t), event.Delivery{Event: e, Attempt: 1}); err != nil {
		t.Fatal(err)
	}
	return m
}

func purge(t *testing.T, s *Service, id string) {
	t.Helper()
	if _, err := s.core.Trash(bounded(t), id); err != nil {
		t.Fatal(err)
	}
	if err := s.core.Purge(bounded(t), id); err != nil {
		t.Fatal(err)
	}
}

// TestTheOutboxOutlivesTheBusAndTheProcess: what was decided while the bus was
// down, by a process that is gone, is published by another when the bus is back.
func TestTheOutboxOutlivesTheBusAndTheProcess(t *testing.T) {
	for name, address := range engines {
		t.Run(name, func(t *testing.T) {
			url, bus := address(t), catalogtest.NewBus()
			m := upload(t, start(t, url, bus, nil), "a")
			purge(t, start(t, url, bus, nil), m.ID) // neither runs a relay
			bus.SetDown(true)
			run(t, start(t, url, bus, nil))
			if err := bus.AwaitAttempt(bounded(t)); err != nil {
				t.Fatalf("nobody tried to publish: %v", err)
			}
			bus.SetDown(false)
			if err := bus.AwaitPurge(bounded(t), m.ID, m.Key, 1); err != nil {
				t.Errorf("the purge is lost: %v", err)
			}
		})
	}
}

// TestTwoRelaysShareTheOutbox: each event is claimed by one of them.
func TestTwoRelaysShareTheOutbox(t *testing.T) {
	for name, address := range engines {
		t.Run(name, func(t *testing.T) {
			url, bus := address(t), catalogtest.NewBus()
			s := start(t, url, bus, nil)
			var all []contract.Manifest
			for i := range 60 { // more than a batch
				all = append(all, upload(t, s, string(rune('0'+i%10))+string(rune('a'+i/10))))
				purge(t, s, all[i].ID)
			}
			run(t, start(t, url, bus, nil))
			run(t, start(t, url, bus, nil))
			for _, m := range all {
				if err := bus.AwaitPurge(bounded(t), m.ID, m.Key, 1); err != nil {
					t.Fatalf("%s was not published: %v", m.ID, err)
				}
			}
			for _, m := range all {
				if n := bus.Purges(m.ID); n != 1 {
					t.Errorf("%s was published %d times although nothing failed", m.ID, n)
				}
			}
		})
	}
}

func TestRunFailsWhenTheBusDoes(t *testing.T) {
	s := start(t, sqliteURL(t), brokenBus{catalogtest.NewBus()}, nil)
	if err := s.Run(bounded(t)); fault.Public(err).Code != "bus_broken" {
		t.Errorf("Run = %v, want the bus's error", err)
	}
}

type brokenBus struct{ *catalogtest.Bus }

func (brokenBus) Receive(context.Context, event.Subscription, event.Handler) error {
	return fault.New(fault.Unavailable, "bus_broken", "The bus is broken.")
}

// F40: a bus that comes up later is waited for, whether it refuses or is silent.
func TestF40_StartsBeforeTheBus(t *testing.T) {
	bus := &lateBus{
		Bus:      catalogtest.NewBus(),
		failures: []error{fault.Wrap("bus.Ensure", context.DeadlineExceeded), fault.New(fault.Unavailable, "bus_down", "")},
		received: make(chan struct{}),
	}
	s := start(t, sqliteURL(t), bus, nil)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	select {
	case <-bus.received:
		stop()
	case err := <-done:
		t.Fatalf("Run ended before there was a bus: %v", err)
	case <-bounded(t).Done():
		t.Fatal("nobody asks the bus again")
	}
	if err := <-done; err != nil {
		t.Errorf("Run = %v", err)
	}
}

// lateBus is away as often as failures says, and then there.
type lateBus struct {
	*catalogtest.Bus
	failures []error
	received chan struct{}
}

func (b *lateBus) Ensure(context.Context, event.Subscription) error {
	if len(b.failures) == 0 {
		return nil
	}
	err := b.failures[0]
	b.failures = b.failures[1:]
	return err
}

func (b *lateBus) Receive(ctx context.Context, s event.Subscription, _ event.Handler) error {
	if err := b.Ensure(ctx, s); err != nil {
		return err
	}
	close(b.received)
	<-ctx.Done()
	return nil
}
