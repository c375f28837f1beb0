package event_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

// published records what is published, or refuses it.
type published struct {
	topics []event.Topic
	events []event.Event
	err    error
}

func (p *published) Publish(ctx context.Context, topic event.Topic, e event.Event) error {
	if err := errors.Join(p.err, ctx.Err()); err != nil {
		return err
	}
	p.topics, p.events = append(p.topics, topic), append(p.events, e)
	return nil
}

func (p *published) letter(t *testing.T) event.DeadLetter {
	t.Helper()
	if len(p.events) != 1 || p.topics[0] != "sub-dead" || p.events[0].Type != event.DeadLetterType {
		t.Fatalf("published %v to %v, want one dead letter", p.events, p.topics)
	}
	var letter event.DeadLetter
	if err := json.Unmarshal(p.events[0].Data, &letter); err != nil {
		t.Fatal(err)
	}
	return letter
}

var (
	subscription = event.Subscription{Name: "sub", Topic: "topic", MinBackoff: time.Second, MaxBackoff: 10 * time.Second}.WithDefaults()
	minimal      = event.Event{ID: "1", Source: "/s", Type: "t", Subject: "s"}
)

func raw(t *testing.T, attempt int) event.Raw {
	t.Helper()
	body, err := event.Encode(minimal)
	if err != nil {
		t.Fatal(err)
	}
	return event.Raw{Body: body, Attempt: attempt}
}

func fails(err error) event.Handler {
	return func(context.Context, event.Delivery) error { return err }
}

func TestProcessJudges(t *testing.T) {
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		err     error
		attempt int
		again   bool
		after   time.Duration
		dead    bool
	}{
		"handled":                 {err: nil, attempt: 1},
		"first failure":           {err: broken, attempt: 1, again: true, after: time.Second},
		"second failure":          {err: broken, attempt: 2, again: true, after: 2 * time.Second},
		"back-off is bounded":     {err: fault.As(fault.Unavailable, "", broken), attempt: 4, again: true, after: 8 * time.Second},
		"the error says when":     {err: fault.New(fault.RateLimited, "x", "").RetryAfter(7 * time.Second), attempt: 1, again: true, after: 7 * time.Second},
		"it may not say too late": {err: fault.New(fault.RateLimited, "x", "").RetryAfter(time.Hour), attempt: 1, again: true, after: 10 * time.Second},
		"last attempt":            {err: broken, attempt: 5, dead: true},
		"permanent":               {err: fmt.Errorf("wrapped: %w", event.Permanent(broken)), attempt: 1, dead: true},
		"invalid":                 {err: fault.New(fault.Invalid, "x", ""), attempt: 1, dead: true},
		"unsupported":             {err: fault.New(fault.Unsupported, "x", ""), attempt: 1, dead: true},
		"too large":               {err: fault.New(fault.TooLarge, "x", ""), attempt: 1, dead: true},
		"not found is tried":      {err: fault.New(fault.NotFound, "x", ""), attempt: 1, again: true, after: time.Second},
		"canceled on the last":    {err: context.Canceled, attempt: 5, again: true, after: time.Second},
		"canceled for ever":       {err: context.Canceled, attempt: 11, dead: true},
	} {
		t.Run(name, func(t *testing.T) {
			var bus published
			got := event.Process(t.Context(), subscription, &bus, fails(test.err), raw(t, test.attempt))
			if got.Again != test.again || got.After != test.after {
				t.Errorf("answer = %+v, want again=%v after %s", got, test.again, test.after)
			}
			if test.again && !errors.Is(got.Err, test.err) {
				t.Errorf("answer's error = %v, want %v", got.Err, test.err)
			}
			if !test.dead {
				if len(bus.events) > 0 {
					t.Fatalf("published %v", bus.events)
				}
				return
			}
			letter := bus.letter(t)
			if diff := cmp.Diff(minimal, letter.Event); diff != "" {
				t.Errorf("dead letter's event (-want +got):\n%s", diff)
			}
			if letter.Subscription != "sub" || letter.Attempts != test.attempt || letter.Reason == "" {
				t.Errorf("dead letter = %+v", letter)
			}
		})
	}
}

func TestProcessHandsOverTheDelivery(t *testing.T) {
	var got event.Delivery
	event.Process(t.Context(), subscription, &published{}, func(_ context.Context, d event.Delivery) error {
		got = d
		return nil
	}, raw(t, 3))
	if diff := cmp.Diff(event.Delivery{Event: minimal, Attempt: 3}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestProcessGivesUpOnWhatKillsTheProcess: an event that was delivered so often
// without an answer is not handled once more.
func TestProcessGivesUpOnWhatKillsTheProcess(t *testing.T) {
	for attempt, handled := range map[int]bool{9: true, 10: true, 11: false} {
		var bus published
		called := false
		event.Process(t.Context(), subscription, &bus, func(context.Context, event.Delivery) error {
			called = true
			return nil
		}, raw(t, attempt))
		if called != handled || (len(bus.events) == 0) != handled {
			t.Errorf("attempt %d: handled=%v, want %v; published %v", attempt, called, handled, bus.events)
		}
	}
}

func TestProcessSurvivesAPanic(t *testing.T) {
	var bus published
	boom := func(context.Context, event.Delivery) error { panic("boom") }
	if got := event.Process(t.Context(), subscription, &bus, boom, raw(t, 1)); !got.Again || fault.KindOf(got.Err) != fault.Internal {
		t.Errorf("answer to a panic = %+v, want another attempt", got)
	}
	event.Process(t.Context(), subscription, &bus, boom, raw(t, 5))
	if letter := bus.letter(t); !strings.Contains(letter.Reason, "boom") {
		t.Errorf("reason = %q, want the panic's", letter.Reason)
	}
}

func TestProcessSetsAsideWhatIsNoEvent(t *testing.T) {
	for _, size := range []int{10, event.MaxBytes, event.MaxBytes + 1, 5 * event.MaxBytes} {
		var bus published
		body := []byte(strings.Repeat("\xff", size))
		got := event.Process(t.Context(), subscription, &bus, fails(nil), event.Raw{Body: body, Attempt: 1})
		if got.Again {
			t.Errorf("%d bytes of nonsense are delivered again", size)
		}
		letter := bus.letter(t)
		if want := min(size, event.MaxBytes); len(letter.Raw) != want {
			t.Errorf("%d of %d bytes kept, want %d", len(letter.Raw), size, want)
		}
		if _, err := event.Encode(bus.events[0]); err != nil {
			t.Errorf("the dead letter cannot be sent: %v", err)
		}
	}
}

func TestTheLargestEventHasADeadLetter(t *testing.T) {
	var bus published
	e := minimal
	empty, err := event.Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	e.Data = json.RawMessage(`"` + strings.Repeat("<", event.MaxBytes-len(empty)-len(`,"datacontenttype":"application/json","data":""`)) + `"`)
	body, err := event.Encode(e)
	if err != nil || len(body) != event.MaxBytes {
		t.Fatalf("%d bytes: %v", len(body), err)
	}
	reason := event.Permanent(errors.New(strings.Repeat("\x01", 5000)))
	event.Process(t.Context(), subscription, &bus, fails(reason), event.Raw{Body: body, Attempt: 1})
	bus.letter(t)
	if _, err := event.Encode(bus.events[0]); err != nil {
		t.Errorf("the dead letter cannot be sent: %v", err)
	}
}

func TestADeadLetterThatIsNotStoredIsGivenBack(t *testing.T) {
	bus := published{err: errors.New("full")}
	got := event.Process(t.Context(), subscription, &bus, fails(event.Permanent(errors.New("no"))), raw(t, 1))
	if !got.Again || got.After != subscription.MaxBackoff {
		t.Errorf("answer = %+v, want another attempt after the longest back-off", got)
	}
}

func TestADeadLetterOfOneEventHasOneID(t *testing.T) {
	var bus published
	for range 2 {
		event.Process(t.Context(), subscription, &bus, fails(event.Permanent(errors.New("no"))), raw(t, 1))
	}
	other := event.Raw{Body: []byte(`{"specversion":"1.0","id":"1","source":"/other","type":"t"}`), Attempt: 1}
	event.Process(t.Context(), subscription, &bus, fails(event.Permanent(errors.New("no"))), other)
	if a, b, c := bus.events[0].ID, bus.events[1].ID, bus.events[2].ID; a != b || a == c {
		t.Errorf("ids %s, %s and (of another source) %s", a, b, c)
	}
}

func TestAStopGivesBackWhateverFails(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var bus published
	got := event.Process(ctx, subscription, &bus, func(context.Context, event.Delivery) error {
		cancel()
		return fault.New(fault.Invalid, "x", "The half of a file is not a file.")
	}, raw(t, 5))
	if !got.Again || got.After != 0 || len(bus.events) > 0 {
		t.Errorf("answer = %+v and %d dead letters, want it given back at once", got, len(bus.events))
	}
}

func TestTheHandlerIsCutAtTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		got := event.Process(t.Context(), subscription, &published{}, func(ctx context.Context, _ event.Delivery) error {
			<-ctx.Done()
			return ctx.Err()
		}, raw(t, 1))
		if !got.Again || time.Since(start) != time.Minute {
			t.Errorf("answer %+v after %s, want another attempt after 1m0s", got, time.Since(start))
		}
	})
}

func TestDrainingOutlivesAStopByTheDrainTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stopped, stop := context.WithCancel(t.Context())
		handling, done := event.Draining(stopped)
		defer done()
		time.Sleep(time.Hour)
		stop()
		time.Sleep(event.DrainTimeout - time.Nanosecond)
		synctest.Wait()
		if err := handling.Err(); err != nil {
			t.Fatalf("cut before the drain time was over: %v", err)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if handling.Err() == nil {
			t.Error("not cut when the drain time was over")
		}
	})
}

func TestDrainingEndsWithItsLastHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which fails if anything is left behind
		stopped, stop := context.WithCancel(t.Context())
		_, done := event.Draining(stopped)
		stop()
		synctest.Wait()
		done()
	})
}
