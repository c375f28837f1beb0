package catalogtest

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

func testExpect(t *testing.T, w *world) {
	m := w.manifest("a", 0)
	cursor := w.cursor()
	if got := w.expect(expectedOf(m)); !reflect.DeepEqual(got, []catalogapi.ExpectResult{{ID: m.ID}}) {
		t.Errorf("Expect = %+v, want the id alone", got)
	}
	want := catalogapi.Image{
		ID: m.ID, Owner: m.Owner, Name: m.Name, Key: m.Key, ContentType: m.ContentType, Size: m.Size,
		Width: m.Width, Height: m.Height, SHA256: m.SHA256, TakenAt: m.CreatedAt, CreatedAt: m.CreatedAt,
		State: catalogapi.StateProcessing, Renditions: []contract.Rendition{},
	}
	if diff := cmp.Diff(want, w.get(m.ID)); diff != "" {
		t.Errorf("what is expected reads (-want +got):\n%s", diff)
	}
	w.expect(expectedOf(m)) // again
	if got := w.since(cursor); !reflect.DeepEqual(got, []string{"added " + m.ID}) {
		t.Errorf("changes = %v", got)
	}
	w.uploaded(m)
	w.expect(expectedOf(m)) // late
	if got := w.get(m.ID); got.State != catalogapi.StateReady {
		t.Errorf("a late Expect made the image %s", got.State)
	}
	w.consistent()
}

func testExpectDuplicates(t *testing.T, w *world) {
	first, again := w.manifest("same", 0), w.manifest("same", 0)
	inTrash := w.add("trashed", 0)
	w.trash(inTrash.ID)
	once := w.manifest("trashed", 0)
	got := w.expect(expectedOf(first), expectedOf(again), expectedOf(once), expectedOf(first))
	want := []catalogapi.ExpectResult{
		{ID: first.ID},
		{ID: again.ID, DuplicateOf: first.ID},
		{ID: once.ID, DuplicateOf: inTrash.ID, Trashed: true},
		{ID: first.ID},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Expect (-want +got):\n%s", diff)
	}
	_, err := w.Catalog.Get(w.ctx, again.ID)
	w.notFound(err)
	if n := len(w.list(catalogapi.ListRequest{})); n != 1 {
		t.Errorf("the timeline has %d images, want 1", n)
	}
	w.consistent()
}

// testExpectUnread: a file whose bytes nobody has read yet is there under its id,
// is nobody's duplicate, and nobody is one of it; its event says what it is.
func testExpectUnread(t *testing.T, w *world) {
	unread := func(m contract.Manifest) catalogapi.Expected {
		e := expectedOf(m)
		e.SHA256, e.ContentType, e.Width, e.Height = "", "application/octet-stream", 0, 0
		return e
	}
	fresh, other, copied := w.manifest("fresh", 0), w.manifest("other", 0), w.manifest("there", 0)
	there := w.add("there", 0)
	want := []catalogapi.ExpectResult{{ID: fresh.ID}, {ID: other.ID}, {ID: copied.ID}}
	if diff := cmp.Diff(want, w.expect(unread(fresh), unread(other), unread(copied))); diff != "" {
		t.Errorf("Expect of files that were not read (-want +got):\n%s", diff)
	}
	if got := w.get(fresh.ID); got.State != catalogapi.StateProcessing || got.SHA256 != "" || got.Name != fresh.Name {
		t.Errorf("a file that was not read reads %+v", got)
	}
	for _, m := range []contract.Manifest{fresh, other, copied} {
		w.uploaded(m)
	}
	for _, m := range []contract.Manifest{fresh, other} {
		if got := w.get(m.ID); got.State != catalogapi.StateReady || got.SHA256 != m.SHA256 || got.ContentType != m.ContentType {
			t.Errorf("read at last, it is %+v", got)
		}
	}
	if got := w.get(copied.ID); got.ID != there.ID {
		t.Errorf("the id of a file that turned out to be a duplicate leads to %s, want %s", got.ID, there.ID)
	}
	if got := w.expect(unread(copied)); got[0].DuplicateOf != there.ID {
		t.Errorf("expected again: %+v", got)
	}
	w.consistent()
}

func testExpectRefuses(t *testing.T, w *world) {
	good := expectedOf(w.manifest("good", 0))
	for member, spoil := range map[string]func(*catalogapi.Expected){
		"id":           func(e *catalogapi.Expected) { e.ID = strings.ToLower(e.ID) },
		"name":         func(e *catalogapi.Expected) { e.Name = strings.Repeat("n", 256) },
		"key":          func(e *catalogapi.Expected) { e.Key = "originals/20261122/somebody-else.jpg" },
		"size":         func(e *catalogapi.Expected) { e.Size = -1 },
		"content_type": func(e *catalogapi.Expected) { e.ContentType = "" },
		"sha256":       func(e *catalogapi.Expected) { e.SHA256 = strings.ToUpper(e.SHA256) },
		"width":        func(e *catalogapi.Expected) { e.Width = -1 },
		"height":       func(e *catalogapi.Expected) { e.Height = 1 << 21 },
	} {
		bad := expectedOf(w.manifest(member, 0))
		spoil(&bad)
		_, err := w.Catalog.Expect(w.ctx, catalogapi.ExpectRequest{Images: []catalogapi.Expected{good, bad}})
		w.fails(err, fault.Invalid, "validation_failed")
		if fields := fault.Public(err).Fields; len(fields) != 1 || fields[0].Pointer != "/images/1/"+member {
			t.Errorf("a wrong %s is pointed out as %+v", member, fields)
		}
	}
	if n := len(w.list(catalogapi.ListRequest{})); n != 0 {
		t.Errorf("%d images were stored of requests that were refused", n)
	}
	good.Name = strings.Repeat("n", 255)
	w.expect(good)
	for _, n := range []int{0, catalogapi.MaxExpect - 1, catalogapi.MaxExpect} {
		if got := w.expect(w.many(n)...); len(got) != n {
			t.Errorf("%d results for %d images", len(got), n)
		}
	}
	_, err := w.Catalog.Expect(w.ctx, catalogapi.ExpectRequest{Images: w.many(catalogapi.MaxExpect + 1)})
	w.fails(err, fault.Invalid, "validation_failed")
}

// many are n different images to expect.
func (w *world) many(n int) []catalogapi.Expected {
	out := make([]catalogapi.Expected, n)
	for i := range out {
		out[i] = expectedOf(w.manifest(fmt.Sprint("many ", n, i), i))
	}
	return out
}
