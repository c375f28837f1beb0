package natsevents

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/event/eventtest"
	"github.com/sajin-gallery/sajin/pkg/event/natsevents/natsserver"
)

func TestMain(m *testing.M) {
	if crashing() {
		crash()
	}
	goleak.VerifyTestMain(m)
}

// openIn opens a bus on a server of its own.
func openIn(ctx context.Context, dir string, lease time.Duration) (*Bus, error) {
	server, err := natsserver.Start(dir)
	if err != nil {
		return nil, err
	}
	return Open(ctx, Options{Server: server, Lease: lease})
}

// lease is long enough that a busy machine does not deliver an event again, and
// short enough to wait for where that is what a test is about.
const lease = 3 * time.Second

// open opens a bus on dir that is closed when the test ends.
func open(tb testing.TB, dir string) *Bus {
	tb.Helper()
	b, err := openIn(tb.Context(), dir, lease)
	if err != nil {
		tb.Fatalf("Open: %v", err)
	}
	tb.Cleanup(func() {
		if err := b.Close(); err != nil {
			tb.Errorf("Close: %v", err)
		}
	})
	return b
}

func TestConformance(t *testing.T) {
	eventtest.RunConformance(t, func(t *testing.T) eventtest.Harness { return harness(open(t, t.TempDir())) })
}

func harness(b *Bus) eventtest.Harness {
	return eventtest.Harness{
		Bus: b, Close: b.Close, ExactBackoff: true,
		Abandon: func(ctx context.Context, t testing.TB, s event.Subscription) {
			consumer, err := b.js.Consumer(ctx, string(s.Topic), s.Name)
			if err != nil {
				t.Fatalf("consumer: %v", err)
			}
			if _, err := consumer.Next(jetstream.FetchMaxWait(10 * time.Second)); err != nil {
				t.Fatalf("take an event: %v", err)
			}
		},
		Inject: func(ctx context.Context, t testing.TB, topic event.Topic, body []byte) {
			if _, err := b.js.Publish(ctx, SubjectPrefix+string(topic), body); err != nil {
				t.Fatalf("inject: %v", err)
			}
		},
	}
}
