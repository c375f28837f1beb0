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
	"sync"
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

// Server is a natsevents.Server. One whose storage has failed is started again:
// see watch. Safe for concurrent use.
type Server struct {
	dir     string
	lock    *os.File
	closing chan struct{}
	watcher sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	running *server.Server // nil while it cannot be started again
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
	running, err := start(dir)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	s := &Server{dir: dir, lock: lock, closing: make(chan struct{}), running: running}
	s.watcher.Go(s.watch)
	return s, nil
}

// start starts a server on the files of the one before.
func start(dir string) (*server.Server, error) {
	srv, err := server.NewServer(&server.Options{
		ServerName: "sajin", DontListen: true, NoSigs: true, NoSystemAccount: true,
		JetStream: true, StoreDir: dir, SyncAlways: true, DisableJetStreamBanner: true,
		JetStreamMaxMemory: 1 << 20, JetStreamMaxStore: unlimited,
		MaxPayload: 4 * event.MaxBytes,
	})
	if err != nil {
		return nil, fmt.Errorf("natsserver: %w", err)
	}
	srv.SetLoggerV2(logger{}, false, false, false)
	srv.Start()
	if !srv.ReadyForConnections(startTimeout) || !srv.JetStreamEnabled() {
		stop(srv)
		return nil, fault.As(fault.Unavailable, "natsserver.Start", errors.New("the embedded server did not start; the log says why"))
	}
	return srv, nil
}

// stop flushes and closes the streams' files.
func stop(srv *server.Server) {
	srv.Shutdown()
	srv.WaitForShutdown()
}

// errAway is for a caller that tries again, as a client does.
var errAway = fault.New(fault.Unavailable, "events_unavailable", "Events cannot be stored at the moment. Please try again.")

// InProcessConn connects to the server. While it cannot be started again the
// error is Unavailable.
func (s *Server) InProcessConn() (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running == nil {
		return nil, errAway
	}
	return s.running.InProcessConn()
}

// Close flushes and closes the streams' files, then lets the directory go. Closing
// twice does nothing.
func (s *Server) Close() error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.closing)
	}
	s.mu.Unlock()
	s.watcher.Wait()
	if srv := s.replace(nil); srv != nil {
		stop(srv)
	}
	if err := s.lock.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return fmt.Errorf("natsserver: close: %w", err)
	}
	return nil
}

// replace makes srv the one that is running, and gives the one that was.
func (s *Server) replace(srv *server.Server) *server.Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.running
	s.running = srv
	return before
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
