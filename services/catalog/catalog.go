// Package catalog is the composition of the catalog service: its core, its
// store on a database, its HTTP API, and what it does in the background. It
// knows how the parts fit, and nothing of how the process is started.
package catalog

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"golang.org/x/sync/errgroup"
	"gorm.io/gorm"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/event/traced"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/gormdb"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/pkg/process"
	"github.com/sajin-gallery/sajin/pkg/serviceauth"
	"github.com/sajin-gallery/sajin/pkg/telemetry"
	core "github.com/sajin-gallery/sajin/services/catalog/internal/catalog"
	"github.com/sajin-gallery/sajin/services/catalog/internal/gormcatalog"
	"github.com/sajin-gallery/sajin/services/catalog/internal/httpapi"
)

// OpenAPI is the description of the HTTP API.
//
//go:embed api/openapi.yaml
var OpenAPI []byte

// Subscription is the name under which the catalog receives
// contract.TopicImages.
const Subscription = "catalog-images"

// Config is what an operator may set.
type Config struct {
	// Migrate brings the schema up to date at the start. Off where a job does
	// that before the service is rolled out.
	Migrate bool `env:"CATALOG_MIGRATE" envDefault:"true"`
	// EventWorkers is how many events are handled at once. Those of one owner
	// wait for each other in any case.
	EventWorkers int `env:"CATALOG_EVENT_WORKERS" envDefault:"4"`
	// TidyEvery is how often the trash is emptied of what is too old. With 0 a
	// job does that (see Keep), and delivers what is left in the outbox.
	TidyEvery time.Duration `env:"CATALOG_TIDY_EVERY" envDefault:"10m"`
}

const maxEventWorkers = 64

// Validate names every variable whose value cannot work.
func (c Config) Validate() error {
	var all []error
	if c.EventWorkers < 1 || c.EventWorkers > maxEventWorkers {
		all = append(all, fmt.Errorf("SAJIN_CATALOG_EVENT_WORKERS must be from 1 to %d, not %d", maxEventWorkers, c.EventWorkers))
	}
	if c.TidyEvery < 0 {
		all = append(all, fmt.Errorf("SAJIN_CATALOG_TIDY_EVERY must be 0 or more, not %s", c.TidyEvery))
	}
	return errors.Join(all...)
}

// Deps is what the service works with. The caller owns and closes them, after
// Run has returned.
type Deps struct {
	DB  *gorm.DB // opened by gormdb
	Bus event.Bus
	Now func() time.Time // the clock; time.Now when nil
	Log *slog.Logger     // slog.Default() when nil

	// Push, where it is set, makes a door for a subscription whose events are
	// pushed to this service; then it does not pull.
	Push func(event.Subscription, event.Handler) (http.Handler, error)
	// Guard knows who may call; nil where nobody but the gallery can.
	Guard *serviceauth.Guard
}

// Service is the catalog service.
type Service struct {
	config Config
	deps   Deps
	store  *gormcatalog.Store
	core   *core.Service
	router *httpx.Router
	health *httpx.Health
	// prepared is set once the database has been; until then the API is closed.
	prepared atomic.Bool
}

// New makes the service and prepares its database. A database that cannot be
// reached is no error: the service is not ready then, answers 503, and Run
// tries again until it is there. Any other failure to prepare it is one.
func New(ctx context.Context, config Config, deps Deps) (*Service, error) {
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.Log == nil {
		deps.Log = slog.Default()
	}
	if err := config.Validate(); err != nil {
		return nil, err
	}
	countAltered(ctx, 0)
	store := gormcatalog.New(deps.DB)
	s := &Service{
		config: config, deps: deps, store: store,
		core:   core.New(measured{store}, traced.Publisher(deps.Bus), deps.Now, deps.Log),
		router: httpx.NewRouter(nil),
	}
	s.health = &httpx.Health{Check: s.core.Check}
	s.health.Register(s.router)
	httpapi.Register(s.router, s.core)
	if deps.Push != nil {
		door, err := deps.Push(subscription(config), s.handler())
		if err != nil {
			return nil, err
		}
		s.router.Handle("POST "+pathEvents, door)
	}
	if err := s.prepare(ctx); err != nil && !process.Away(err) {
		return nil, err
	}
	return s, nil
}

// prepare makes the database ready for use; doing so again changes nothing.
func (s *Service) prepare(ctx context.Context) error {
	if s.prepared.Load() {
		return nil
	}
	if s.config.Migrate {
		if err := s.store.Migrate(ctx); err != nil {
			return err
		}
	}
	if err := s.core.Check(ctx); err != nil {
		return err
	}
	s.prepared.Store(true)
	s.health.Started()
	return nil
}

// pathEvents is where events are pushed to.
const pathEvents = contract.PathEvents + Subscription

// access is who may use what: the edge all that is done for users.
var access = serviceauth.Access{serviceauth.RoleWeb: {"/v1/"}}

// Handler serves the API and the probes, with request ids, the access log, the
// recovery from panics, and the guard. The probes answer anybody, and the door
// for events asks for the bus's own token.
func (s *Service) Handler() http.Handler {
	guard := s.deps.Guard.Middleware(access, append(httpx.Probes(), pathEvents)...)
	return httpx.Chain(s.router, httpx.Traced, httpx.RequestIDs(true), httpx.AccessLog, httpx.Recover, guard, httpx.CallerDeadline, shed, s.whenPrepared)
}

// What is taken on at once. A waiting feed costs little; a call costs the
// database something, so a wave of them is let in bit by bit.
var (
	feeds = httpx.Load{Running: 4096}
	calls = httpx.Load{Running: 128, Waiting: 2048, Patience: 5 * time.Second}
)

// shed bounds the calls and the feeds, each by themselves. The probes are always
// answered, and events are bounded by their subscription.
func shed(next http.Handler) http.Handler {
	waiting, calling := httpx.Shed(feeds, nil)(next), httpx.Shed(calls, nil)(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == catalogapi.PathChanges:
			waiting.ServeHTTP(w, r)
		case strings.HasPrefix(r.URL.Path, "/v1/"):
			calling.ServeHTTP(w, r)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

var errNotPrepared = fault.New(fault.Unavailable, "not_started", "The service is starting.").RetryAfter(2 * time.Second)

// whenPrepared keeps the API from a database that has no schema yet.
func (s *Service) whenPrepared(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.prepared.Load() && (strings.HasPrefix(r.URL.Path, "/v1/") || r.URL.Path == pathEvents) {
			problem.Write(w, r, errNotPrepared)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Routes lists what Handler serves, as patterns of http.ServeMux.
func (s *Service) Routes() []string { return s.router.Routes() }

// Ready is nil when the service can do its work now.
func (s *Service) Ready(ctx context.Context) error { return s.health.Ready(ctx) }

// Draining says that the service is about to stop: it is no longer ready, and
// those who wait for changes are answered at once.
func (s *Service) Draining() {
	s.health.Draining()
	s.core.Stop()
}

// Run does the background work until ctx ends: it handles the events of
// contract.TopicImages that are not pushed, publishes the outbox, and empties
// the trash every Config.TidyEvery. It returns nil after a drained stop. Several
// processes may run at once.
func (s *Service) Run(ctx context.Context) error {
	if err := process.Await(ctx, s.deps.Log, "the database", s.prepare); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.receive(ctx) })
	group.Go(func() error { s.core.RunRelay(ctx, s.config.TidyEvery > 0); return nil })
	if s.config.TidyEvery > 0 {
		group.Go(func() error { s.core.RunTidy(ctx, s.config.TidyEvery); return nil })
	}
	group.Go(func() error {
		<-ctx.Done()
		s.Draining() // at once: the long polls would hold up the server's shutdown
		return nil
	})
	return group.Wait()
}

// handler handles events, however they come.
func (s *Service) handler() event.Handler {
	return traced.Handler(subscription(s.config), s.alarmed)
}

// alarmed acknowledges an event that says something else than before, since it
// would say so for ever, and raises the alarm: somebody writes to the bus who
// should not, or a publisher gives two events one id.
func (s *Service) alarmed(ctx context.Context, d event.Delivery) error {
	err := s.core.HandleEvent(ctx, d)
	if !errors.Is(err, core.ErrEventAltered) {
		return err
	}
	countAltered(ctx, 1)
	s.deps.Log.ErrorContext(ctx, "an event came again and says something else; it has no effect", "code", core.ErrEventAltered.Code,
		"subscription", Subscription, "event", d.Event.ID, "source", d.Event.Source, "type", d.Event.Type, "subject", d.Event.Subject)
	return nil
}

// countAltered counts events that came again and said something else. It begins at
// none, without which an alert would not see the first.
func countAltered(ctx context.Context, n int64) {
	telemetry.Altered.Add(ctx, n, attribute.String("messaging.destination.subscription.name", Subscription))
}

// receive pulls events, where they are not pushed, until ctx ends.
func (s *Service) receive(ctx context.Context) error {
	if s.deps.Push != nil {
		return nil
	}
	events := subscription(s.config)
	err := process.Await(ctx, s.deps.Log, "the bus", func(ctx context.Context) error { return s.deps.Bus.Ensure(ctx, events) })
	if err != nil {
		return err
	}
	err = s.deps.Bus.Receive(ctx, events, s.handler())
	if err == nil && ctx.Err() == nil {
		return errors.New("catalog: the bus ended the subscription")
	}
	return err
}

// Expired is an image that Keep purges.
type Expired = core.Expired

// Kept counts what Keep did.
type Kept = core.Kept

// Keep does once, and to the end, what Run does on a clock: it purges what has
// been in the trash for too long, saying what, forgets old changes and events,
// and publishes the outbox. Services may run over the same database meanwhile.
func (s *Service) Keep(ctx context.Context, say func(Expired)) (Kept, error) {
	done, err := s.core.Keep(ctx, say)
	for kind, n := range map[string]int{"purged": done.Purged, "forgotten": done.Forgotten, "events": done.Events, "sent": done.Sent, "aside": done.Aside} {
		telemetry.Kept.Add(ctx, int64(n), attribute.String("kind", kind))
	}
	return done, err
}

// Due counts what Keep would do with a database, says the first thousand of the
// images that it would purge, and changes nothing.
func Due(ctx context.Context, db *gorm.DB, now func() time.Time, say func(Expired)) (Kept, error) {
	return core.New(gormcatalog.New(db), nil, now, slog.Default()).Due(ctx, say)
}

// Backlog is what is in the outbox.
type Backlog = core.Backlog

// Outbox says how much is in the outbox of a database.
func Outbox(ctx context.Context, db *gorm.DB) (Backlog, error) {
	return gormcatalog.New(db).Backlog(ctx)
}

// Readmit has what could not be published and was set aside be tried again, by
// whatever publishes the outbox next, and says how much that is.
func (s *Service) Readmit(ctx context.Context) (int, error) { return s.core.Readmit(ctx) }

// Migrate brings the catalog's schema up to date; see gormdb.Migrate.
func Migrate(ctx context.Context, db *gorm.DB) error { return gormcatalog.New(db).Migrate(ctx) }

// SchemaVersions says how far the catalog's schema is, and changes nothing.
func SchemaVersions(ctx context.Context, db *gorm.DB) (gormdb.Versions, error) {
	return gormcatalog.New(db).SchemaVersions(ctx)
}

// Learn takes in an image by its manifest, as an event of its upload would have
// it, and also where that event was taken in. Learning again changes nothing.
func (s *Service) Learn(ctx context.Context, m contract.Manifest) error {
	return s.core.Learn(ctx, m)
}

// Knows reports whether an owner has an image, in the trash or not, or another
// that it was merged into.
func (s *Service) Knows(ctx context.Context, owner identity.Owner, id string) (bool, error) {
	_, err := s.core.Get(identity.WithOwner(ctx, owner), id)
	if errors.Is(err, core.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Subscribe makes the catalog's subscription, so that it misses nothing that is
// published from now on, whether or not it runs.
func Subscribe(ctx context.Context, bus event.Subscriber, config Config) error {
	return bus.Ensure(ctx, subscription(config))
}

// Subscriptions are those that Subscribe makes.
func Subscriptions(config Config) []event.Subscription {
	return []event.Subscription{subscription(config)}
}

func subscription(config Config) event.Subscription {
	return event.Subscription{
		Name: Subscription, Topic: contract.TopicImages, Concurrency: config.EventWorkers,
		// A database that is away for an hour must cost no event: back-off grows
		// to a minute, and sixty more attempts follow.
		MaxAttempts: 66, AckDeadline: 30 * time.Second,
	}
}
