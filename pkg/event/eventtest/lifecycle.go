package eventtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

// testDrain stops a receiver while its only handler runs: the handler comes to
// its end undisturbed, and what it never saw goes to the next receiver.
func testDrain(t *testing.T, s *suite) {
	s.ensure(t, s.subscription)
	ids := s.publishMany(t, 5)
	running, release, handled := make(chan event.Delivery, 5), make(chan struct{}), make(chan error, 5)
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	returned := make(chan error, 1)
	go func() {
		returned <- s.Bus.Receive(ctx, s.subscription, func(ctx context.Context, d event.Delivery) error {
			running <- d
			<-release
			handled <- ctx.Err()
			return ctx.Err()
		})
	}()
	first := next(t, s, running, "the handler to run")
	cancel()
	select {
	case err := <-returned:
		t.Fatalf("Receive returned %v while its handler was running", err)
	default:
	}
	close(release)
	if err := next(t, s, handled, "the handler to end"); err != nil {
		t.Errorf("the running handler's context was cut by the stop: %v", err)
	}
	if err := next(t, s, returned, "Receive to return"); err != nil {
		t.Errorf("Receive returned %v, want nil", err)
	}
	delete(ids, first.Event.ID)
	close(running)
	for d := range running {
		delete(ids, d.Event.ID) // taken in the moment of the stop
	}
	got := s.collect(t, s.subscription)
	for len(ids) > 0 {
		delete(ids, next(t, s, got, "what the stopped receiver gave back").Event.ID)
	}
}

func testReceiveStopped(t *testing.T, s *suite) {
	s.ensure(t, s.subscription)
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	err := s.Bus.Receive(ctx, s.subscription, func(context.Context, event.Delivery) error { return nil })
	if err != nil {
		t.Errorf("Receive with an ended context returned %v, want nil", err)
	}
}

func testSize(t *testing.T, s *suite) {
	s.ensure(t, s.subscription)
	got := s.collect(t, s.subscription)
	for _, size := range []int{event.MaxBytes - 1, event.MaxBytes} {
		e := sized(t, size)
		s.publish(t, e)
		if d := s.awaitEvent(t, got, e.ID); !bytes.Equal(d.Event.Data, e.Data) {
			t.Errorf("an event of %d bytes changed on its way", size)
		}
	}
	if err := s.Bus.Publish(s.ctx, s.topic, sized(t, event.MaxBytes+1)); !errors.Is(err, event.ErrTooLarge) {
		t.Errorf("Publish of %d bytes: %v, want ErrTooLarge", event.MaxBytes+1, err)
	}
}

// testRefused: what is wrong with an event is told from what is wrong with the
// bus, and says nothing about the event after it.
func testRefused(t *testing.T, s *suite) {
	s.ensure(t, s.subscription)
	got := s.collect(t, s.subscription)
	nameless := newEvent(nil)
	nameless.ID = ""
	for name, e := range map[string]event.Event{"no id": nameless, "too large": sized(t, event.MaxBytes+1)} {
		if err := s.Bus.Publish(s.ctx, s.topic, e); !event.Refused(err) {
			t.Errorf("Publish (%s): %v, want it to be refused", name, err)
		}
		good := newEvent(nil)
		s.publish(t, good)
		s.awaitEvent(t, got, good.ID)
	}
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	if err := s.Bus.Publish(ctx, s.topic, newEvent(nil)); err == nil || event.Refused(err) {
		t.Errorf("Publish with an ended context: %v, which blames the event", err)
	}
}

// sized makes an event that is encoded in exactly so many bytes.
func sized(t *testing.T, size int) event.Event {
	t.Helper()
	e := newEvent("")
	empty, err := event.Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	e.Data, err = json.Marshal(string(bytes.Repeat([]byte("x"), size-len(empty))))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func testNames(t *testing.T, s *suite) {
	for _, topic := range []event.Topic{"", "A", "1a", "a.b", "a b", "a>", "a*", "../a", "a\x00"} {
		if err := s.Bus.Publish(s.ctx, topic, newEvent(nil)); fault.KindOf(err) != fault.Invalid {
			t.Errorf("Publish to %q: %v, want Invalid", topic, err)
		}
		sub := s.subscription
		sub.Topic = topic
		if err := s.Bus.Ensure(s.ctx, sub); fault.KindOf(err) != fault.Invalid {
			t.Errorf("Ensure on topic %q: %v, want Invalid", topic, err)
		}
		sub = s.subscription
		sub.Name = string(topic)
		if err := s.Bus.Receive(s.ctx, sub, nil); fault.KindOf(err) != fault.Invalid {
			t.Errorf("Receive as %q: %v, want Invalid", topic, err)
		}
	}
	if err := s.Bus.Publish(s.ctx, s.topic, event.Event{Source: "/x", Type: "x"}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("Publish of an event without an id: %v, want Invalid", err)
	}
}

// testLongestNames uses the longest names that the port takes, the topic of the
// dead letters included, and refuses longer ones.
func testLongestNames(t *testing.T, s *suite) {
	long := func(size int) string {
		name := unique()
		return name + strings.Repeat("x", size-len(name))
	}
	dead := len(event.DeadTopic(""))
	longest := event.Subscription{Name: "s" + long(event.MaxNameBytes-dead-1), Topic: event.Topic("t" + long(event.MaxNameBytes-1)), MaxAttempts: 1}
	s.topic = longest.Topic
	s.ensure(t, longest)
	letters := s.deadLetters(t, longest)
	e := newEvent("far")
	s.publish(t, e)
	s.receive(t, longest, func(context.Context, event.Delivery) error { return errHandler })
	if letter := s.awaitDead(t, letters); letter.Event.ID != e.ID || letter.Subscription != longest.Name {
		t.Errorf("the dead letter %q of %q", letter.Event.ID, letter.Subscription)
	}
	for name, sub := range map[string]event.Subscription{
		"topic":        {Name: longest.Name, Topic: longest.Topic + "x"},
		"subscription": {Name: longest.Name + "x", Topic: longest.Topic},
	} {
		if err := s.Bus.Ensure(s.ctx, sub); fault.KindOf(err) != fault.Invalid {
			t.Errorf("Ensure with a longer name of its %s: %v, want Invalid", name, err)
		}
	}
	if err := s.Bus.Publish(s.ctx, longest.Topic+"x", newEvent(nil)); fault.KindOf(err) != fault.Invalid {
		t.Errorf("Publish to a longer topic: %v, want Invalid", err)
	}
}

func testPublishCanceled(t *testing.T, s *suite) {
	s.ensure(t, s.subscription)
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	if err := s.Bus.Publish(ctx, s.topic, newEvent(nil)); fault.KindOf(err) != fault.Canceled {
		t.Errorf("Publish with an ended context: %v, want Canceled", err)
	}
}

func testClosed(t *testing.T, s *suite) {
	s.ensure(t, s.subscription)
	s.publish(t, newEvent(nil))
	if err := s.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	if err := s.Bus.Publish(s.ctx, s.topic, newEvent(nil)); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("Publish after Close: %v, want Unavailable", err)
	}
	if err := s.Bus.Ensure(s.ctx, event.Subscription{Name: "s-" + unique(), Topic: event.Topic("t-" + unique())}); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("Ensure after Close: %v, want Unavailable", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
}
