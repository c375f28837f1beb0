// Package web composes the web service: the gallery's core, its pages and its
// HTTP side, over adapters that are given to it.
//
// It chooses no adapter and reads no environment; the programs in
// services/web/cmd/web and services/sajin do.
package web

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"sync"

	"gorm.io/gorm"

	"github.com/sajin-gallery/sajin/pkg/config"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/pkg/process"
	"github.com/sajin-gallery/sajin/services/web/internal/gallery"
	"github.com/sajin-gallery/sajin/services/web/internal/httpapi"
	"github.com/sajin-gallery/sajin/services/web/internal/iapassertions"
	"github.com/sajin-gallery/sajin/services/web/internal/pages"
)

// The ports that Deps fills.
type (
	// Catalog knows the images and who may see them.
	Catalog = gallery.Catalog
	// Uploader takes files in.
	Uploader = gallery.Uploader
	// Media reads originals and renditions; every blob.Store is one.
	Media = gallery.Media
)

// Deps is what the service needs.
type Deps struct {
	Catalog  Catalog
	Uploader Uploader
	Media    Media
	// SessionOrigin is scheme, host and port of the sessions that the media store
	// serves itself, to which the pages may send files; "" where it serves none.
	SessionOrigin string
	// Accounts is the database of accounts, opened by gormdb, where Config.Guarded.
	// The caller closes it after Run has returned.
	Accounts *gorm.DB
	// Announce tells the operator the link by which the owner's account is made;
	// nil means the log.
	Announce func(ctx context.Context, link string)
	Assets   fs.FS        // the interface's files; nil means those built in
	Log      *slog.Logger // nil means slog.Default
}

// Service is the web service. Safe for concurrent use.
type Service struct {
	handler  http.Handler
	health   *httpx.Health
	people   *people // nil where nobody is asked who they are
	log      *slog.Logger
	missing  string
	draining chan struct{}
	drain    func()
}

// New composes the service.
func New(ctx context.Context, cfg Config, deps Deps) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	origin, err := parseOrigin(cfg.PublicOrigin)
	if err != nil {
		return nil, err
	}
	look := pages.Options{Assets: deps.Assets, SendTo: deps.SessionOrigin, Static: cfg.StaticURL}
	if cfg.Dev != "" {
		if err := pages.Unpack(cfg.Dev); err != nil {
			return nil, fmt.Errorf("web: SAJIN_DEV: %w", err)
		}
		look.Dev = os.DirFS(cfg.Dev)
	}
	rendered, err := pages.New(look)
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	log := cmp.Or(deps.Log, slog.Default())
	core := gallery.New(deps.Catalog, deps.Uploader, deps.Media, log)
	who, err := newPeople(cfg, deps, log)
	if err != nil {
		return nil, err
	}
	if err := who.try(ctx); err != nil {
		return nil, err
	}
	s := &Service{people: who, log: log, health: &httpx.Health{Check: reachable(core, who)}, missing: rendered.Missing(), draining: make(chan struct{})}
	s.drain = sync.OnceFunc(func() {
		s.health.Draining()
		close(s.draining)
	})
	options := httpapi.Options{
		Gallery: core, Pages: rendered, Health: s.health, Draining: s.draining, Addr: cfg.Addr, PublicOrigin: origin,
		Uploads: httpapi.UploadLimits{
			MaxFiles: cfg.MaxFiles, MaxFileBytes: cfg.MaxFileBytes, MaxRequestBytes: cfg.MaxRequestBytes, IdleBody: cfg.IdleBody,
		},
		Log: log,
	}
	if who != nil {
		options.Accounts, options.TrustedProxies, options.RateLimit = who.core, cfg.TrustedProxies, cfg.RateLimit
	}
	if cfg.Auth == config.AuthIAP {
		options.Assertions = iapassertions.New(cfg.IAPAudience, nil)
	}
	s.handler = httpapi.New(options).Handler()
	return s, nil
}

// StaticFile is one of the interface's files.
type StaticFile = pages.File

// StaticFiles lists what is to be served at Config.StaticURL.
func StaticFiles() ([]StaticFile, error) { return pages.Files(nil) }

// reachable asks the catalog and the accounts for as little as can be asked.
func reachable(core *gallery.Service, who *people) func(context.Context) error {
	return func(ctx context.Context) error {
		if who != nil {
			if err := who.core.Reachable(ctx); err != nil {
				return err
			}
		}
		return core.Reachable(identity.WithOwner(ctx, identity.LocalOwner))
	}
}

// Handler serves the pages, the API, the media and the probes.
func (s *Service) Handler() http.Handler { return s.handler }

// Missing says in a sentence what the built interface lacks, or "".
func (s *Service) Missing() string { return s.missing }

// Ready is nil when the service can do its work now.
func (s *Service) Ready(ctx context.Context) error { return s.health.Ready(ctx) }

// Run tells the probes that the service may be used, until ctx ends; then it
// drains. Before that it waits for the database of accounts, where there is
// one, and after it deletes what has ended there. It returns nil after a drain.
func (s *Service) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, s.Drain)
	defer stop()
	if s.people != nil {
		if err := process.Await(ctx, s.log, "the database of accounts", s.people.prepare); err != nil {
			return err
		}
	}
	s.health.Started()
	if s.people != nil {
		s.people.core.RunTidy(ctx)
	}
	<-ctx.Done()
	s.Drain() // the function above may only just have begun
	return nil
}

// Drain makes the service not ready and ends the waiting requests, so that a
// server's shutdown need not wait for them. Calling it again does nothing.
func (s *Service) Drain() { s.drain() }
