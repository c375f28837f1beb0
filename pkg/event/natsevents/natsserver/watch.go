package natsserver

import (
	"log/slog"
	"slices"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// watchEvery is how often the server is asked how it is, and how long it is left
// in peace after it was started.
const watchEvery = time.Second

// watch starts the server again when its storage has failed. A stream that could
// not be written once, because the disk was full or no file could be opened, takes
// nothing any more until the server starts anew, whatever has become of the
// reason: that is JetStream's way to be safe, for an operator to mend. In a gallery
// on one machine there is none. What a Publish was told is stored is in the files,
// so nothing is lost; what was not answered is tried again by the client.
func (s *Server) watch() {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.mend()
		case <-s.closing:
			return
		}
	}
}

// mend starts a failed server again. As long as that does not work there is none.
func (s *Server) mend() {
	s.mu.Lock()
	running := s.running
	s.mu.Unlock()
	if running != nil {
		reason := failure(running)
		if reason == "" {
			return
		}
		slog.Warn("the embedded event server starts again, since its storage has failed", "reason", reason)
		stop(s.replace(nil))
	}
	fresh, err := start(s.dir)
	if err != nil {
		slog.Warn("the embedded event server does not start again yet", "err", err)
		return
	}
	s.replace(fresh)
}

// failure is why a server can store nothing any more, "" where it can.
func failure(srv *server.Server) string {
	found := srv.Healthz(&server.HealthzOptions{Details: true}).Errors
	i := slices.IndexFunc(found, func(e server.HealthzError) bool {
		return e.Type == server.HealthzErrorStream || e.Type == server.HealthzErrorJetStream
	})
	if i < 0 {
		return ""
	}
	return found[i].Error
}
