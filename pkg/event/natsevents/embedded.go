package natsevents

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

// startTimeout bounds the start of the embedded server, which reads its streams.
const startTimeout = 30 * time.Second

// unlimited store: the limits are those of the streams, and a disk that is full
// says so itself. By default the server would refuse to start on a small disk.
const unlimited = 1 << 50

// embedded is a server without a listener, reached from within the process.
type embedded struct {
	server *server.Server
	lock   *os.File
}

func start(dir string) (*embedded, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("make the directory: %w", err)
	}
	lock, err := lockFile(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, err
	}
	srv, err := server.NewServer(&server.Options{
		ServerName: "sajin", DontListen: true, NoSigs: true, NoSystemAccount: true,
		JetStream: true, StoreDir: dir, SyncAlways: true, DisableJetStreamBanner: true,
		JetStreamMaxMemory: 1 << 20, JetStreamMaxStore: unlimited,
		MaxPayload: 4 * event.MaxBytes,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("embedded server: %w", err), lock.Close())
	}
	srv.SetLoggerV2(logger{}, false, false, false)
	srv.Start()
	e := &embedded{server: srv, lock: lock}
	if !srv.ReadyForConnections(startTimeout) || !srv.JetStreamEnabled() {
		return nil, errors.Join(fault.As(fault.Unavailable, "natsevents.start",
			errors.New("the embedded server did not start; the log says why")), e.stop())
	}
	return e, nil
}

// stop flushes and closes the streams' files, then lets the directory go.
func (e *embedded) stop() error {
	e.server.Shutdown()
	e.server.WaitForShutdown()
	if err := e.lock.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("natsevents: close: %w", err)
	}
	return nil
}

// logger passes on what an operator should see.
type logger struct{}

func (logger) Noticef(string, ...any) {}
func (logger) Debugf(string, ...any)  {}
func (logger) Tracef(string, ...any)  {}
func (logger) Warnf(format string, args ...any) {
	slog.Warn("embedded event server: " + fmt.Sprintf(format, args...))
}

func (logger) Errorf(format string, args ...any) {
	slog.Error("embedded event server: " + fmt.Sprintf(format, args...))
}

func (logger) Fatalf(format string, args ...any) {
	slog.Error("embedded event server: " + fmt.Sprintf(format, args...))
}
