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
	"sync"

	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/web/internal/gallery"
	"github.com/sajin-gallery/sajin/services/web/internal/httpapi"
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
	Assets        fs.FS        // the interface's files; nil means those built in
	Log           *slog.Logger // nil means slog.Default
}

// Service is the web service. Safe for concurrent use.
type Service struct {
	handler  http.Handler
	health   *httpx.Health
	missing  string
	draining chan struct{}
	drain    func()
}

// New composes the service.
func New(_ context.Context, cfg Config, deps Deps) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	origin, err := parseOrigin(cfg.PublicOrigin)
	if err != nil {
		return nil, err
	}
	rendered, err := pages.New(pages.Options{Assets: deps.Assets, Dev: cfg.Dev, SendTo: deps.SessionOrigin, Static: cfg.StaticURL})
	if err != nil {
		return nil, fmt.Errorf("web: %w", err)
	}
	log := cmp.Or(deps.Log, slog.Default())
	core := gallery.New(deps.Catalog, deps.Uploader, deps.Media, log)
	s := &Service{health: &httpx.Health{Check: reachable(core)}, missing: rendered.Missing(), draining: make(chan struct{})}
	s.drain = sync.OnceFunc(func() {
		s.health.Draining()
		close(s.draining)
	})
	s.handler = httpapi.New(httpapi.Options{
		Gallery: core, Pages: rendered, Health: s.health, Draining: s.draining, Addr: cfg.Addr, PublicOrigin: origin,
		Uploads: httpapi.UploadLimits{
			MaxFiles: cfg.MaxFiles, MaxFileBytes: cfg.MaxFileBytes, MaxRequestBytes: cfg.MaxRequestBytes, IdleBody: cfg.IdleBody,
		},
		Log: log,
	}).Handler()
	return s, nil
}

// StaticFile is one of the interface's files.
type StaticFile = pages.File

// StaticFiles lists what is to be served at Config.StaticURL.
func StaticFiles() ([]StaticFile, error) { return pages.Files(nil) }

// reachable asks the catalog for as little as can be asked.
func reachable(core *gallery.Service) func(context.Context) error {
	return func(ctx context.Context) error {
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
// drains. It returns nil.
func (s *Service) Run(ctx context.Context) error {
	s.health.Started()
	<-ctx.Done()
	s.Drain()
	return nil
}

// Drain makes the service not ready and ends the waiting requests, so that a
// server's shutdown need not wait for them. Calling it again does nothing.
func (s *Service) Drain() { s.drain() }
