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
	"net/url"
	"sync"

	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/web/internal/gallery"
	"github.com/sajin-gallery/sajin/services/web/internal/httpapi"
	"github.com/sajin-gallery/sajin/services/web/internal/pages"
)

// AuthNone is the value of Config.Auth that lets a gallery without accounts be
// reached from other machines.
const AuthNone = "none"

// Config is the service's configuration. The names are those of environment
// variables, to which the programs add the prefix SAJIN_.
type Config struct {
	// Addr is where the service listens. With port 0 it is enough to give the
	// address as it was asked for.
	Addr string `env:"ADDR" envDefault:"127.0.0.1:8080"`
	// Auth says who may use the gallery: empty means the owner of this machine,
	// so that only a loopback address is listened on; AuthNone means everybody
	// who can reach it.
	Auth string `env:"AUTH"`
	// PublicOrigin is scheme, host and port by which browsers reach the service
	// where that is not Addr, such as https://photos.example.org. Other names
	// are then refused.
	PublicOrigin string `env:"PUBLIC_ORIGIN"`
	// The limits on uploads, by the variables that the upload service reads: it
	// enforces those on files, and here they are told to people. MaxRequestBytes
	// is enforced here as well, before the body is read.
	MaxFiles        int   `env:"UPLOAD_FILES_PER_REQUEST" envDefault:"1000"`
	MaxFileBytes    int64 `env:"UPLOAD_FILE_BYTES" envDefault:"268435456"`
	MaxRequestBytes int64 `env:"UPLOAD_REQUEST_BYTES" envDefault:"4294967296"`
	// Dev reads the interface's files again for every page.
	Dev bool `env:"DEV"`
}

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
	Assets   fs.FS        // the interface's files; nil means those built in
	Log      *slog.Logger // nil means slog.Default
}

// Service is the web service. Safe for concurrent use.
type Service struct {
	handler  http.Handler
	health   *httpx.Health
	missing  string
	draining chan struct{}
	drain    func()
}

// New composes the service. It refuses a configuration that would let others
// in without having been told to.
func New(_ context.Context, cfg Config, deps Deps) (*Service, error) {
	if err := CheckListen(cfg.Addr, cfg.Auth); err != nil {
		return nil, err
	}
	origin, err := parseOrigin(cfg.PublicOrigin)
	if err != nil {
		return nil, err
	}
	rendered, err := pages.New(pages.Options{Assets: deps.Assets, Dev: cfg.Dev})
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
		Uploads: httpapi.UploadLimits{MaxFiles: cfg.MaxFiles, MaxFileBytes: cfg.MaxFileBytes, MaxRequestBytes: cfg.MaxRequestBytes},
		Log:     log,
	}).Handler()
	return s, nil
}

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

// CheckListen refuses to listen beyond loopback without authentication, unless
// that was said outright.
func CheckListen(addr, auth string) error {
	switch {
	case auth != "" && auth != AuthNone:
		return fmt.Errorf("SAJIN_AUTH is %q: the only value there is, is %q, for a gallery that everybody who can reach it may use and change", auth, AuthNone)
	case auth == AuthNone || httpx.Loopback(addr):
		return nil
	default:
		return fmt.Errorf("SAJIN_ADDR is %q, which other machines can reach, and the gallery has no accounts: "+
			"listen on 127.0.0.1, or set SAJIN_AUTH=%s to let everybody who can reach it see, add and delete pictures", addr, AuthNone)
	}
}

// parseOrigin reads scheme://host[:port], or nothing.
func parseOrigin(text string) (*url.URL, error) {
	if text == "" {
		return nil, nil
	}
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.String() != u.Scheme+"://"+u.Host {
		return nil, fmt.Errorf("SAJIN_PUBLIC_ORIGIN is %q: it must be a scheme and a host, such as https://photos.example.org", text)
	}
	return u, nil
}
