package eventtest

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

var errHandler = errors.New("the handler failed on purpose")

// attempts records every delivery of a handler that fails as long as fail says.
func (s *suite) attempts(t *testing.T, fail func(event.Delivery) error) <-chan event.Delivery {
	t.Helper()
	out := make(chan event.Delivery, 100)
	s.receive(t, s.subscription, func(_ context.Context, d event.Delivery) error {
		select {
		case out <- d:
		default: // the test has seen enough
		}
		return fail(d)
	})
	return out
}

func testRetry(t *testing.T, s *suite) {
	s.ensure(t, s.subscription)
	e := newEvent("again")
	s.publish(t, e)
	got := s.attempts(t, func(d event.Delivery) error {
		if d.Attempt < 3 {
			return errHandler
		}
		return nil
	})
	last := 0
	for last < 3 {
		d := s.awaitEvent(t, got, e.ID)
		if d.Attempt <= last {
			t.Fatalf("attempt %d came after attempt %d", d.Attempt, last)
		}
		last = d.Attempt
	}
}

func testBackoff(t *testing.T, s *suite) {
	s.subscription.MinBackoff, s.subscription.MaxBackoff = 200*time.Millisecond, time.Second
	s.ensure(t, s.subscription)
	s.publish(t, newEvent("later"))
	times := make(chan time.Time, 100)
	s.receive(t, s.subscription, func(_ context.Context, d event.Delivery) error {
		times <- time.Now()
		if d.Attempt < 3 {
			return errHandler
		}
		return nil
	})
	first, second, third := next(t, s, times, "attempt 1"), next(t, s, times, "attempt 2"), next(t, s, times, "attempt 3")
	if !s.ExactBackoff {
		return
	}
	if wait := second.Sub(first); wait < 200*time.Millisecond {
		t.Errorf("attempt 2 came after %s, want 200ms or more", wait)
	}
	if wait := third.Sub(second); wait < 400*time.Millisecond {
		t.Errorf("attempt 3 came after %s, want 400ms or more", wait)
	}
}

// testBackoffHoldsUpNobody fails one event for good and wants the others at
// once, with a single handler.
func testBackoffHoldsUpNobody(t *testing.T, s *suite) {
	s.subscription.MinBackoff, s.subscription.MaxBackoff = 5*time.Minute, 5*time.Minute
	s.ensure(t, s.subscription)
	bad := newEvent("bad")
	s.publish(t, bad)
	got := s.attempts(t, func(d event.Delivery) error {
		if d.Event.ID == bad.ID {
			return errHandler
		}
		return nil
	})
	s.awaitEvent(t, got, bad.ID)
	good := newEvent("good")
	s.publish(t, good)
	s.awaitEvent(t, got, good.ID)
}

func testCrash(t *testing.T, s *suite) {
	s.subscription.AckDeadline = 10 * time.Second
	s.ensure(t, s.subscription)
	e := newEvent("survivor")
	s.publish(t, e)
	s.Abandon(s.ctx, t, s.subscription)
	s.awaitEvent(t, s.collect(t, s.subscription), e.ID)
}

func testPanic(t *testing.T, s *suite) {
	s.ensure(t, s.subscription)
	e := newEvent("panic")
	s.publish(t, e)
	var panicked atomic.Bool
	got := s.attempts(t, func(event.Delivery) error {
		if panicked.CompareAndSwap(false, true) {
			panic("on purpose")
		}
		return nil
	})
	if first, second := s.awaitEvent(t, got, e.ID), s.awaitEvent(t, got, e.ID); second.Attempt <= first.Attempt {
		t.Errorf("attempts %d, then %d; want it to grow", first.Attempt, second.Attempt)
	}
}

func testDeadline(t *testing.T, s *suite) {
	s.subscription.AckDeadline = 50 * time.Millisecond
	s.ensure(t, s.subscription)
	s.publish(t, newEvent("slow"))
	cut, again := make(chan error, 100), make(chan struct{}, 100)
	s.receive(t, s.subscription, func(ctx context.Context, d event.Delivery) error {
		if d.Attempt > 1 {
			again <- struct{}{}
			return nil
		}
		<-ctx.Done()
		cut <- ctx.Err()
		return ctx.Err()
	})
	if err := next(t, s, cut, "the handler's context to end"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the handler's context ended with %v, want DeadlineExceeded", err)
	}
	next(t, s, again, "the second attempt")
}

func testDeadAfterMax(t *testing.T, s *suite) {
	s.subscription.MaxAttempts = 3
	s.ensure(t, s.subscription)
	dead := s.deadLetters(t, s.subscription)
	e := newEvent(map[string]string{"name": "죽은 편지"})
	e.Subject, e.TraceParent = "subject", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	s.publish(t, e)
	var calls atomic.Int32
	s.receive(t, s.subscription, func(context.Context, event.Delivery) error {
		calls.Add(1)
		return errHandler
	})
	letter := s.awaitDead(t, dead)
	if diff := cmp.Diff(e, letter.Event, cmp.Comparer(sameJSON)); diff != "" {
		t.Errorf("the dead letter's event (-want +got):\n%s", diff)
	}
	if letter.Subscription != s.subscription.Name || letter.Attempts != 3 || !strings.Contains(letter.Reason, errHandler.Error()) {
		t.Errorf("dead letter of %q after %d attempts because %q", letter.Subscription, letter.Attempts, letter.Reason)
	}
	if calls.Load() < 3 {
		t.Errorf("given up after %d calls of the handler, want 3", calls.Load())
	}
}

func testDeadAtOnce(t *testing.T, s *suite) {
	// Were it tried again, the dead letter would come too late for this test.
	s.subscription.MinBackoff, s.subscription.MaxBackoff = 5*time.Minute, 5*time.Minute
	s.ensure(t, s.subscription)
	dead := s.deadLetters(t, s.subscription)
	reasons := map[string]error{
		newEvent(nil).ID: event.Permanent(errHandler),
		newEvent(nil).ID: fault.New(fault.Invalid, "wrong", "It is wrong."),
		newEvent(nil).ID: fault.New(fault.Unsupported, "unknown", "It is unknown."),
	}
	for id := range reasons {
		e := newEvent(nil)
		e.ID = id
		s.publish(t, e)
	}
	s.receive(t, s.subscription, func(_ context.Context, d event.Delivery) error { return reasons[d.Event.ID] })
	seen := map[string]bool{}
	for len(seen) < len(reasons) {
		letter := s.awaitDead(t, dead)
		if reasons[letter.Event.ID] == nil || letter.Attempts != 1 {
			t.Fatalf("dead letter of %q after %d attempts", letter.Event.ID, letter.Attempts)
		}
		seen[letter.Event.ID] = true
	}
}

func testMalformed(t *testing.T, s *suite) {
	s.ensure(t, s.subscription)
	dead := s.deadLetters(t, s.subscription)
	const body = `{"specversion":"1.0","id":`
	s.Inject(s.ctx, t, s.topic, []byte(body))
	good := newEvent("good")
	s.publish(t, good)
	got := s.collect(t, s.subscription)
	if letter := s.awaitDead(t, dead); string(letter.Raw) != body || letter.Event.ID != "" || letter.Reason == "" {
		t.Errorf("dead letter = %+v, want the raw body and a reason", letter)
	}
	s.awaitEvent(t, got, good.ID)
}
