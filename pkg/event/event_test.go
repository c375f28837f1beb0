package event_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

func TestBackoffDoublesUpToItsMost(t *testing.T) {
	s := event.Subscription{MinBackoff: time.Second, MaxBackoff: 5 * time.Second}
	for attempt, want := range map[int]time.Duration{1: 1, 2: 2, 3: 4, 4: 5, 5: 5, 1000: 5} {
		if got := s.Backoff(attempt); got != want*time.Second {
			t.Errorf("after attempt %d: %s, want %ds", attempt, got, want)
		}
	}
}

func TestDefaultsPassTheCheck(t *testing.T) {
	for _, s := range []event.Subscription{
		{Name: "s", Topic: "t"}, {Name: "s", Topic: "t", MinBackoff: 5 * time.Minute},
	} {
		if err := s.WithDefaults().Check(); err != nil {
			t.Errorf("%+v: %v", s.WithDefaults(), err)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	name := strings.Repeat("x", event.MaxNameBytes-len("-dead"))
	ok := event.Subscription{Name: name, Topic: event.Topic(strings.Repeat("x", event.MaxNameBytes)), Concurrency: event.MaxConcurrency, AckDeadline: event.MaxAckDeadline}.WithDefaults()
	if err := ok.Check(); err != nil {
		t.Fatalf("at every limit: %v", err)
	}
	if err := event.DeadTopic(name).Check(); err != nil {
		t.Errorf("dead topic of the longest name: %v", err)
	}
	for what, change := range map[string]func(*event.Subscription){
		"long topic":        func(s *event.Subscription) { s.Topic += "x" },
		"long name":         func(s *event.Subscription) { s.Name += "x" },
		"no name":           func(s *event.Subscription) { s.Name = "" },
		"attempts":          func(s *event.Subscription) { s.MaxAttempts = -1 },
		"concurrency":       func(s *event.Subscription) { s.Concurrency++ },
		"minus concurrency": func(s *event.Subscription) { s.Concurrency = -1 },
		"deadline":          func(s *event.Subscription) { s.AckDeadline++ },
		"minus deadline":    func(s *event.Subscription) { s.AckDeadline = -1 },
		"minus back-off":    func(s *event.Subscription) { s.MinBackoff = -1 },
		"back-off crossed":  func(s *event.Subscription) { s.MinBackoff, s.MaxBackoff = 2, 1 },
		"long back-off":     func(s *event.Subscription) { s.MaxBackoff = event.MaxAckDeadline + 1 },
	} {
		s := ok
		change(&s)
		if err := s.Check(); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v, want Invalid", what, err)
		}
	}
}

func TestJudgeErrorKnowsEveryKind(t *testing.T) {
	dead := map[fault.Kind]bool{fault.Invalid: true, fault.Unsupported: true, fault.TooLarge: true}
	for _, kind := range fault.Kinds() {
		want := event.Retry
		if dead[kind] {
			want = event.Dead
		}
		if got := event.JudgeError(fault.New(kind, "x", ""), 1, 5); got != want {
			t.Errorf("%s: verdict %d, want %d", kind, got, want)
		}
	}
}
