// Package natsserver is a NATS server with JetStream inside the process, without a
// listener, which keeps its files under a directory and syncs every write before
// it answers. It is apart from package natsevents, because it is much larger than
// a client, and only a gallery in one process has a use for it.
package natsserver

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
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

// Server is a natsevents.Server.
type Server struct {
	server *server.Server
	lock   *os.File
}

// Start starts a server on a directory, which it makes. A directory that another
// process uses is a Locked fault.
func Start(dir string) (*Server, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("natsserver: make the directory: %w", err)
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
		return nil, errors.Join(fmt.Errorf("natsserver: %w", err), lock.Close())
	}
	srv.SetLoggerV2(logger{}, false, false, false)
	srv.Start()
	s := &Server{server: srv, lock: lock}
	if !srv.ReadyForConnections(startTimeout) || !srv.JetStreamEnabled() {
		return nil, errors.Join(fault.As(fault.Unavailable, "natsserver.Start",
			errors.New("the embedded server did not start; the log says why")), s.Close())
	}
	return s, nil
}

// InProcessConn connects to the server.
func (s *Server) InProcessConn() (net.Conn, error) { return s.server.InProcessConn() }

// Close flushes and closes the streams' files, then lets the directory go. Closing
// twice does nothing.
func (s *Server) Close() error {
	s.server.Shutdown()
	s.server.WaitForShutdown()
	if err := s.lock.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("natsserver: close: %w", err)
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
