package catalogtest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/event"
)

// said is the event of an upload under an id of the test's.
func (w *world) said(id string, m contract.Manifest) event.Event {
	w.Helper()
	e, err := contract.New(id, contract.SourceUpload, contract.TypeImageUploaded, m.ID, base, contract.ImageUploaded{Manifest: m})
	if err != nil {
		w.Fatal(err)
	}
	return e
}

// take hands over an event, which must be acknowledged.
func (w *world) take(e event.Event) {
	w.Helper()
	if err := w.deliver(e); err != nil {
		w.Errorf("the event %s is answered with %v", e.ID, err)
	}
}

// An event has its effect once: coming again after another, late or many times
// at once, it does not undo what that other one said.
func testTakenOnce(t *testing.T, w *world) {
	m := w.manifest("once", 0)
	first := w.said("first "+m.ID, m)
	w.take(first)
	m.Placeholder = "bmV3"
	w.take(w.said("second "+m.ID, m)) // made again
	want, cursor := w.get(m.ID), w.cursor()
	var all sync.WaitGroup
	for n := range 20 {
		again := first
		again.TraceParent = fmt.Sprintf("00-%032x-%016x-01", n+1, n+1) // of whoever repeats it
		all.Go(func() { w.take(again) })
	}
	all.Wait()
	if diff := cmp.Diff(want, w.get(m.ID)); diff != "" || want.Placeholder != "bmV3" {
		t.Errorf("an event that came again changed the image (-want +got):\n%s", diff)
	}
	if got := w.since(cursor); len(got) != 0 {
		t.Errorf("the repetitions are %v", got)
	}
	w.consistent()
}

// What comes under an id that is known and says something else, whatever it is,
// has no effect and is not delivered again.
func testAltered(t *testing.T, w *world) {
	m, bystander := w.manifest("true", 0), w.add("bystander", 1)
	id := "known " + m.ID
	w.take(w.said(id, m))
	other := w.as(w.owner + "-other")
	list, cursor := w.list(catalogapi.ListRequest{}), w.cursor()
	named, swapped, foreign := m, w.manifest("swapped", 2), other.manifest("foreign", 3)
	named.Name = "another.jpg"
	rejected, err := contract.New(id, contract.SourceUpload, contract.TypeImageRejected, bystander.ID, base,
		contract.ImageRejected{ID: bystander.ID, Owner: string(w.owner), Code: "image_corrupt"})
	if err != nil {
		t.Fatal(err)
	}
	later := w.said(id, m)
	later.Time = base.Add(time.Hour)
	for range 2 {
		for _, e := range []event.Event{w.said(id, named), w.said(id, swapped), w.said(id, foreign), rejected, later} {
			w.take(e)
		}
	}
	if diff := cmp.Diff(list, w.list(catalogapi.ListRequest{})); diff != "" {
		t.Errorf("altered events changed the list (-want +got):\n%s", diff)
	}
	if got := append(w.since(cursor), ids(other.list(catalogapi.ListRequest{}))...); len(got) != 0 {
		t.Errorf("altered events had the effect %v", got)
	}
	named.Owner, named.ID = m.Owner, m.ID
	elsewhere := w.said(id, named)
	elsewhere.Source = "/services/other" // whose ids are its own
	w.take(elsewhere)
	if got := w.get(m.ID); got.Name != "another.jpg" {
		t.Errorf("an event of another source is taken for the same: %+v", got)
	}
	w.consistent()
}

// Two owners' events under one id at once: one of them is taken in.
func testRacingIDs(t *testing.T, w *world) {
	other := w.as(w.owner + "-other")
	var all sync.WaitGroup
	mine, theirs := w.manifest("mine", 0), other.manifest("theirs", 0)
	for _, m := range []contract.Manifest{mine, theirs} {
		e := w.said("shared "+mine.ID, m)
		all.Go(func() {
			for n := range 3 { // the second may be told to come again
				if err := w.deliver(e); err == nil {
					return
				} else if event.JudgeError(err, n+1, 66) != event.Retry {
					t.Errorf("answered with %v", err)
				}
			}
			t.Error("the event is never acknowledged")
		})
	}
	all.Wait()
	if n := len(w.list(catalogapi.ListRequest{})) + len(other.list(catalogapi.ListRequest{})); n != 1 {
		t.Errorf("%d events of one id had an effect", n)
	}
}

// testForgotten: it is known for as long as Pub/Sub may keep an event, and a day,
// and then an event is judged by what it says.
func testForgotten(t *testing.T, w *world) {
	m := w.manifest("old", 0)
	id := "old " + m.ID
	w.take(w.said(id, m))
	m.Name = "later.jpg"
	w.Clock.Advance(32*24*time.Hour - time.Minute)
	for _, want := range []string{"old.jpg", "later.jpg"} {
		if err := w.Tidy(w.ctx); err != nil {
			t.Fatal(err)
		}
		w.take(w.said(id, m))
		if got := w.get(m.ID); got.Name != want {
			t.Errorf("the name is %s, want %s", got.Name, want)
		}
		w.Clock.Advance(2 * time.Minute)
	}
}
