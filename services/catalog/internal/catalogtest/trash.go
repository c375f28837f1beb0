package catalogtest

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

func testTrash(t *testing.T, w *world) {
	a, b := w.add("a", 0), w.add("b", 1)
	cursor := w.cursor()
	before := w.Clock.Now().Add(-time.Second)
	got, err := w.Catalog.Trash(w.ctx, a.ID)
	if err != nil || got.TrashedAt == nil || got.TrashedAt.Before(before) {
		t.Fatalf("Trash = %+v, %v", got, err)
	}
	again, err := w.Catalog.Trash(w.ctx, a.ID)
	if diff := cmp.Diff(got, again); err != nil || diff != "" {
		t.Errorf("Trash again = %v, and changed %s", err, diff)
	}
	if got := ids(w.list(catalogapi.ListRequest{})); !reflect.DeepEqual(got, []string{b.ID}) {
		t.Errorf("the timeline is %v", got)
	}
	if got := ids(w.list(catalogapi.ListRequest{Trashed: true})); !reflect.DeepEqual(got, []string{a.ID}) {
		t.Errorf("the trash is %v", got)
	}
	w.consistent()
	for range 2 {
		if back, err := w.Catalog.Restore(w.ctx, a.ID); err != nil || !cmp.Equal(back, a) {
			t.Errorf("Restore = %+v, %v", back, err)
		}
	}
	if got := ids(w.list(catalogapi.ListRequest{})); !reflect.DeepEqual(got, []string{b.ID, a.ID}) {
		t.Errorf("the timeline is %v", got)
	}
	w.consistent()
	if got, want := w.since(cursor), []string{"trashed " + a.ID, "restored " + a.ID}; !reflect.DeepEqual(got, want) {
		t.Errorf("changes = %v, want %v", got, want)
	}
	for _, id := range []string{identity.NewImageID(base), strings.ToLower(a.ID), "", "x", "../months", strings.Repeat("A", 10_000)} {
		_, err1 := w.Catalog.Trash(w.ctx, id)
		_, err2 := w.Catalog.Restore(w.ctx, id)
		_, err3 := w.Catalog.Get(w.ctx, id)
		for _, err := range []error{err1, err2, err3, w.Catalog.Purge(w.ctx, id)} {
			w.notFound(err)
		}
	}
}

func testPurge(t *testing.T, w *world) {
	a := w.add("a", 0)
	w.fails(w.Catalog.Purge(w.ctx, a.ID), fault.Conflict, "image_not_trashed")
	cursor := w.cursor()
	w.purge(a.ID)
	_, err := w.Catalog.Get(w.ctx, a.ID)
	w.notFound(err)
	_, err = w.Catalog.Restore(w.ctx, a.ID)
	w.notFound(err)
	if err := w.Catalog.Purge(w.ctx, a.ID); err != nil {
		t.Errorf("Purge again: %v", err)
	}
	if n := len(w.list(catalogapi.ListRequest{Trashed: true})); n != 0 {
		t.Errorf("the trash has %d images", n)
	}
	if got, want := w.since(cursor), []string{"trashed " + a.ID, "removed " + a.ID}; !reflect.DeepEqual(got, want) {
		t.Errorf("changes = %v, want %v", got, want)
	}
	if err := w.Bus.AwaitPurge(w.ctx, a.ID, a.Key, 1); err != nil {
		t.Errorf("the files are not purged: %v", err)
	}
	same := w.manifest("a", 0)
	if got := w.expect(expectedOf(same)); got[0].DuplicateOf != "" {
		t.Errorf("bytes that were purged are a duplicate of %s", got[0].DuplicateOf)
	}
	w.consistent()
}

func testEventsAfterPurge(t *testing.T, w *world) {
	m := w.manifest("a", 0)
	w.uploaded(m)
	w.purge(m.ID)
	if err := w.Bus.AwaitPurge(w.ctx, m.ID, m.Key, 1); err != nil {
		t.Fatal(err)
	}
	cursor := w.cursor()
	w.uploaded(m)
	w.rejected(m, "late")
	w.expect(expectedOf(m))
	_, err := w.Catalog.Get(w.ctx, m.ID)
	w.notFound(err)
	if got := w.since(cursor); len(got) != 0 {
		t.Errorf("late events changed the timeline: %v", got)
	}
	if err := w.Bus.AwaitPurge(w.ctx, m.ID, m.Key, 2); err != nil {
		t.Errorf("files that came back late are not purged again: %v", err)
	}
	w.consistent()
}

// testExpiry: thirty days, not a millisecond less.
func testExpiry(t *testing.T, w *world) {
	a, b := w.add("a", 0), w.add("b", 1)
	w.trash(a.ID)
	trashed := *w.get(a.ID).TrashedAt
	w.Clock.Advance(time.Hour)
	w.trash(b.ID)
	w.Clock.Advance(trashed.Add(30*24*time.Hour - time.Minute).Sub(w.Clock.Now()))
	if err := w.Tidy(w.ctx); err != nil {
		t.Fatal(err)
	}
	w.get(a.ID)
	w.Clock.Advance(2 * time.Minute)
	if err := w.Tidy(w.ctx); err != nil {
		t.Fatal(err)
	}
	_, err := w.Catalog.Get(w.ctx, a.ID)
	w.notFound(err)
	w.get(b.ID)
	if err := w.Bus.AwaitPurge(w.ctx, a.ID, a.Key, 1); err != nil {
		t.Errorf("the files are not purged: %v", err)
	}
	w.consistent()
}

func testOwners(t *testing.T, w *world) {
	mine := w.add("same bytes", 0)
	cursor := w.cursor()
	other := w.as(w.owner + "-b")
	theirs := other.add("same bytes", 0)
	if theirs.ID == mine.ID {
		t.Fatal("the same bytes of two owners became one image")
	}
	for _, err := range []error{
		second(other.Catalog.Get(other.ctx, mine.ID)), second(other.Catalog.Trash(other.ctx, mine.ID)),
		second(other.Catalog.Restore(other.ctx, mine.ID)), other.Catalog.Purge(other.ctx, mine.ID),
	} {
		w.notFound(err)
	}
	stolen := expectedOf(other.manifest("x", 0))
	stolen.ID, stolen.Key = mine.ID, mine.Key
	_, err := other.Catalog.Expect(other.ctx, catalogapi.ExpectRequest{Images: []catalogapi.Expected{stolen}})
	w.fails(err, fault.Conflict, "image_id_taken")
	if got := ids(other.list(catalogapi.ListRequest{})); !reflect.DeepEqual(got, []string{theirs.ID}) {
		t.Errorf("the other owner sees %v", got)
	}
	if got := w.since(cursor); len(got) != 0 {
		t.Errorf("the other owner's images are in this feed: %v", got)
	}
	w.purge(mine.ID)
	w.notFound(other.Catalog.Purge(other.ctx, mine.ID))
	w.consistent()
	other.consistent()
}

func second[T any](_ T, err error) error { return err }

func testNoOwner(t *testing.T, w *world) {
	ctx := identity.WithOwner(w.ctx, "")
	id := identity.NewImageID(base)
	for i, err := range []error{
		second(w.Catalog.List(ctx, catalogapi.ListRequest{})), second(w.Catalog.Get(ctx, id)),
		second(w.Catalog.Trash(ctx, id)), second(w.Catalog.Restore(ctx, id)), w.Catalog.Purge(ctx, id),
		second(w.Catalog.Expect(ctx, catalogapi.ExpectRequest{})), second(w.Catalog.Known(ctx, catalogapi.KnownRequest{})), second(w.Catalog.Months(ctx)),
		second(w.Catalog.Changes(ctx, catalogapi.ChangesRequest{})),
	} {
		if !errors.Is(err, fault.New(fault.Invalid, "owner_missing", "")) {
			t.Errorf("call %d without an owner: %v", i, err)
		}
	}
}
