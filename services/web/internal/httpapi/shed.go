package httpapi

import (
	"net/http"
	"strings"
	"time"

	"github.com/sajin-gallery/sajin/pkg/httpx"
)

// What is taken on at once, each kind by itself, so that none takes the place of
// another: whoever watches the feed or sends files keeps nobody from looking.
var (
	mediaLoad  = httpx.Load{Running: 512, Waiting: 4096, Patience: 5 * time.Second}
	feedLoad   = httpx.Load{Running: 4096}
	uploadLoad = httpx.Load{Running: 512, Waiting: 512, Patience: 5 * time.Second}
	pageLoad   = httpx.Load{Running: 256, Waiting: 2048, Patience: 5 * time.Second}
)

// shed bounds what runs at once. The probes are always answered.
func (s *Server) shed(next http.Handler) http.Handler {
	media, feed := httpx.Shed(mediaLoad, s.fail)(next), httpx.Shed(feedLoad, s.fail)(next)
	uploads, pages := httpx.Shed(uploadLoad, s.fail)(next), httpx.Shed(pageLoad, s.fail)(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case strings.HasPrefix(path, "/healthz/"):
			next.ServeHTTP(w, r)
		case strings.HasPrefix(path, "/media/"):
			media.ServeHTTP(w, r)
		case path == "/api/v1/changes":
			feed.ServeHTTP(w, r)
		case hasBody(r):
			uploads.ServeHTTP(w, r)
		default:
			pages.ServeHTTP(w, r)
		}
	})
}

// hasBody reports whether a request brings something that takes its time.
func hasBody(r *http.Request) bool { return r.Method == http.MethodPost || r.Method == http.MethodPut }
