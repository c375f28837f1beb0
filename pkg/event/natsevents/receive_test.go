package natsevents

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

// TestALongHandlerKeepsItsEvent for two and a half leases.
func TestALongHandlerKeepsItsEvent(t *testing.T) {
	b, err := openIn(t.Context(), t.TempDir(), 2*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	s := subscription
	s.Concurrency, s.AckDeadline = 2, 5*time.Second
	if err := b.Ensure(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	publish(t, b, topic, numbered(1))
	var deliveries atomic.Int32
	receive(t, b, s, 1, func(ctx context.Context, _ event.Delivery) error {
		deliveries.Add(1)
		<-ctx.Done() // at the deadline
		return nil
	})
	if got := deliveries.Load(); got != 1 {
		t.Errorf("delivered %d times, want once", got)
	}
}

// TestReceiveRestoresItsSubscription when an operator deleted it, or its stream.
func TestReceiveRestoresItsSubscription(t *testing.T) {
	for name, remove := range map[string]func(context.Context, *Bus) error{
		"subscription": func(ctx context.Context, b *Bus) error {
			return b.js.DeleteConsumer(ctx, string(topic), subscription.Name)
		},
		"stream": func(ctx context.Context, b *Bus) error { return b.js.DeleteStream(ctx, string(topic)) },
	} {
		t.Run(name, func(t *testing.T) {
			b := open(t, t.TempDir())
			if err := b.Ensure(t.Context(), subscription); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			handled, returned := make(chan string, 10_000), make(chan error, 1)
			go func() {
				returned <- b.Receive(ctx, subscription, func(_ context.Context, d event.Delivery) error {
					handled <- d.Event.ID
					return nil
				})
			}()
			publish(t, b, topic, numbered(0))
			<-handled // the receiver is at work
			if err := remove(ctx, b); err != nil {
				t.Fatal(err)
			}
			for i := 1; ; i++ {
				// Without subscription, or stream, this one may go nowhere.
				_ = b.Publish(ctx, topic, numbered(i))
				select {
				case <-handled:
					cancel()
					if err := <-returned; err != nil {
						t.Errorf("Receive: %v", err)
					}
					return
				case <-time.After(50 * time.Millisecond):
				case <-ctx.Done():
					t.Fatal("no event was delivered any more")
				}
			}
		})
	}
}

func TestReceiveEndsWithItsBus(t *testing.T) {
	b := open(t, t.TempDir())
	if err := b.Ensure(t.Context(), subscription); err != nil {
		t.Fatal(err)
	}
	publish(t, b, topic, numbered(1))
	handled, returned := make(chan struct{}), make(chan error, 1)
	once := sync.OnceFunc(func() { close(handled) }) // it may be delivered again
	go func() {
		returned <- b.Receive(t.Context(), subscription, func(context.Context, event.Delivery) error {
			once()
			return nil
		})
	}()
	<-handled
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-returned; fault.KindOf(err) != fault.Unavailable {
		t.Errorf("Receive returned %v, want Unavailable", err)
	}
}
