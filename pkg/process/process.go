// Package process is what every main shares: signals, configuration, the log,
// listening, and a stop that drains within ten seconds.
//
// It knows no service; a service gives it a handler and its background work.
package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"golang.org/x/sync/errgroup"

	"github.com/sajin-gallery/sajin/pkg/config"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/telemetry"
	"github.com/sajin-gallery/sajin/pkg/telemetry/otlp"
)

// The exit codes.
const (
	ExitOK     = 0
	ExitFailed = 1
	ExitConfig = 2 // the configuration or the command line is wrong
)

// ErrConfig marks an error that the person who starts the program can mend.
var ErrConfig = errors.New("the configuration is not right")

// Main runs f until it returns or a SIGINT or SIGTERM ends its context, prints
// its error to stderr and returns the exit code. A second signal kills. Meanwhile
// traces and measurements are exported under the name, where OpenTelemetry's
// variables say where to.
func Main(name string, stderr io.Writer, f func(context.Context) error) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // hand the second signal back to the runtime
	stopExport, err := otlp.Start(ctx, name)
	defer stopExport()
	if err == nil {
		err = f(ctx)
	}
	switch {
	case err == nil:
		return ExitOK
	case errors.Is(err, ErrConfig):
		_, _ = fmt.Fprintf(stderr, "%s: %v\n", name, err)
		return ExitConfig
	default:
		_, _ = fmt.Fprintf(stderr, "%s: %v\n", name, err)
		return ExitFailed
	}
}

// Configure loads the configuration from environ (os.Environ(), where a later
// entry overrides an earlier one), refuses an exposed address, and sets up the
// log on stderr. Every problem is named at once, as an ErrConfig. Misspelt
// variables are warned of.
func Configure(environ []string, common *config.Common, more ...any) error {
	into := append([]any{common}, more...)
	if err := errors.Join(config.Load(environ, into...), checkExposure(common, more)); err != nil {
		return fmt.Errorf("%w:\n%w", ErrConfig, err)
	}
	SetLog(common, os.Stderr)
	unknown, err := config.Unknown(environ, into...)
	if err != nil {
		return err
	}
	for _, name := range unknown {
		slog.Warn("this variable is not known here and has no effect", "variable", name)
	}
	return nil
}

// LimitMemory asks the garbage collector to keep the process's memory below a
// number of bytes. It is a soft limit, and GOMEMLIMIT overrides it.
func LimitMemory(bytes int64) {
	if os.Getenv("GOMEMLIMIT") == "" { //nolint:forbidigo // the runtime's own variable
		debug.SetMemoryLimit(bytes)
	}
}

// SetLog makes the process's log as configured. A reader of it who stops reading
// stops nobody: see telemetry.Patient.
func SetLog(c *config.Common, w io.Writer) {
	var level slog.LevelVar
	_ = level.UnmarshalText([]byte(c.LogLevel)) // Validate has seen it
	slog.SetDefault(slog.New(telemetry.NewLog(telemetry.Patient(w), telemetry.LogOptions{
		Level: &level, JSON: c.LogFormat == "json",
		Project: os.Getenv("GOOGLE_CLOUD_PROJECT"), //nolint:forbidigo // Google's own variable
	})))
}

// Service is one service's handler and its background work.
type Service interface {
	Handler() http.Handler
	// Run does the background work and answers the probes until its context
	// ends, then drains and returns nil.
	Run(context.Context) error
}

// Serve serves s on l until ctx ends or something fails, then drains: the
// readiness probe fails first, running requests and event handlers get up to
// httpx.DrainTimeout. It returns nil after a drain.
func Serve(ctx context.Context, l net.Listener, s Service) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.Run(ctx) })
	group.Go(func() error { return httpx.Serve(ctx, l, s.Handler()) })
	return group.Wait()
}

// ListenAndServe is Serve on the configured address.
func ListenAndServe(ctx context.Context, common *config.Common, s Service) error {
	l, err := httpx.Listen(ctx, common.Addr)
	if err != nil {
		return err
	}
	slog.InfoContext(ctx, "listening", "addr", l.Addr().String())
	return Serve(ctx, l, s)
}

// Guarded is a configuration that says what guards the program, where that is
// not who signs in to a gallery.
type Guarded interface {
	// CheckExposure refuses an address that must not be listened on as things are.
	CheckExposure(addr string) error
}

func checkExposure(common *config.Common, more []any) error {
	if _, _, err := net.SplitHostPort(common.Addr); err != nil {
		return nil // config.Common complains of it
	}
	for _, each := range more {
		if own, ok := each.(Guarded); ok {
			return own.CheckExposure(common.Addr)
		}
	}
	return CheckExposure(common)
}

// CheckExposure refuses to listen beyond loopback while nothing asks who is
// there, unless that is said outright. An address that is none is for
// config.Common to complain of.
func CheckExposure(c *config.Common) error {
	if _, _, err := net.SplitHostPort(c.Addr); err != nil || c.Auth == "none" || httpx.Loopback(c.Addr) {
		return nil
	}
	return fmt.Errorf("SAJIN_ADDR=%s can be reached from other machines, and nothing asks who is there: "+
		"anybody could see, add and delete pictures. Listen on 127.0.0.1, have people sign in with "+
		"SAJIN_AUTH=password, or say SAJIN_AUTH=none if something in front of it decides who may come in", c.Addr)
}
