package httpx

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
)

// checkTimeout bounds one readiness check.
const checkTimeout = 2 * time.Second

// Health answers the probes. Startup and ready fail until Started is called;
// ready fails again while a check fails and once Draining was called; live
// fails never, since a process that can answer it is alive. The answers tell up
// or down and nothing else.
type Health struct {
	Check    func(context.Context) error // may be nil
	started  atomic.Bool
	draining atomic.Bool
}

// Started says that the service may be used.
func (h *Health) Started() { h.started.Store(true) }

// Draining says that the service is about to stop.
func (h *Health) Draining() { h.draining.Store(true) }

// The probes' paths.
const (
	pathLive    = "/healthz/live"
	pathStartup = "/healthz/startup"
	pathReady   = "/healthz/ready"
)

const codeNotReady = "not_ready"

// Probes lists the paths of the probes, which answer anybody.
func Probes() []string { return []string{pathLive, pathStartup, pathReady} }

func isProbe(path string) bool { return strings.HasPrefix(path, "/healthz/") }

// Register adds the probes' routes.
func (h *Health) Register(rt *Router) {
	rt.HandleFunc("GET "+pathLive, h.answer(func(context.Context) error { return nil }))
	rt.HandleFunc("GET "+pathStartup, h.answer(h.startup))
	rt.HandleFunc("GET "+pathReady, h.answer(h.Ready))
}

func (h *Health) startup(context.Context) error {
	if !h.started.Load() {
		return fault.New(fault.Unavailable, "not_started", "The service is starting.")
	}
	return nil
}

// Ready is nil when the service can do its work now.
func (h *Health) Ready(ctx context.Context) error {
	if err := h.startup(ctx); err != nil {
		return err
	}
	if h.draining.Load() {
		return fault.New(fault.Unavailable, "draining", "The service is stopping.")
	}
	if h.Check == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	if err := h.Check(ctx); err != nil {
		return fault.New(fault.Unavailable, codeNotReady, "The service cannot reach what it needs.").With("httpx.Ready", err)
	}
	return nil
}

func (h *Health) answer(check func(context.Context) error) http.HandlerFunc {
	var said atomic.Value // what failed, in the words of the log
	said.Store("")
	return func(w http.ResponseWriter, r *http.Request) {
		err := check(r.Context())
		logChange(r.Context(), r.URL.Path, &said, err)
		if err != nil {
			problem.WriteSilently(w, r, err)
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write([]byte("ok\n"))
	}
}

// logChange writes when a probe begins to fail, or fails for another reason, and
// when it is well again. That a service starts and stops is no failure.
func logChange(ctx context.Context, path string, said *atomic.Value, err error) {
	reason := ""
	if err != nil {
		if fault.Public(err).Code != codeNotReady {
			return
		}
		reason = err.Error()
	}
	switch before := said.Swap(reason); {
	case before == reason:
	case reason != "":
		slog.WarnContext(ctx, "the probe fails", "path", path, "err", err)
	default:
		slog.InfoContext(ctx, "the probe is well again", "path", path)
	}
}
