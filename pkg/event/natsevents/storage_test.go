package natsevents

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/event/eventtest"
	"github.com/sajin-gallery/sajin/pkg/event/natsevents/natsserver"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

const topic = event.Topic("topic")

var subscription = event.Subscription{Name: "sub", Topic: topic}

func numbered(i int) event.Event {
	return event.Event{ID: fmt.Sprint(i), Source: "/test", Type: "test.v1", Data: json.RawMessage(fmt.Sprintf(`{"n":%d}`, i))}
}

func publish(t *testing.T, b *Bus, to event.Topic, events ...event.Event) {
	t.Helper()
	for _, e := range events {
		if err := b.Publish(t.Context(), to, e); err != nil {
			t.Fatalf("Publish: %v", err)
		}
	}
}

// receive handles n events with h and stops.
func receive(t *testing.T, b *Bus, s event.Subscription, n int, h event.Handler) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var count atomic.Int32
	err := b.Receive(ctx, s, func(ctx context.Context, d event.Delivery) error {
		defer func() {
			if count.Add(1) == int32(n) {
				cancel()
			}
		}()
		return h(ctx, d)
	})
	if err != nil || int(count.Load()) < n {
		t.Fatalf("received %d of %d: %v", count.Load(), n, err)
	}
}

func ack(context.Context, event.Delivery) error { return nil }

func stored(t *testing.T, b *Bus, in event.Topic) uint64 {
	t.Helper()
	stream, err := b.js.Stream(t.Context(), string(in))
	if err != nil {
		t.Fatal(err)
	}
	return stream.CachedInfo().State.Msgs
}

func TestConformanceExternal(t *testing.T) {
	// Every stream reserves what it may hold. By default the server has three
	// quarters of what is free on the disk at this moment to give away.
	srv, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true,
		JetStream: true, JetStreamMaxStore: 1 << 50, StoreDir: t.TempDir(),
	})
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	if !srv.ReadyForConnections(time.Minute) {
		t.Fatal("the server did not start")
	}
	eventtest.RunConformance(t, func(t *testing.T) eventtest.Harness {
		b, err := Open(t.Context(), Options{URL: srv.ClientURL(), Lease: lease})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = b.Close() })
		return harness(b)
	})
}

func TestEventsSurviveAClose(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir)
	if err := b.Ensure(t.Context(), subscription); err != nil {
		t.Fatal(err)
	}
	publish(t, b, topic, numbered(1), numbered(2))
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	receive(t, open(t, dir), subscription, 2, func(_ context.Context, d event.Delivery) error {
		seen[d.Event.ID] = true
		return nil
	})
	if !seen["1"] || !seen["2"] {
		t.Errorf("seen %v, want 1 and 2", seen)
	}
}

// TestOnlyTheBacklogIsStored: an event goes when its last subscription has
// acknowledged it.
func TestOnlyTheBacklogIsStored(t *testing.T) {
	b := open(t, t.TempDir())
	other := event.Subscription{Name: "other", Topic: topic}
	for _, s := range []event.Subscription{subscription, other} {
		if err := b.Ensure(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	publish(t, b, topic, numbered(1), numbered(2), numbered(2), numbered(3))
	if got := stored(t, b, topic); got != 3 {
		t.Errorf("%d events stored, want 3: one was published twice", got)
	}
	receive(t, b, subscription, 3, ack)
	if got := stored(t, b, topic); got != 3 {
		t.Errorf("%d events stored while a subscription has not seen them, want 3", got)
	}
	receive(t, b, other, 3, ack)
	if got := stored(t, b, topic); got != 0 {
		t.Errorf("%d events stored when all are acknowledged, want 0", got)
	}
}

func TestDeadLettersAreKeptWithoutASubscription(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir)
	if err := b.Ensure(t.Context(), subscription); err != nil {
		t.Fatal(err)
	}
	publish(t, b, topic, numbered(1))
	receive(t, b, subscription, 1, func(context.Context, event.Delivery) error { return event.Permanent(errors.New("no")) })
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = open(t, dir)
	reader := event.Subscription{Name: "reader", Topic: event.DeadTopic(subscription.Name)}
	receive(t, b, reader, 1, func(_ context.Context, d event.Delivery) error {
		if d.Event.Type != event.DeadLetterType || !strings.Contains(string(d.Event.Data), `"reason":"no`) {
			t.Errorf("got %s: %s", d.Event.Type, d.Event.Data)
		}
		return nil
	})
	if got := stored(t, b, reader.Topic); got != 1 {
		t.Errorf("%d dead letters stored after one was read, want 1", got)
	}
}

// TestAFullTopicRefuses rather than drop what it promised to deliver. It also
// shows that a stream which an operator made is taken as it is.
func TestAFullTopicRefuses(t *testing.T) {
	b := open(t, t.TempDir())
	config := streamConfig(topic)
	config.MaxBytes = 4096
	if _, err := b.js.CreateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	if err := b.Ensure(t.Context(), subscription); err != nil {
		t.Fatal(err)
	}
	accepted := 0
	var err error
	for ; accepted < 1000; accepted++ {
		if err = b.Publish(t.Context(), topic, numbered(accepted)); err != nil {
			break
		}
	}
	if fault.KindOf(err) != fault.OutOfSpace || accepted == 0 {
		t.Fatalf("after %d events: %v, want OutOfSpace", accepted, err)
	}
	seen := map[string]bool{}
	receive(t, b, subscription, accepted, func(_ context.Context, d event.Delivery) error {
		seen[d.Event.ID] = true
		return nil
	})
	if len(seen) != accepted {
		t.Errorf("%d of %d accepted events were delivered", len(seen), accepted)
	}
	publish(t, b, topic, numbered(accepted)) // there is room again
}

func TestADirectoryHasOneUser(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir)
	if _, err := openIn(t.Context(), dir, 0); fault.KindOf(err) != fault.Locked {
		t.Errorf("a second Open: %v, want Locked", err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
}

func TestOpenRefuses(t *testing.T) {
	inside, err := natsserver.Start(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		opts Options
		kind fault.Kind
	}{
		"nothing":        {Options{}, fault.Invalid},
		"both":           {Options{Server: inside, URL: "nats://127.0.0.1:1"}, fault.Invalid},
		"nobody listens": {Options{URL: "nats://127.0.0.1:1"}, fault.Unavailable},
	} {
		if b, err := Open(t.Context(), test.opts); err == nil || fault.KindOf(err) != test.kind {
			t.Errorf("%s: %v, %v, want %s", name, b, err, test.kind)
		}
	}
	if _, err := inside.InProcessConn(); err == nil {
		t.Error("a server that was refused goes on")
	}
}

func TestAServerNeedsADirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := natsserver.Start(file); fault.KindOf(err) != fault.Internal {
		t.Errorf("on a file: %v, want Internal", err)
	}
}

func TestCheckSaysWhetherEventsCanBeStored(t *testing.T) {
	b := open(t, t.TempDir())
	if err := b.Check(t.Context()); err != nil {
		t.Errorf("open: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if err := b.Check(t.Context()); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("closed: %v, want Unavailable", err)
	}
}

func TestAStreamThatWasRemovedIsMadeAgain(t *testing.T) {
	b := open(t, t.TempDir())
	publish(t, b, topic, numbered(1))
	if err := b.js.DeleteStream(t.Context(), string(topic)); err != nil {
		t.Fatal(err)
	}
	if err := b.Publish(t.Context(), topic, numbered(2)); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("Publish without its stream: %v, want Unavailable", err)
	}
	publish(t, b, topic, numbered(2))
	if _, err := b.js.Stream(t.Context(), string(topic)); errors.Is(err, jetstream.ErrStreamNotFound) {
		t.Error("the stream was not made again")
	}
}

// A stream that an operator has made may take less than MaxBytes; so may a server.
func TestAStreamOfSmallMessagesRefusesLargeOnes(t *testing.T) {
	b := open(t, t.TempDir())
	small := streamConfig(topic)
	small.MaxMsgSize = 400 // headers included
	if _, err := b.js.CreateStream(t.Context(), small); err != nil {
		t.Fatal(err)
	}
	if err := b.Ensure(t.Context(), subscription); err != nil {
		t.Fatal(err)
	}
	large := numbered(1)
	large.Data = json.RawMessage(`"` + strings.Repeat("x", 400) + `"`)
	if err := b.Publish(t.Context(), topic, large); fault.KindOf(err) != fault.TooLarge || !event.Refused(err) {
		t.Errorf("Publish = %v, want TooLarge", err)
	}
	publish(t, b, topic, numbered(2))
	if n := stored(t, b, topic); n != 1 {
		t.Errorf("%d events are stored, want the small one", n)
	}
}
