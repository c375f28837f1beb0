package gcppubsub

import (
	"context"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"go.uber.org/goleak"

	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/event/eventtest"
	"github.com/sajin-gallery/sajin/pkg/event/gcppubsub/pubsubtest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// OpenCensus, below the SDK, starts a worker when it is imported.
		goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start"),
		// The SDK's receiver leaves this behind until its next tick, within half a minute.
		goleak.IgnoreTopFunction("cloud.google.com/go/pubsub/v2.(*messageIterator).streamKeepAliveHandler"))
}

func open(tb testing.TB, addr string) *Bus {
	tb.Helper()
	b, err := Open(tb.Context(), Options{Project: "sajin-test", Emulator: addr, Create: true})
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

// fake starts the SDK's fake and opens a bus on it.
func fake(tb testing.TB) *Bus {
	tb.Helper()
	server, err := pubsubtest.LaunchFake(context.Background())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := server.Stop(); err != nil {
			tb.Errorf("stop: %v", err)
		}
	})
	return open(tb, server.Addr)
}

func TestConformanceFake(t *testing.T) {
	eventtest.RunConformance(t, func(t *testing.T) eventtest.Harness { return harness(fake(t)) })
}

func TestConformanceEmulator(t *testing.T) {
	addr := pubsubtest.Start(t)
	eventtest.RunConformance(t, func(t *testing.T) eventtest.Harness { return harness(open(t, addr)) })
}

func harness(b *Bus) eventtest.Harness {
	return eventtest.Harness{
		Bus: b, Close: b.Close, ExactBackoff: true, Patience: time.Minute,
		Abandon: func(ctx context.Context, t testing.TB, s event.Subscription) {
			pulled, err := b.client.SubscriptionAdminClient.Pull(ctx, &pubsubpb.PullRequest{
				Subscription: b.subscriptionName(s.Name), MaxMessages: 1,
			})
			if err != nil || len(pulled.GetReceivedMessages()) != 1 {
				t.Fatalf("take an event: %v, %v", pulled, err)
			}
		},
		Inject: func(ctx context.Context, t testing.TB, topic event.Topic, body []byte) {
			publisher := b.client.Publisher(string(topic))
			defer publisher.Stop()
			if _, err := publisher.Publish(ctx, &pubsub.Message{Data: body}).Get(ctx); err != nil {
				t.Fatalf("inject: %v", err)
			}
		},
	}
}
