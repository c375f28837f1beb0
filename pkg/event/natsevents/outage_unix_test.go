//go:build unix

package natsevents

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/event"
)

// TestF37_WithoutFilesForAMoment: the server's store cannot open a file, and
// refuses to write ever after, by design. When there are files again the bus
// works again, with everything that it promised, and nobody has to restart it.
func TestF37_WithoutFilesForAMoment(t *testing.T) {
	b := open(t, t.TempDir())
	got := make(chan string, 64)
	received := make(chan error, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	go func() {
		received <- b.Receive(ctx, subscription, func(_ context.Context, d event.Delivery) error {
			got <- d.Event.ID
			return nil
		})
	}()
	defer func() {
		cancel()
		if err := <-received; err != nil {
			t.Errorf("Receive: %v", err)
		}
	}()
	waiting := event.Subscription{Name: "waiting", Topic: "backlog"}
	if err := b.Ensure(ctx, waiting); err != nil {
		t.Fatal(err)
	}
	publish(t, b, waiting.Topic, numbered(1), numbered(2))
	if err := b.Ensure(ctx, subscription); err != nil {
		t.Fatal(err)
	}
	publish(t, b, topic, numbered(0))
	await(ctx, t, got, "0")

	withoutFiles(t, func() {
		for i := 1; i <= 20; i++ { // the store wants a new file for each: the last was read and removed
			brief, end := context.WithTimeout(ctx, 100*time.Millisecond)
			if err := b.Publish(brief, topic, numbered(i)); err == nil {
				await(ctx, t, got, fmt.Sprint(i))
			}
			end()
		}
	})

	publish(t, b, topic, numbered(100))
	await(ctx, t, got, "100")
	backlog := map[string]bool{}
	receive(t, b, waiting, 2, func(_ context.Context, d event.Delivery) error {
		backlog[d.Event.ID] = true
		return nil
	})
	if !backlog["1"] || !backlog["2"] {
		t.Errorf("of the backlog came %v", backlog)
	}
}

// await waits for an event; others may come before it.
func await(ctx context.Context, t *testing.T, got <-chan string, want string) {
	t.Helper()
	for {
		select {
		case id := <-got:
			if id == want {
				return
			}
		case <-ctx.Done():
			t.Fatalf("event %s did not arrive", want)
		}
	}
}

// withoutFiles runs f while this process can open no file.
func withoutFiles(t *testing.T, f func()) {
	t.Helper()
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	none := before
	none.Cur = 0
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
			t.Fatal(err)
		}
	}()
	f()
}
