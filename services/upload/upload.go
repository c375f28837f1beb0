// Package upload composes the upload service: configuration, the core, its
// doors and its subscriptions. It chooses the image engine; the bucket and the
// bus are given to it.
package upload

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/event/traced"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/process"
	"github.com/sajin-gallery/sajin/pkg/serviceauth"
	"github.com/sajin-gallery/sajin/services/upload/internal/httpapi"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// OpenAPI is the description of the HTTP API.
//
//go:embed api/openapi.yaml
var OpenAPI []byte

// Deps are what the service runs on. The caller owns and closes them, after Run
// has returned.
type Deps struct {
	Blob blob.Store
	// Partials holds files that arrive in pieces, where this service serves the
	// sessions; Sessions opens those that the bucket serves. With neither, files
	// are taken whole only.
	Partials blob.Partials
	Sessions blob.SessionOpener
	// Inbox is where files are put to be taken in, where that is not a part of
	// the bucket; it is looked at every few seconds, since nobody tells of it.
	Inbox blob.Inbox
	Bus   event.Bus
	Now   func() time.Time // time.Now when nil
	Log   *slog.Logger     // slog.Default when nil

	// Push, where it is set, makes a door for a subscription whose events are
	// pushed to this service; then it does not pull.
	Push func(event.Subscription, event.Handler) (http.Handler, error)
	// Guard knows who may call; nil where nobody but the gallery can.
	Guard *serviceauth.Guard
}

func (d Deps) withDefaults() Deps {
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Log == nil {
		d.Log = slog.Default()
	}
	return d
}

// Service is the upload service. Handler serves while Run runs.
type Service struct {
	cfg       Config
	deps      Deps
	core      *ingest.Service
	images    images
	consumers []consumer
	health    httpx.Health
	router    *httpx.Router
}

type consumer struct {
	subscription event.Subscription
	handle       event.Handler
}

// New makes the service and its subscriptions, so that no event is missed from
// now on. A bus that cannot be reached is no error: the service is not ready
// then, and Run tries again until it is there. Run must be called to release
// what the service holds.
func New(ctx context.Context, cfg Config, deps Deps) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	deps = deps.withDefaults()
	images, err := newImages(cfg, deps)
	if err != nil {
		return nil, err
	}
	s := &Service{cfg: cfg, deps: deps, images: images, core: newCore(cfg, deps, images)}
	s.health.Check = s.core.Check
	s.consumers = consumersOf(s.core, cfg)
	pushes, err := s.pushes()
	if err != nil {
		return nil, err
	}
	s.router = httpapi.New(s.core, cfg.http(), &s.health, pushes...)
	if err := s.ensure(ctx); err != nil && !process.Away(err) {
		return nil, err
	}
	return s, nil
}

func newCore(cfg Config, deps Deps, images images) *ingest.Service {
	return ingest.New(cfg.core(), ingest.Ports{
		Blob: deps.Blob, Partials: deps.Partials, Sessions: deps.Sessions, Inbox: deps.Inbox,
		Events: traced.Publisher(deps.Bus), Now: deps.Now, Log: deps.Log, Trace: tracer{},
		Imager: images.Imager, Metadata: images.MetadataReader, MemoryFile: images.memoryFile,
	})
}

// attempts outlast an outage of the bucket of about an hour: the back-off grows
// to a minute.
const attempts = 66

func consumersOf(core *ingest.Service, cfg Config) []consumer {
	all := []consumer{
		{event.Subscription{
			Name: "upload-objects", Topic: contract.TopicObjects, Concurrency: cfg.Concurrency, MaxAttempts: attempts,
			AckDeadline: 2 * time.Minute, // a large image waits for memory
		}, core.HandleObjectFinalized},
		{event.Subscription{
			Name: "upload-purges", Topic: contract.TopicPurges, Concurrency: cfg.Concurrency, MaxAttempts: attempts,
		}, core.HandlePurged},
	}
	for i, c := range all {
		all[i].handle = traced.Handler(c.subscription, c.handle)
	}
	return all
}

// Subscribe makes the service's subscriptions, so that it misses nothing that is
// published from now on, whether or not it runs.
func Subscribe(ctx context.Context, bus event.Subscriber, cfg Config) error {
	return ensureAll(ctx, bus, consumersOf(nil, cfg))
}

// Subscriptions are those that Subscribe makes.
func Subscriptions(cfg Config) []event.Subscription {
	var out []event.Subscription
	for _, c := range consumersOf(nil, cfg) {
		out = append(out, c.subscription)
	}
	return out
}

func ensureAll(ctx context.Context, bus event.Subscriber, consumers []consumer) error {
	for _, c := range consumers {
		if err := bus.Ensure(ctx, c.subscription); err != nil {
			return fmt.Errorf("upload: subscribe %s: %w", c.subscription.Name, err)
		}
	}
	return nil
}

func (s *Service) ensure(ctx context.Context) error {
	if s.deps.Push != nil {
		s.health.Started() // what is pushed was subscribed to when the service was deployed
		return nil
	}
	if err := ensureAll(ctx, s.deps.Bus, s.consumers); err != nil {
		return err
	}
	s.health.Started()
	return nil
}

func (s *Service) pushes() ([]httpapi.Push, error) {
	if s.deps.Push == nil {
		return nil, nil
	}
	var out []httpapi.Push
	for _, c := range s.consumers {
		door, err := s.deps.Push(c.subscription, c.handle)
		if err != nil {
			return nil, err
		}
		out = append(out, httpapi.Push{Subscription: c.subscription.Name, Handler: door})
	}
	return out, nil
}

// access is who may use what: the edge all that is done for users.
var access = serviceauth.Access{serviceauth.RoleWeb: {"/v1/"}}

// open are the paths that need no token of a service: the probes, and the doors
// for events, which ask for the bus's own.
func (s *Service) open() []string {
	out := httpx.Probes()
	for _, c := range s.consumers {
		out = append(out, contract.PathEvents+c.subscription.Name)
	}
	return out
}

// requests is what is taken on at once. What images need of memory is admitted
// by the core, and who waits there keeps his place here.
var requests = httpx.Load{Running: 512, Waiting: 512, Patience: 5 * time.Second}

// shed bounds the requests. The probes are always answered, and events are
// bounded by their subscription.
func shed(next http.Handler) http.Handler {
	bounded := httpx.Shed(requests, nil)(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v1/") {
			bounded.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Handler serves the HTTP API and the probes.
func (s *Service) Handler() http.Handler {
	return httpx.Chain(s.router, httpx.Traced, httpx.RequestIDs(true), httpx.AccessLog, httpx.Recover,
		s.deps.Guard.Middleware(access, s.open()...), httpx.CallerDeadline, shed)
}

// Routes lists the patterns that Handler serves.
func (s *Service) Routes() []string { return s.router.Routes() }

// Ready is nil when the service can do its work now.
func (s *Service) Ready(ctx context.Context) error { return s.health.Ready(ctx) }

// Draining makes the service not ready, before it stops.
func (s *Service) Draining() { s.health.Draining() }

// Run receives events and sweeps every Config.SweepEvery until ctx ends; then it lets the images in
// work finish, for httpx.DrainTimeout at most, and returns nil. It returns an
// error when a subscription fails for good.
func (s *Service) Run(ctx context.Context) error {
	group, running := errgroup.WithContext(ctx)
	group.Go(func() error { return s.receive(running) })
	if s.cfg.SweepEvery > 0 {
		group.Go(func() error { s.rounds().run(running); return nil })
	}
	if s.deps.Inbox != nil {
		group.Go(func() error { s.watchInbox(running); return nil })
	}
	<-running.Done()
	s.Draining()
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), httpx.DrainTimeout)
	defer cancel()
	s.core.Close(drain)
	err := group.Wait()
	s.images.close()
	return err
}

// receive pulls events, where they are not pushed, until ctx ends.
func (s *Service) receive(ctx context.Context) error {
	if err := process.Await(ctx, s.deps.Log, "the bus", s.ensure); err != nil || s.deps.Push != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, c := range s.consumers {
		group.Go(func() error {
			err := s.deps.Bus.Receive(ctx, c.subscription, c.handle)
			if err == nil && ctx.Err() == nil {
				err = errors.New("the bus ended the subscription")
			}
			if err != nil {
				return fmt.Errorf("upload: receive %s: %w", c.subscription.Name, err)
			}
			return nil
		})
	}
	return group.Wait()
}
