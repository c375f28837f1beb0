// Package httpapi is the web service's HTTP side: the public API, the media,
// the pages and forms, and what guards them all.
//
// The API and the media answer errors as problems, the pages as pages; which of
// the two a request gets depends on its path alone. The package asks the core
// for everything it shows; it knows no catalog, no store and no template.
package httpapi

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
	"github.com/sajin-gallery/sajin/services/web/internal/accounts"
	"github.com/sajin-gallery/sajin/services/web/internal/gallery"
	"github.com/sajin-gallery/sajin/services/web/internal/pages"
)

// Renderer writes the pages. A method that fails has written nothing.
type Renderer interface {
	Gallery(w io.Writer, v pages.GalleryView) error
	Trash(w io.Writer, v pages.TrashView) error
	Image(w io.Writer, v pages.ImageView) error
	Albums(w io.Writer, v pages.AlbumsView) error
	Album(w io.Writer, v pages.AlbumView) error
	Upload(w io.Writer, v pages.UploadView) error
	Error(w io.Writer, v pages.ErrorView) error
	SignIn(w io.Writer, v pages.SignInView) error
	SetUp(w io.Writer, v pages.SetUpView) error
	Account(w io.Writer, v pages.AccountView) error
	// Fragment writes figures with their headings and no page around them.
	Fragment(w io.Writer, f pages.Frame, g pages.Grid) error
	// Months writes the list of months, with the total, and no page around it.
	Months(w io.Writer, v pages.GalleryView) error
	// Manifest writes the web app manifest, by which a browser installs the
	// gallery.
	Manifest(w io.Writer, language string) error
	// Static serves the files under /static/.
	Static() http.Handler
	// Language chooses the language of the answer to r.
	Language(r *http.Request) string
	// ContentSecurityPolicy is what the pages need, and nothing more.
	ContentSecurityPolicy() string
}

// Options is what a Server is made of.
type Options struct {
	Gallery *gallery.Service
	Pages   Renderer
	Health  *httpx.Health
	// Draining is closed when the service stops: long polls end then.
	Draining <-chan struct{}
	// Addr is where the service listens (host:port). On a loopback address
	// only requests to that address by name are served.
	Addr string
	// PublicOrigin is the scheme, host and port by which browsers know the
	// service where that is not Addr; nil if it is not known.
	PublicOrigin *url.URL
	// Uploads are the limits on uploads.
	Uploads UploadLimits
	// Accounts is who may use the gallery; nil where nobody is asked.
	Accounts *accounts.Service
	// Assertions is a provider in front that says who is there; nil where people
	// sign in here. It needs Accounts.
	Assertions Assertions
	// TrustedProxies is how many entries of X-Forwarded-For, from the last, are of
	// proxies that are ours.
	TrustedProxies int
	// RateLimit is how many requests a second an account, a token or an address
	// may make where there are accounts; 0 for any number.
	RateLimit int
	Log       *slog.Logger
}

// UploadLimits bound an upload. The upload service enforces those on files;
// here they are told to people.
type UploadLimits struct {
	MaxFiles        int   // in a request
	MaxFileBytes    int64 // of one file
	MaxRequestBytes int64 // of all files of a request
	// IdleBody is how long the body of an upload may stand still.
	IdleBody time.Duration
}

// requestTimeout bounds what a page or an API call waits for other services.
const requestTimeout = 15 * time.Second

// Server serves the gallery. Safe for concurrent use.
type Server struct {
	Options
	api  *httpx.Router
	site *httpx.Router

	limits, mediaLimits *limiter // nil for none
	lately              *lately
}

// New makes the server.
func New(o Options) *Server {
	s := &Server{Options: o, api: httpx.NewRouter(nil), lately: newLately()}
	s.site = httpx.NewRouter(s.failPage)
	if o.RateLimit > 0 {
		s.limits, s.mediaLimits = newLimiter(o.RateLimit), newLimiter(mediaFactor*o.RateLimit)
	}
	s.routeAPI()
	s.routeSite()
	return s
}

// Routes lists the patterns of the API and the media, for the comparison with
// the OpenAPI file.
func (s *Server) Routes() []string { return s.api.Routes() }

// Handler serves every route with all guards around it.
func (s *Server) Handler() http.Handler {
	return httpx.Chain(http.HandlerFunc(s.route),
		httpx.FromOutside, httpx.Traced, httpx.RequestIDs(false), httpx.AccessLog, s.secureHeaders, httpx.RecoverWith(s.fail),
		s.checkHost, s.checkOrigin, s.shed, s.guard)
}

func (s *Server) route(w http.ResponseWriter, r *http.Request) {
	if forMachines(r) {
		s.api.ServeHTTP(w, r)
		return
	}
	s.site.ServeHTTP(w, r)
}

// forMachines reports whether r is answered with JSON and problems rather than
// with pages.
func forMachines(r *http.Request) bool {
	for _, prefix := range []string{"/api/", "/media/", "/healthz/"} {
		if strings.HasPrefix(r.URL.Path, prefix) {
			return true
		}
	}
	return false
}

// handler is a handler that leaves its errors to one place.
type handler func(w http.ResponseWriter, r *http.Request) error

// orFail serves h and answers its error as the path demands. A handler that
// has begun to answer returns nil.
func (s *Server) orFail(h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			s.fail(w, r, err)
		}
	}
}

// inTime is orFail with a deadline on everything that h waits for.
func (s *Server) inTime(h handler) http.HandlerFunc {
	inner := s.orFail(h)
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		defer cancel()
		inner(w, r.WithContext(ctx))
	}
}

// fail answers err as a problem or as a page.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	if forMachines(r) {
		problem.WriteStatus(w, r, err, statusOf(err))
		return
	}
	s.failPage(w, r, err, statusOf(err))
}
