package pubsubtest

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
)

// Server is a running Pub/Sub.
type Server struct {
	Addr string // host:port
	Name string // what it is, for people
	stop func() error
}

// Stop ends the server and everything that it started. Stopping twice does
// nothing.
func (s *Server) Stop() error { return s.stop() }

// Launch starts the emulator where it is installed, else the fake. It stops
// when ctx ends or Stop is called.
func Launch(ctx context.Context) (*Server, error) {
	s, err := LaunchEmulator(ctx)
	if errors.Is(err, ErrNotInstalled) {
		return LaunchFake(ctx)
	}
	return s, err
}

// Start starts the emulator for a test and gives its address. Where it is not
// installed the test is skipped, unless SAJIN_TEST_REQUIRE, a list with commas,
// names pubsub: then it fails.
func Start(t testing.TB) string {
	t.Helper()
	s, err := LaunchEmulator(context.WithoutCancel(t.Context())) // stopped by the cleanup, which is later
	switch {
	case errors.Is(err, ErrNotInstalled) && !slices.Contains(strings.Split(os.Getenv("SAJIN_TEST_REQUIRE"), ","), "pubsub"):
		t.Skip("the Pub/Sub emulator of the Google Cloud CLI is not installed")
	case err != nil:
		t.Fatalf("Pub/Sub emulator: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Errorf("stop the Pub/Sub emulator: %v", err)
		}
	})
	return s.Addr
}
