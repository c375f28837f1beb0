// Package eventtest is the conformance suite of the event bus: what every
// adapter of event.Bus must do, whatever its engine.
//
// It knows an adapter only through the port and the few doors of Harness.
// Duplicates are allowed everywhere, since delivery is at least once; no check
// waits for something not to happen.
package eventtest

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/event"
)

// Harness is one bus to be tested, and what its engine can do.
type Harness struct {
	Bus event.Bus

	// Abandon takes one event of an existing subscription and never answers,
	// as a receiver does that is killed while its handler runs.
	Abandon func(ctx context.Context, t testing.TB, s event.Subscription)

	// Inject publishes a body as it is, past the port's own checks.
	Inject func(ctx context.Context, t testing.TB, topic event.Topic, body []byte)

	// Close closes the bus; the suite calls it in one test only.
	Close func() error

	// ExactBackoff says that the engine never delivers before the back-off is
	// over. Without it the suite checks only that the event comes again.
	ExactBackoff bool

	// Patience is how long to wait for a delivery before the test fails; it
	// must exceed the time that an abandoned event takes to come back. 30 s
	// when 0.
	Patience time.Duration
}

// RunConformance runs the suite. open makes a new harness, cleaned up through
// its own t; the suite's topics and subscriptions have names of their own, so
// that harnesses may share an engine.
func RunConformance(t *testing.T, open func(t *testing.T) Harness) {
	t.Helper()
	for _, test := range []struct {
		name string
		run  func(*testing.T, *suite)
	}{
		{"EveryFieldRoundTrips", testRoundTrip},
		{"EveryEventIsDelivered", testAtLeastOnce},
		{"PublishedBeforeAnybodyReceives", testPublishedBefore},
		{"ReceiveMakesTheSubscription", testReceiveMakes},
		{"PublishedTwiceIsHarmless", testPublishedTwice},
		{"UnknownAttributesAreTolerated", testUnknownAttributes},
		{"TwoSubscriptionsEachGetEverything", testTwoSubscriptions},
		{"TwoReceiversShareOneSubscription", testShare},
		{"HandlersAtOnceAreBounded", testConcurrency},
		{"RetryWithGrowingAttempt", testRetry},
		{"BackoffIsRespected", testBackoff},
		{"WaitingForBackoffHoldsUpNobody", testBackoffHoldsUpNobody},
		{"RedeliveryAfterACrash", testCrash},
		{"PanicIsAFailedAttempt", testPanic},
		{"HandlerIsCutAtTheDeadline", testDeadline},
		{"DeadLetterAfterMaxAttempts", testDeadAfterMax},
		{"DeadLetterAtOnce", testDeadAtOnce},
		{"MalformedIsADeadLetter", testMalformed},
		{"DrainOnStop", testDrain},
		{"ReceiveAfterStopReturns", testReceiveStopped},
		{"SizeLimit", testSize},
		{"ARefusedEventHoldsUpNobody", testRefused},
		{"WrongNamesAreRefused", testNames},
		{"LongestNames", testLongestNames},
		{"PublishCanceled", testPublishCanceled},
		{"PublishAfterClose", testClosed},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, newSuite(t, open(t))) })
	}
}

// suite is one test's harness and names.
type suite struct {
	Harness
	ctx          context.Context
	topic        event.Topic
	subscription event.Subscription
}

func newSuite(t *testing.T, h Harness) *suite {
	t.Helper()
	if h.Patience == 0 {
		h.Patience = 30 * time.Second
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*h.Patience)
	t.Cleanup(cancel)
	topic := event.Topic("t-" + unique())
	return &suite{
		Harness: h, ctx: ctx, topic: topic,
		// The shortest back-off that an engine can be asked for.
		subscription: event.Subscription{Name: "s-" + unique(), Topic: topic, MinBackoff: time.Millisecond, MaxBackoff: time.Second},
	}
}

func unique() string { return strings.ToLower(rand.Text()) }

// newEvent makes an event of its own id.
func newEvent(data any) event.Event {
	body, err := json.Marshal(data)
	if err != nil {
		panic(err)
	}
	return event.Event{
		ID: unique(), Source: "/eventtest", Type: "eventtest.happened.v1",
		Time: time.Date(2026, 11, 22, 8, 30, 0, 123456789, time.UTC), Data: body,
	}
}

func (s *suite) ensure(t *testing.T, subscriptions ...event.Subscription) {
	t.Helper()
	for _, sub := range subscriptions {
		if err := s.Bus.Ensure(s.ctx, sub); err != nil {
			t.Fatalf("Ensure(%s): %v", sub.Name, err)
		}
	}
}

func (s *suite) publish(t *testing.T, events ...event.Event) {
	t.Helper()
	for _, e := range events {
		if err := s.Bus.Publish(s.ctx, s.topic, e); err != nil {
			t.Fatalf("Publish: %v", err)
		}
	}
}

// publishMany publishes n events from several goroutines and returns their ids.
func (s *suite) publishMany(t *testing.T, n int) map[string]bool {
	t.Helper()
	ids := make(map[string]bool, n)
	var publishing sync.WaitGroup
	for i := range n {
		e := newEvent(i)
		ids[e.ID] = true
		publishing.Go(func() {
			if err := s.Bus.Publish(s.ctx, s.topic, e); err != nil {
				t.Errorf("Publish: %v", err)
			}
		})
	}
	publishing.Wait()
	return ids
}

// receive starts a receiver that is stopped when the test ends, at the latest,
// and must then return nil.
func (s *suite) receive(t *testing.T, sub event.Subscription, h event.Handler) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(s.ctx)
	returned := make(chan error, 1)
	go func() { returned <- s.Bus.Receive(ctx, sub, h) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-returned; err != nil {
			t.Errorf("Receive(%s) returned %v, want nil after a stop", sub.Name, err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// collect receives into a channel; the handler acknowledges everything.
func (s *suite) collect(t *testing.T, sub event.Subscription) <-chan event.Delivery {
	t.Helper()
	out := make(chan event.Delivery, 4096)
	s.receive(t, sub, func(ctx context.Context, d event.Delivery) error {
		select {
		case out <- d:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	return out
}

// next waits for what a channel brings.
func next[T any](t *testing.T, s *suite, from <-chan T, what string) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(s.Patience):
		t.Fatalf("waited %s in vain for %s", s.Patience, what)
		panic("unreachable")
	}
}

// awaitAll waits until every id has been seen.
func (s *suite) awaitAll(t *testing.T, from <-chan event.Delivery, ids map[string]bool) {
	t.Helper()
	missing := make(map[string]bool, len(ids))
	for id := range ids {
		missing[id] = true
	}
	for len(missing) > 0 {
		d := next(t, s, from, fmt.Sprintf("%d of %d events", len(missing), len(ids)))
		if !ids[d.Event.ID] {
			t.Fatalf("got event %q, which nobody published", d.Event.ID)
		}
		delete(missing, d.Event.ID)
	}
}

// awaitEvent waits for the event of that id, past duplicates of others.
func (s *suite) awaitEvent(t *testing.T, from <-chan event.Delivery, id string) event.Delivery {
	t.Helper()
	for {
		if d := next(t, s, from, "event "+id); d.Event.ID == id {
			return d
		}
	}
}

// deadLetters subscribes to the dead letters of sub.
func (s *suite) deadLetters(t *testing.T, sub event.Subscription) <-chan event.Delivery {
	t.Helper()
	dead := event.Subscription{Name: "d-" + unique(), Topic: event.DeadTopic(sub.Name)}
	s.ensure(t, dead)
	return s.collect(t, dead)
}

// awaitDead waits for a dead letter and reads it.
func (s *suite) awaitDead(t *testing.T, from <-chan event.Delivery) event.DeadLetter {
	t.Helper()
	d := next(t, s, from, "the dead letter")
	if d.Event.Type != event.DeadLetterType {
		t.Fatalf("type of the dead letter = %q, want %q", d.Event.Type, event.DeadLetterType)
	}
	var letter event.DeadLetter
	if err := json.Unmarshal(d.Event.Data, &letter); err != nil {
		t.Fatalf("dead letter: %v", err)
	}
	return letter
}
