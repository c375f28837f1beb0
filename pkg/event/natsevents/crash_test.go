package natsevents

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/event"
)

const (
	crashDir   = "NATSEVENTS_TEST_CRASH_DIR"
	crashTopic = event.Topic("crash")
)

var crashSubscription = event.Subscription{Name: "survivors", Topic: crashTopic, Concurrency: 4}

func crashing() bool { return os.Getenv(crashDir) != "" }

// crash is the child process: it publishes, says so after each Publish that
// returned, and waits to be killed.
func crash() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	b, err := openIn(ctx, os.Getenv(crashDir), 0)
	if err != nil {
		panic(err)
	}
	if err := b.Ensure(ctx, crashSubscription); err != nil {
		panic(err)
	}
	for i := 0; ctx.Err() == nil; i++ {
		e := event.Event{ID: fmt.Sprintf("%d-%d", os.Getpid(), i), Source: "/crash", Type: "crash.v1"}
		if err := b.Publish(ctx, crashTopic, e); err != nil {
			panic(err)
		}
		fmt.Println(e.ID)
	}
	os.Exit(1)
}

// runUntilKilled starts the child, kills it as soon as it has said n ids, and
// returns all that it said.
func runUntilKilled(t *testing.T, dir string, n int) []string {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	child.Env = append(os.Environ(), crashDir+"="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if ids = append(ids, lines.Text()); len(ids) == n {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := child.Wait(); err == nil || len(ids) < n {
		t.Fatalf("the child ended with %v after %d of %d events", err, len(ids), n)
	}
	return ids
}

func TestEveryAcknowledgedEventSurvivesAKill(t *testing.T) {
	dir := t.TempDir()
	want := map[string]bool{}
	for _, n := range []int{1, 2, 17, 60} {
		for _, id := range runUntilKilled(t, dir, n) {
			want[id] = true
		}
	}
	b := open(t, dir)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	got := make(chan string, 1024)
	received := make(chan error, 1)
	go func() {
		received <- b.Receive(ctx, crashSubscription, func(_ context.Context, d event.Delivery) error {
			got <- d.Event.ID
			return nil
		})
	}()
	for total := len(want); len(want) > 0; {
		select {
		case id := <-got:
			delete(want, id)
		case <-ctx.Done():
			t.Fatalf("%d of %d acknowledged events are lost", len(want), total)
		}
	}
	cancel()
	if err := <-received; err != nil {
		t.Errorf("Receive: %v", err)
	}
}
