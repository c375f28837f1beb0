package eventtest

import (
	"context"
	"encoding/json"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sajin-gallery/sajin/pkg/event"
)

func testRoundTrip(t *testing.T, s *suite) {
	want := newEvent(map[string]any{"name": "바다와 하늘 🌊 <&>\u2028.jpg", "size": 12345678901})
	want.Subject = "사진/01KAJ"
	want.TraceParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	s.ensure(t, s.subscription)
	s.publish(t, want)
	got := next(t, s, s.collect(t, s.subscription), "the event").Event
	if diff := cmp.Diff(want, got, cmp.Comparer(sameJSON)); diff != "" {
		t.Errorf("event changed on its way (-want +got):\n%s", diff)
	}
}

func sameJSON(a, b json.RawMessage) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && cmp.Equal(x, y)
}

func testAtLeastOnce(t *testing.T, s *suite) {
	s.subscription.Concurrency = 4
	s.ensure(t, s.subscription)
	got := s.collect(t, s.subscription)
	s.awaitAll(t, got, s.publishMany(t, 100))
}

func testPublishedBefore(t *testing.T, s *suite) {
	s.ensure(t, s.subscription, s.subscription) // making it twice is one
	ids := s.publishMany(t, 10)
	s.awaitAll(t, s.collect(t, s.subscription), ids)
}

// testReceiveMakes receives before anybody has made the subscription. From its
// first event on nothing is missed, also while nobody receives.
func testReceiveMakes(t *testing.T, s *suite) {
	got := make(chan event.Delivery, 4096)
	stop := s.receive(t, s.subscription, func(_ context.Context, d event.Delivery) error {
		got <- d
		return nil
	})
	for made, timeout := false, time.After(s.Patience); !made; {
		s.publish(t, newEvent("early")) // what comes before the subscription is nobody's
		select {
		case <-got:
			made = true
		case <-timeout:
			t.Fatalf("no event within %s", s.Patience)
		case <-time.After(10 * time.Millisecond):
		}
	}
	stop()
	e := newEvent("while nobody receives")
	s.publish(t, e)
	s.awaitEvent(t, s.collect(t, s.subscription), e.ID)
}

func testPublishedTwice(t *testing.T, s *suite) {
	s.ensure(t, s.subscription)
	first, last := newEvent(1), newEvent(2)
	s.publish(t, first, first, last)
	s.awaitAll(t, s.collect(t, s.subscription), map[string]bool{first.ID: true, last.ID: true})
}

func testUnknownAttributes(t *testing.T, s *suite) {
	s.ensure(t, s.subscription)
	s.Inject(s.ctx, t, s.topic, []byte(`{"specversion":"1.0","id":"x","source":"/future","type":"from.the.future.v9",`+
		`"time":"2026-11-22T08:30:00Z","colour":"blue","ID":"not the id","nested":{"a":[1]},"data":{"new":true}}`))
	got := next(t, s, s.collect(t, s.subscription), "the event").Event
	want := event.Event{
		ID: "x", Source: "/future", Type: "from.the.future.v9",
		Time: time.Date(2026, 11, 22, 8, 30, 0, 0, time.UTC), Data: json.RawMessage(`{"new":true}`),
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(sameJSON)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func testTwoSubscriptions(t *testing.T, s *suite) {
	other := s.subscription
	other.Name += "-other"
	s.ensure(t, s.subscription, other)
	ids := s.publishMany(t, 20)
	s.awaitAll(t, s.collect(t, s.subscription), ids)
	s.awaitAll(t, s.collect(t, other), ids)
}

// testShare lets two receivers meet, each within a handler: they can only if
// each is given an event that the other did not take. Events are published
// until they do, since an engine may hand one receiver several at a time.
func testShare(t *testing.T, s *suite) {
	s.ensure(t, s.subscription)
	meeting, met, over := make(chan struct{}), make(chan struct{}, 1), make(chan struct{})
	defer close(over)
	host := func(ctx context.Context, _ event.Delivery) error {
		select {
		case meeting <- struct{}{}:
			return nil
		case <-over:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	guest := func(ctx context.Context, _ event.Delivery) error {
		select {
		case <-meeting:
			select {
			case met <- struct{}{}:
			default:
			}
			return nil
		case <-over:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.receive(t, s.subscription, host)
	s.receive(t, s.subscription, guest)
	for timeout := time.After(s.Patience); ; {
		s.publish(t, newEvent("shared"))
		select {
		case <-met:
			return
		case <-timeout:
			t.Fatalf("two receivers did not have an event each within %s", s.Patience)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func testConcurrency(t *testing.T, s *suite) {
	const limit = 3
	s.subscription.Concurrency = limit
	s.ensure(t, s.subscription)
	var running, most atomic.Int32
	full, release := make(chan struct{}, 1), make(chan struct{})
	got := make(chan event.Delivery, 100)
	s.receive(t, s.subscription, func(ctx context.Context, d event.Delivery) error {
		now := running.Add(1)
		defer running.Add(-1)
		for seen := most.Load(); now > seen && !most.CompareAndSwap(seen, now); seen = most.Load() {
		}
		if now == limit {
			select {
			case full <- struct{}{}:
			default:
			}
		}
		select {
		case <-release:
		case <-ctx.Done():
		}
		got <- d
		return ctx.Err()
	})
	ids := s.publishMany(t, 4*limit)
	next(t, s, full, "all handlers to run at once")
	close(release)
	s.awaitAll(t, got, ids)
	if most.Load() != limit {
		t.Errorf("%d handlers ran at once, want %d", most.Load(), limit)
	}
}
