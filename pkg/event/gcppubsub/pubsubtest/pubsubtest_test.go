package pubsubtest

import (
	"context"
	"net"
	"testing"
	"time"
)

// reachable reports whether anything listens on addr.
func reachable(t *testing.T, addr string) bool {
	t.Helper()
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		return false
	}
	return conn.Close() == nil
}

func TestFakeStops(t *testing.T) {
	s := LaunchFake(t.Context())
	if !reachable(t, s.Addr) {
		t.Fatal("not reachable")
	}
	for range 2 {
		if err := s.Stop(); err != nil {
			t.Errorf("Stop: %v", err)
		}
	}
	if reachable(t, s.Addr) {
		t.Error("still reachable after Stop")
	}
}

// TestEmulatorLeavesNothingBehind: its Java holds the port as long as it lives.
func TestEmulatorLeavesNothingBehind(t *testing.T) {
	Start(t) // skips where it is not installed
	s, err := LaunchEmulator(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if !reachable(t, s.Addr) {
		t.Fatal("not reachable")
	}
	for range 2 {
		if err := s.Stop(); err != nil {
			t.Errorf("Stop: %v", err)
		}
	}
	if reachable(t, s.Addr) {
		t.Error("still reachable after Stop")
	}
}

func TestEmulatorStopsWhenItsStartIsCanceled(t *testing.T) {
	Start(t) // skips where it is not installed
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if s, err := LaunchEmulator(ctx); err == nil {
		t.Errorf("started %s with an ended context", s.Addr)
	}
}
