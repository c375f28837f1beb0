package catalogtest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

func testChanges(t *testing.T, w *world) {
	a := w.add("a", 0)
	start, err := w.Catalog.Changes(w.ctx, catalogapi.ChangesRequest{WaitMS: 25_000}) // no cursor: nothing to wait for
	if err != nil || start.Changes == nil || len(start.Changes) != 0 || start.Cursor == "" {
		t.Fatalf("Changes without a cursor = %+v, %v", start, err)
	}
	before := w.Clock.Now().Add(-time.Second)
	b := w.add("b", 1)
	w.trash(a.ID)
	got, err := w.Other.Changes(w.ctx, catalogapi.ChangesRequest{Cursor: start.Cursor})
	if err != nil || len(got.Changes) != 2 {
		t.Fatalf("Changes = %+v, %v", got, err)
	}
	for i, want := range []catalogapi.Change{{ImageID: b.ID, Kind: catalogapi.ChangeAdded}, {ImageID: a.ID, Kind: catalogapi.ChangeTrashed}} {
		if c := got.Changes[i]; c.ImageID != want.ImageID || c.Kind != want.Kind || c.At.Before(before) {
			t.Errorf("change %d = %+v, want %+v", i, c, want)
		}
	}
	again, err := w.Catalog.Changes(w.ctx, catalogapi.ChangesRequest{Cursor: got.Cursor})
	if err != nil || len(again.Changes) != 0 || again.Cursor != got.Cursor {
		t.Errorf("Changes at the end = %+v, %v", again, err)
	}
	for _, wait := range []int{-1, catalogapi.MaxChangesWaitMS + 1} {
		_, err := w.Catalog.Changes(w.ctx, catalogapi.ChangesRequest{WaitMS: wait})
		w.fails(err, fault.Invalid, "validation_failed")
	}
}

func testWaiting(t *testing.T, w *world) {
	cursor := w.cursor()
	for name, catalog := range map[string]Catalog{"this process": w.Catalog, "another process": w.Other} {
		type answer struct {
			resp catalogapi.ChangesResponse
			err  error
		}
		answered := make(chan answer, 1)
		go func() {
			resp, err := catalog.Changes(w.ctx, catalogapi.ChangesRequest{Cursor: cursor, WaitMS: catalogapi.MaxChangesWaitMS})
			answered <- answer{resp, err}
		}()
		start := time.Now()
		id := w.add(name, 0).ID
		got := <-answered
		if got.err != nil || len(got.resp.Changes) != 1 || got.resp.Changes[0].ImageID != id {
			t.Fatalf("%s heard %+v, %v", name, got.resp, got.err)
		}
		if waited := time.Since(start); waited > catalogapi.MaxChangesWaitMS*time.Millisecond/2 {
			t.Errorf("%s heard of it after %v", name, waited)
		}
		cursor = got.resp.Cursor
	}
	got, err := w.Catalog.Changes(w.ctx, catalogapi.ChangesRequest{Cursor: cursor, WaitMS: 20})
	if err != nil || len(got.Changes) != 0 || got.Cursor != cursor {
		t.Errorf("a wait that is over = %+v, %v", got, err)
	}
	ctx, cancel := context.WithTimeout(w.ctx, 20*time.Millisecond)
	defer cancel()
	if _, err := w.Catalog.Changes(ctx, catalogapi.ChangesRequest{Cursor: cursor, WaitMS: catalogapi.MaxChangesWaitMS}); err == nil {
		t.Error("a wait whose context ended has no error")
	}
}

func testLongFeed(t *testing.T, w *world) {
	cursor := w.cursor()
	all := w.many(catalogapi.MaxChanges + 1)
	w.expect(all...)
	first, err := w.Catalog.Changes(w.ctx, catalogapi.ChangesRequest{Cursor: cursor})
	if err != nil || len(first.Changes) != catalogapi.MaxChanges {
		t.Fatalf("the first answer has %d changes, %v", len(first.Changes), err)
	}
	if rest := w.since(first.Cursor); len(rest) != 1 {
		t.Errorf("the rest is %v", rest)
	}
	seen := map[string]bool{}
	for _, c := range w.since(cursor) {
		seen[strings.TrimPrefix(c, "added ")] = true
	}
	for _, e := range all {
		if !seen[e.ID] {
			t.Errorf("%s is missing in the feed", e.ID)
		}
	}
}
