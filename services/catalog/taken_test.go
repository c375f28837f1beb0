package catalog

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/pkg/telemetry"
	"github.com/sajin-gallery/sajin/pkg/telemetry/telemetrytest"
	"github.com/sajin-gallery/sajin/services/catalog/internal/catalogtest"
)

// Whoever asks how much a count has grown is told nothing of its first value: what
// an alert waits for begins at none.
func TestWhatAnAlertWaitsForBeginsAtNone(t *testing.T) {
	recorder := telemetrytest.Record(t)
	deployed(t, fakePubSub(t))
	for _, m := range recorder.Measurements(t) {
		if m.Name == "sajin.events.altered" && m.Attributes["messaging.destination.subscription.name"] == Subscription {
			if m.Count != 0 {
				t.Errorf("%d altered events before the first", m.Count)
			}
			return
		}
	}
	t.Error("a catalog that has started does not say how many events were altered")
}

// S02: bodies that are swapped under known ids are acknowledged, counted, and a
// line in the log that an alert can stand on. None of them has an effect.
func TestS02_AlteredEventsRaiseTheAlarm(t *testing.T) {
	s, _ := deployed(t, fakePubSub(t))
	var log bytes.Buffer
	s.deps.Log = slog.New(telemetry.NewLog(&log, telemetry.LogOptions{JSON: true}))
	one, two := identity.NewImageID(time.Now()), identity.NewImageID(time.Now())
	token := bearer(t, pushAccount, ownAddress)
	deliver := func(data []byte) {
		t.Helper()
		if resp := push(s, token, bytes.NewReader(envelope(t, "1", data))); resp.StatusCode != http.StatusNoContent {
			t.Errorf("answered with %d", resp.StatusCode)
		}
	}
	first, second := uploaded(t, one, "a.jpg"), uploaded(t, two, "b.jpg")
	second = bytes.ReplaceAll(second, []byte(strings.Repeat("ab", 32)), []byte(strings.Repeat("cd", 32)))
	deliver(first)
	deliver(second)
	before := listed(t, s)
	recorder := telemetrytest.Record(t)
	deliver(first) // as it was
	deliver(bytes.Replace(first, []byte(`"`+one+`.uploaded"`), []byte(`"`+two+`.uploaded"`), 1))
	deliver(bytes.Replace(second, []byte(`"`+two+`.uploaded"`), []byte(`"`+one+`.uploaded"`), 1))
	if after := listed(t, s); len(before) != 2 || len(after) != 2 || after[0].Name != before[0].Name || after[1].Name != before[1].Name {
		t.Errorf("listed are %+v", after)
	}
	counted := int64(0)
	for _, m := range recorder.Measurements(t) {
		if m.Name == "sajin.events.altered" && m.Attributes["messaging.destination.subscription.name"] == Subscription {
			counted += m.Count
		}
	}
	if counted != 2 {
		t.Errorf("%d altered events were counted, want 2", counted)
	}
	lines := strings.Split(strings.TrimSpace(log.String()), "\n")
	for i, id := range []string{two, one} {
		var line struct{ Severity, Code, Event, Subject string }
		if err := json.Unmarshal([]byte(lines[i]), &line); err != nil || line.Severity != "ERROR" || line.Code != "event_altered" || line.Event != id+".uploaded" {
			t.Errorf("the log says %s (%v)", lines[i], err)
		}
	}
	if len(lines) != 2 {
		t.Errorf("the log says %q", lines)
	}
}

// takeIn hands events to a service, each until it is acknowledged, and says how
// often one was not.
func takeIn(t *testing.T, s *Service, events []event.Event) (failed int) {
	t.Helper()
	for _, e := range events {
		for n := 1; ; n++ {
			err := s.handler()(context.WithoutCancel(t.Context()), event.Delivery{Event: e, Attempt: n})
			if err == nil {
				break
			}
			if failed++; n == 3 || event.JudgeError(err, n, 66) != event.Retry {
				t.Fatalf("%s is answered with %v", e.ID, err)
			}
		}
	}
	return failed
}

// Whatever call of the database fails while an event is handled, and whether or
// not it was carried out: the event comes again and has its effect, once. Then it
// is known, and what says something else under its id has none.
func TestS02_TakenInWithEachFailure(t *testing.T) {
	var events, altered []event.Event
	for _, m := range written(3, 2) { // the third is a duplicate
		said := func() event.Event {
			e, err := contract.New(m.ID+".uploaded", contract.SourceUpload, contract.TypeImageUploaded, m.ID, firstWritten, contract.ImageUploaded{Manifest: m})
			if err != nil {
				t.Fatal(err)
			}
			return e
		}
		events = append(events, said())
		m.Name = "altered.jpg"
		altered = append(altered, said())
	}
	ctx := identity.WithOwner(t.Context(), "anna")
	for _, carriedOut := range []bool{false, true} {
		for call := 1; ; call++ {
			s := start(t, sqliteURL(t), catalogtest.NewBus(), time.Now)
			feed, err := s.core.Changes(ctx, catalogapi.ChangesRequest{})
			if err != nil {
				t.Fatal(err)
			}
			made := failCall(t, s.deps.DB, call, carriedOut)
			failed := takeIn(t, s, events)
			hit := made()
			takeIn(t, s, events)
			takeIn(t, s, altered)
			changes, err := s.core.Changes(ctx, catalogapi.ChangesRequest{Cursor: feed.Cursor})
			images := learnedList(t, s)
			if err != nil || len(changes.Changes) != 2 || len(images) != 2 || images[0].Name != "a.jpg" || images[1].Name != "a.jpg" || failed > 1 {
				t.Errorf("call %d, carried out %t: %d failures, changes %+v, %v; listed are %+v", call, carriedOut, failed, changes.Changes, err, images)
			}
			if !hit {
				if call < 10 {
					t.Fatalf("handling makes only %d calls", call-1)
				}
				break
			}
		}
	}
}

// A catalog that lost images is repaired, by the event that comes again or by
// what a rebuild says, although it knows that event.
func TestS02_AKnownEventRepairs(t *testing.T) {
	for name, address := range engines {
		t.Run(name, func(t *testing.T) {
			s := start(t, address(t), catalogtest.NewBus(), time.Now)
			m := written(1, 1)[0]
			e, err := contract.New(m.ID+".uploaded", contract.SourceUpload, contract.TypeImageUploaded, m.ID, firstWritten, contract.ImageUploaded{Manifest: m})
			if err != nil {
				t.Fatal(err)
			}
			takeIn(t, s, []event.Event{e})
			for by, repair := range map[string]func(){
				"the event":  func() { takeIn(t, s, []event.Event{e}) },
				"a manifest": func() { err = s.Learn(t.Context(), m) },
			} {
				if err := s.deps.DB.Exec("DELETE FROM catalog_images").Error; err != nil {
					t.Fatal(err)
				}
				if n := len(learnedList(t, s)); n != 0 {
					t.Fatalf("%d images are left", n)
				}
				if repair(); err != nil || len(learnedList(t, s)) != 1 {
					t.Errorf("by %s: listed are %+v, %v", by, learnedList(t, s), err)
				}
			}
			m.Name = "rebuilt.jpg" // the manifest was made again, and its event is lost
			if err := s.Learn(t.Context(), m); err != nil || learnedList(t, s)[0].Name != "rebuilt.jpg" {
				t.Errorf("a manifest that says more: %+v, %v", learnedList(t, s), err)
			}
		})
	}
}
