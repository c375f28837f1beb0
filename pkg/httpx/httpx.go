// Package httpx is what every service's HTTP side shares: the server and its
// limits, the router that answers unknown routes and methods with problems,
// request ids, the access log, checked queries, health, and calls that stay
// within the process.
//
// It knows no service and no use case.
package httpx

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
)

// Limits of every server. A body has no limit in time as a whole, since 200 MB
// over a slow line takes its time, but IdleBody bounds the wait for its next
// byte.
const (
	ReadHeaderTimeout = 10 * time.Second
	IdleTimeout       = 75 * time.Second
	MaxHeaderBytes    = 32 << 10
	// DrainTimeout leaves two of the ten seconds between Cloud Run's SIGTERM
	// and SIGKILL. https://cloud.google.com/run/docs/container-contract
	DrainTimeout = 8 * time.Second
)

// Serve serves h on l until ctx ends, then stops accepting, waits for running
// requests up to DrainTimeout, and closes what is left. It returns nil after a
// drain, whole or cut.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{
		Handler: DiscardWithin(DiscardTimeout)(h), ReadHeaderTimeout: ReadHeaderTimeout, IdleTimeout: IdleTimeout, MaxHeaderBytes: MaxHeaderBytes,
		ErrorLog: slog.NewLogLogger(slog.Default().Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("httpx: serve %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	timeout, cancel := context.WithTimeout(context.WithoutCancel(ctx), DrainTimeout)
	defer cancel()
	if err := server.Shutdown(timeout); err != nil {
		slog.WarnContext(ctx, "requests were still running when the drain time ended", "err", err)
		_ = server.Close() // the process ends; the connections with it
	}
	return nil
}

// Listen opens addr (host:port; port 0 picks a free one). A port that is taken
// is explained.
func Listen(ctx context.Context, addr string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s (is another program using it? SAJIN_ADDR chooses another): %w", addr, err)
	}
	return l, nil
}

// Loopback reports whether addr (host:port) is reachable from this machine only.
func Loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// ErrBodyIncomplete is what a body that ended early is answered with.
var ErrBodyIncomplete = fault.New(fault.Invalid, "body_incomplete",
	"The connection ended before the whole request had arrived. Nothing of the unfinished file was kept; please send it again.")

// ErrBodyTimeout is what a body that stopped arriving is answered with, by
// status 408 rather than its kind's 504.
var ErrBodyTimeout = fault.New(fault.Timeout, "body_timeout",
	"The rest of the request did not arrive in time. Nothing of the unfinished file was kept; please send it again.")
