package catalogtest

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/event"
)

func testUploaded(t *testing.T, w *world) {
	m := w.full("full")
	cursor := w.cursor()
	w.expect(expectedOf(m))
	w.uploaded(m)
	w.uploaded(m) // delivered twice
	want := catalogapi.Image{
		ID: m.ID, Owner: m.Owner, Name: m.Name, Key: m.Key, ContentType: m.ContentType, Size: m.Size,
		Width: m.Width, Height: m.Height, SHA256: m.SHA256, TakenAt: *m.TakenAt, TakenOffset: m.TakenOffset,
		CreatedAt: m.CreatedAt, State: catalogapi.StateReady, Placeholder: m.Placeholder, Camera: m.Camera, Place: m.Place,
		Animated: true, Renditions: m.Renditions,
		Preview: m.Preview, Motion: m.Motion, Caption: m.Caption, Keywords: m.Keywords, Rating: m.Rating, TraceParent: m.TraceParent,
	}
	if diff := cmp.Diff(want, w.get(m.ID)); diff != "" {
		t.Errorf("what is uploaded reads (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]catalogapi.Image{want}, w.list(catalogapi.ListRequest{})); diff != "" {
		t.Errorf("what is uploaded is listed (-want +got):\n%s", diff)
	}
	if got, want := w.since(cursor), []string{"added " + m.ID, "updated " + m.ID}; !reflect.DeepEqual(got, want) {
		t.Errorf("changes = %v, want %v", got, want)
	}
	w.trash(m.ID)
	m.Placeholder = "bmV3"
	w.uploaded(m) // made again
	if got := w.get(m.ID); got.TrashedAt == nil || got.Placeholder != "bmV3" {
		t.Errorf("an image in the trash that is made again is %+v", got)
	}
	w.consistent()
}

// An image that could not be processed at first, and then could, stays as it
// became, in whatever order that is heard.
func testProcessedAtLast(t *testing.T, w *world) {
	m := w.full("full")
	failed := m
	failed.Preview, failed.Renditions, failed.Width, failed.Height = contract.PreviewUnavailable, []contract.Rendition{}, 0, 0
	failed.Warnings = []string{contract.WarningProcessingFailed}
	w.uploaded(failed)
	if got := w.get(m.ID); got.State != catalogapi.StateReady || len(got.Renditions) > 0 {
		t.Errorf("an image without a preview is %+v", got)
	}
	w.uploaded(m)
	want := w.get(m.ID)
	if len(want.Renditions) == 0 {
		t.Errorf("processed at last, it is %+v", want)
	}
	w.uploaded(failed) // which comes late
	if diff := cmp.Diff(want, w.get(m.ID)); diff != "" {
		t.Errorf("an old event changed it (-want +got):\n%s", diff)
	}
	w.consistent()
}

// The film of a live picture comes after it, and stays, in whatever order that is
// heard.
func testLivePicture(t *testing.T, w *world) {
	still := w.full("live")
	still.Motion = nil
	live := still
	live.Motion = &contract.Motion{Key: strings.TrimSuffix(still.Key, ".jpg") + ".mov", Length: 7, ContentType: "video/quicktime"}
	for range 2 {
		w.uploaded(still)
		w.uploaded(live)
		w.uploaded(still) // which comes late
		if diff := cmp.Diff(live.Motion, w.get(still.ID).Motion); diff != "" {
			t.Errorf("the moving part (-want +got):\n%s", diff)
		}
	}
	w.consistent()
}

// full has everything a manifest can have.
func (w *world) full(content string) contract.Manifest {
	m := w.manifest(content, 0)
	taken, offset := time.Date(2026, 10, 31, 20, 30, 15, 123_000_000, time.UTC), 540
	m.TakenAt, m.TakenOffset = &taken, &offset
	m.Name = "사진 '1' \\ 100%_\U0001F4F7.jpg"
	m.Placeholder = "3OcRJYB4d3h/iIeHeEh3eIhw+j2w"
	m.Camera = contract.Camera{Make: "FUJIFILM", Model: "X-T5", Lens: "XF23mm", ExposureTime: "1/250", FNumber: 5.6, ISO: 125, FocalLength: 23.1}
	m.Place = &contract.Place{Latitude: -37.5512, Longitude: 126.98820001}
	m.Animated = true
	m.Preview = contract.PreviewUnavailable
	m.Motion = &contract.Motion{Key: m.Key, Offset: 1, Length: m.Size - 1, ContentType: "video/mp4"}
	m.Caption, m.Keywords, m.Rating = "첫눈 & <b>\nfirst snow", []string{"겨울", "snow"}, 5
	m.TraceParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	return m
}

func testOddManifests(t *testing.T, w *world) {
	modified, zero, offset, far := base.Add(-time.Hour), time.Time{}, 540, 2000
	end := time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	tests := map[string]struct {
		change func(*contract.Manifest)
		check  func(catalogapi.Image) bool
	}{
		"no capture time": {
			func(m *contract.Manifest) { m.TakenAt, m.ModifiedAt = nil, &modified },
			func(i catalogapi.Image) bool { return i.TakenAt.Equal(modified) },
		},
		"no time at all": {
			func(m *contract.Manifest) { m.TakenAt = nil },
			func(i catalogapi.Image) bool { return i.TakenAt.Equal(i.CreatedAt) },
		},
		"the year 1": {
			func(m *contract.Manifest) { m.TakenAt = &zero },
			func(i catalogapi.Image) bool { return i.TakenAt.Equal(zero) },
		},
		"nearly the year 10000": {
			func(m *contract.Manifest) { m.TakenAt, m.TakenOffset = &end, &offset },
			func(i catalogapi.Image) bool { return i.TakenAt.Equal(end) },
		},
		"an offset of days": {
			func(m *contract.Manifest) { m.TakenOffset = &far },
			func(i catalogapi.Image) bool { return i.TakenOffset == nil },
		},
		"a long name": {
			func(m *contract.Manifest) { m.Name = strings.Repeat("사", 100) },
			func(i catalogapi.Image) bool { return i.Name == strings.Repeat("사", 85) },
		},
		"no renditions": {
			func(m *contract.Manifest) { m.Renditions = nil },
			func(i catalogapi.Image) bool { return i.Renditions != nil && len(i.Renditions) == 0 },
		},
		"a camera of novels": {
			func(m *contract.Manifest) { m.Camera.Model = strings.Repeat("x", 9000) },
			func(i catalogapi.Image) bool { return len(i.Camera.Model) == 255 },
		},
		"no place in a trace": {
			func(m *contract.Manifest) { m.TraceParent = "00-" + strings.Repeat("x", 9000) },
			func(i catalogapi.Image) bool { return i.TraceParent == "" },
		},
	}
	for name, tt := range tests {
		m := w.manifest(name, 0)
		tt.change(&m)
		w.uploaded(m)
		if got := w.get(m.ID); !tt.check(got) {
			t.Errorf("%s: stored as %+v", name, got)
		}
		cursor := w.cursor()
		w.uploaded(m)
		if again := w.since(cursor); len(again) > 0 {
			t.Errorf("%s: a repetition changed it: %v", name, again)
		}
	}
}

// testRefusedEvents: what cannot be right is set aside at once, and touches
// nothing.
func testRefusedEvents(t *testing.T, w *world) {
	mine := w.add("mine", 0)
	other := w.as(w.owner + "-other")
	for name, spoil := range map[string]func(*contract.Manifest){
		"id":            func(m *contract.Manifest) { m.ID = "../../etc" },
		"owner":         func(m *contract.Manifest) { m.Owner = "A B" },
		"foreign image": func(m *contract.Manifest) { m.ID, m.Key = mine.ID, mine.Key; m.Renditions = nil },
		"foreign key":   func(m *contract.Manifest) { m.Key = mine.Key },
		"other folder":  func(m *contract.Manifest) { m.Key = "manifests/" + m.ID + ".json" },
		"dots":          func(m *contract.Manifest) { m.Key = "originals/../originals/" + m.ID + ".jpg" },
		"rendition key": func(m *contract.Manifest) { m.Renditions[0].Key = "renditions/" + mine.ID + "/w320.jpg" },
		"many":          func(m *contract.Manifest) { m.Renditions = make([]contract.Rendition, 17) },
		"sha256":        func(m *contract.Manifest) { m.SHA256 = "x" },
		"size":          func(m *contract.Manifest) { m.Size = -1 },
		"created":       func(m *contract.Manifest) { m.CreatedAt = time.Time{} },
	} {
		m := other.manifest(name, 0)
		spoil(&m)
		if err := other.tryUploaded(m); event.JudgeError(err, 1, 5) != event.Dead {
			t.Errorf("an event with a wrong %s: %v, want a dead letter", name, err)
		}
	}
	for name, e := range map[string]event.Event{
		"no JSON": {Type: contract.TypeImageUploaded, Data: []byte("{")},
		"no id":   {Type: contract.TypeImageRejected, Data: []byte(`{"owner":"a","code":"x"}`)},
	} {
		if err := w.Handle(w.ctx, event.Delivery{Event: e}); event.JudgeError(err, 1, 5) != event.Dead {
			t.Errorf("an event with %s: %v, want a dead letter", name, err)
		}
	}
	if err := w.Handle(w.ctx, event.Delivery{Event: event.Event{Type: "image.dreamt.v9", Data: []byte("?")}}); err != nil {
		t.Errorf("an event of a type that is not known: %v, want it acknowledged", err)
	}
	if diff := cmp.Diff(mine, w.get(mine.ID)); diff != "" {
		t.Errorf("somebody else's events changed the image:\n%s", diff)
	}
	if n := len(other.list(catalogapi.ListRequest{})); n != 0 {
		t.Errorf("refused events made %d images", n)
	}
}

func testRejected(t *testing.T, w *world) {
	m := w.manifest("bad", 0)
	w.expect(expectedOf(m))
	w.rejected(m, "image_corrupt")
	w.rejected(m, "image_corrupt")
	got := w.get(m.ID)
	if got.State != catalogapi.StateFailed || got.FailCode != "image_corrupt" || got.FailDetail != "It is image_corrupt." {
		t.Errorf("a rejected image is %+v", got)
	}
	retry := w.manifest("bad", 0)
	if got := w.expect(expectedOf(retry)); got[0].DuplicateOf != "" {
		t.Errorf("the file of a failed image may not be added again: %+v", got)
	}
	w.uploaded(retry)
	w.rejected(retry, "late") // out of order
	if got := w.get(retry.ID); got.State != catalogapi.StateReady || got.FailCode != "" {
		t.Errorf("an old rejection made a ready image %+v", got)
	}
	unknown := w.manifest("unknown", 0)
	w.rejected(unknown, "image_corrupt")
	_, err := w.Catalog.Get(w.ctx, unknown.ID)
	w.notFound(err)
	w.expect(expectedOf(unknown)) // the announcement was slower
	if got := w.get(unknown.ID); got.State != catalogapi.StateFailed || got.FailCode != "image_corrupt" {
		t.Errorf("an image that was rejected before it was announced is %+v", got)
	}
	w.uploaded(unknown) // and it worked after all
	if got := w.get(unknown.ID); got.State != catalogapi.StateReady || got.FailCode != "" || got.FailDetail != "" {
		t.Errorf("an image that worked after all is %+v", got)
	}
	never := w.manifest("never announced", 0)
	w.rejected(never, "timeout")
	w.uploaded(never)
	if got := w.get(never.ID); got.State != catalogapi.StateReady {
		t.Errorf("an image that worked after all, and was never announced, is %+v", got)
	}
	w.consistent()
}

func testUploadedDuplicates(t *testing.T, w *world) {
	original := w.add("same", 0)
	again := w.manifest("same", 5)
	cursor := w.cursor()
	w.uploaded(again)
	w.uploaded(again)
	if got := w.get(again.ID); got.ID != original.ID {
		t.Errorf("the duplicate's id leads to %s, want the original", got.ID)
	}
	if got := w.since(cursor); len(got) != 0 {
		t.Errorf("a duplicate that nobody saw changed the timeline: %v", got)
	}
	if err := w.Bus.AwaitPurge(w.ctx, again.ID, again.Key, 1); err != nil {
		t.Errorf("the duplicate's files are not purged: %v", err)
	}
	if err := w.Bus.AwaitPurge(w.ctx, again.ID, again.Key, 2); err != nil { // as often as it is said
		t.Errorf("the duplicate's files are not purged again: %v", err)
	}
	if got := w.Bus.Stays(again.ID); got != original.ID {
		t.Errorf("what came with the duplicate goes to %q, want the original", got)
	}
	if got := w.expect(expectedOf(again)); got[0].DuplicateOf != original.ID {
		t.Errorf("Expect of a merged duplicate = %+v", got)
	}
	w.trash(again.ID) // by its other name
	if got := w.get(original.ID); got.TrashedAt == nil {
		t.Error("the duplicate's id did not trash the image")
	}
	third := w.manifest("same", 9)
	w.uploaded(third)
	if got := w.get(third.ID); got.ID != original.ID || got.TrashedAt == nil {
		t.Errorf("a duplicate of an image in the trash leads to %+v", got)
	}
	w.turnsIntoDuplicate()
	w.consistent()
	if n := w.Bus.Purges(original.ID); n != 0 {
		t.Errorf("the original's files were purged %d times", n)
	}
}

// turnsIntoDuplicate: the event says other bytes than the announcement did.
func (w *world) turnsIntoDuplicate() {
	original := w.add("real bytes", 0)
	announced := w.manifest("other bytes", 0)
	w.expect(expectedOf(announced))
	merged := w.manifest("other bytes", 0)
	w.uploaded(merged) // an alias of the announced one
	cursor := w.cursor()
	announced.SHA256 = original.SHA256
	w.uploaded(announced)
	for _, id := range []string{announced.ID, merged.ID} {
		if got := w.get(id); got.ID != original.ID {
			w.Errorf("%s leads to %s, want %s", id, got.ID, original.ID)
		}
	}
	if got := w.since(cursor); !reflect.DeepEqual(got, []string{"removed " + announced.ID}) {
		w.Errorf("changes = %v", got)
	}
}
