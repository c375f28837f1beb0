package catalogtest

import (
	"encoding/base64"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

func testPages(t *testing.T, w *world) {
	w.expect(w.many(catalogapi.MaxLimit + 5)...)
	all := w.list(catalogapi.ListRequest{Limit: catalogapi.MaxLimit})
	if len(all) != catalogapi.MaxLimit+5 {
		t.Fatalf("listed %d images", len(all))
	}
	for limit, want := range map[int]int{0: catalogapi.DefaultLimit, 1: 1, catalogapi.MaxLimit - 1: catalogapi.MaxLimit - 1, catalogapi.MaxLimit: catalogapi.MaxLimit} {
		page, err := w.Catalog.List(w.ctx, catalogapi.ListRequest{Limit: limit})
		if err != nil || len(page.Images) != want || page.NextCursor == "" {
			t.Errorf("a page of %d has %d images, cursor %q, %v", limit, len(page.Images), page.NextCursor, err)
		}
	}
	for _, limit := range []int{-1, catalogapi.MaxLimit + 1, 1 << 30} {
		_, err := w.Catalog.List(w.ctx, catalogapi.ListRequest{Limit: limit})
		w.fails(err, fault.Invalid, "validation_failed")
		if f := fault.Public(err).Fields; len(f) != 1 || f[0].Parameter != "limit" {
			t.Errorf("limit %d is pointed out as %+v", limit, f)
		}
	}
	five := w.list(catalogapi.ListRequest{Limit: 41}) // 205 is a multiple: no empty page at the end
	if !reflect.DeepEqual(ids(five), ids(all)) {
		t.Error("the page size changes what is listed")
	}
	empty := w.as(w.owner + "-empty")
	page, err := empty.Catalog.List(empty.ctx, catalogapi.ListRequest{})
	if err != nil || page.Images == nil || len(page.Images) != 0 || page.NextCursor != "" {
		t.Errorf("an empty timeline is %+v, %v", page, err)
	}
}

func testEqualTimes(t *testing.T, w *world) {
	var want []string
	for i := range 12 {
		want = append(want, w.add(fmt.Sprint(i), i%2).ID)
	}
	slices.Sort(want)
	slices.Reverse(want)
	for _, limit := range []int{1, 5, 12} {
		all := w.list(catalogapi.ListRequest{Limit: limit})
		if !slices.IsSortedFunc(all, newestFirst) {
			t.Errorf("pages of %d are out of order", limit)
		}
		got := ids(all)
		slices.Sort(got)
		slices.Reverse(got)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("pages of %d show %v, want %v", limit, got, want)
		}
	}
}

// testNeighbours: whoever follows the neighbours walks the list, in the timeline
// and in the trash.
func testNeighbours(t *testing.T, w *world) {
	for i := range 6 {
		w.add(fmt.Sprint(i), i%2)
	}
	for _, id := range ids(w.list(catalogapi.ListRequest{}))[:3] {
		if _, err := w.Catalog.Trash(w.ctx, id); err != nil {
			t.Fatal(err)
		}
	}
	for _, trashed := range []bool{false, true} {
		all := ids(w.list(catalogapi.ListRequest{Trashed: trashed}))
		for i, id := range all {
			var want catalogapi.Neighbours
			if i > 0 {
				want.NewerID = all[i-1]
			}
			if i+1 < len(all) {
				want.OlderID = all[i+1]
			}
			if got, err := w.Catalog.Neighbours(w.ctx, id); err != nil || got != want {
				t.Errorf("beside %s: %+v, %v; want %+v", id, got, err, want)
			}
		}
	}
	stranger := w.as(w.owner + "-stranger")
	_, err := stranger.Catalog.Neighbours(stranger.ctx, ids(w.list(catalogapi.ListRequest{}))[0])
	w.fails(err, fault.NotFound, "image_not_found")
}

func newestFirst(a, b catalogapi.Image) int {
	if c := b.TakenAt.Compare(a.TakenAt); c != 0 {
		return c
	}
	return strings.Compare(b.ID, a.ID)
}

// testWalk: between two pages, images come and go before and behind the reader,
// and the very one that the cursor stands on.
func testWalk(t *testing.T, w *world) {
	stable := map[string]int{}
	var passing []string
	for i := range 20 {
		stable[w.add(fmt.Sprint("stable", i), i/3).ID] = 0
		passing = append(passing, w.add(fmt.Sprint("passing", i), i/3).ID)
	}
	req := catalogapi.ListRequest{Limit: 1}
	for step := 0; ; step++ {
		page, err := w.Catalog.List(w.ctx, req)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range page.Images {
			if _, ok := stable[i.ID]; ok {
				stable[i.ID]++
			} else if step%2 == 0 && slices.Contains(passing, i.ID) {
				w.purge(i.ID) // the cursor's own image
			}
		}
		if step < len(passing) && step%3 == 0 {
			w.trashIfThere(passing[len(passing)-1-step])
			w.add(fmt.Sprint("new", step), step%9)
		}
		if page.NextCursor == "" {
			break
		}
		req.Cursor = page.NextCursor
	}
	for id, seen := range stable {
		if seen != 1 {
			t.Errorf("stable image %s was seen %d times", id, seen)
		}
	}
	w.consistent()
}

// trashIfThere trashes what may be gone already.
func (w *world) trashIfThere(id string) {
	w.Helper()
	if _, err := w.Catalog.Trash(w.ctx, id); err != nil && fault.KindOf(err) != fault.NotFound {
		w.Fatalf("Trash(%s): %v", id, err)
	}
}

func testMonths(t *testing.T, w *world) {
	add := func(name string, at time.Time, offset *int) string {
		m := w.manifest(name, 0)
		m.TakenAt, m.TakenOffset = &at, offset
		w.uploaded(m)
		return m.ID
	}
	seoul, boston := 9*60, -5*60
	night := time.Date(2026, 10, 31, 20, 0, 0, 0, time.UTC)
	inSeoul := add("seoul", night, &seoul) // 5:00 in November there
	inBoston := add("boston", night.Add(6*time.Hour), &boston)
	utc := add("utc", night.Add(time.Minute), nil)
	old := add("old", time.Date(1839, 1, 9, 0, 0, 0, 0, time.UTC), nil)
	w.trash(add("trashed", night, nil))
	want := []catalogapi.Month{{Month: "2026-11", Count: 1}, {Month: "2026-10", Count: 2}, {Month: "1839-01", Count: 1}}
	if got, err := w.Catalog.Months(w.ctx); err != nil || !reflect.DeepEqual(got.Months, want) {
		t.Errorf("Months = %+v, %v; want %+v", got, err, want)
	}
	for month, want := range map[string][]string{
		"2026-11": {inSeoul}, "2026-10": {inBoston, utc}, "1839-01": {old}, "2026-09": {},
	} {
		for _, limit := range []int{1, 100} {
			if got := ids(w.list(catalogapi.ListRequest{Month: month, Limit: limit})); !reflect.DeepEqual(got, want) {
				t.Errorf("%s in pages of %d = %v, want %v", month, limit, got, want)
			}
		}
	}
	for _, month := range []string{"2026", "2026-13", "2026-1", "2026-11-01", "november", "' OR 1=1 --", "2026-11 "} {
		_, err := w.Catalog.List(w.ctx, catalogapi.ListRequest{Month: month})
		w.fails(err, fault.Invalid, "validation_failed")
	}
	w.purge(old)
	got, err := w.Catalog.Months(w.ctx)
	if err != nil || len(got.Months) != 2 {
		t.Errorf("Months after a purge = %+v, %v", got, err)
	}
}

func testCursors(t *testing.T, w *world) {
	for i := range 4 {
		w.add(fmt.Sprint(i), i)
	}
	first, err := w.Catalog.List(w.ctx, catalogapi.ListRequest{Limit: 2})
	if err != nil {
		t.Fatal(err)
	}
	good := first.NextCursor
	raw, err := base64.RawURLEncoding.DecodeString(good)
	if err != nil {
		t.Fatalf("a cursor is not base64: %v", err)
	}
	bad := []string{
		"x", "null", "' OR '1'='1", "%00", "../..", good[:len(good)-1], good + "A", good + "=", strings.ToLower(good),
		strings.Repeat("A", 4000), w.cursor(),
	}
	for i := range raw { // each byte matters
		forged := slices.Clone(raw)
		forged[i] ^= 1
		bad = append(bad, base64.RawURLEncoding.EncodeToString(forged))
	}
	for _, cursor := range bad {
		_, err := w.Catalog.List(w.ctx, catalogapi.ListRequest{Cursor: cursor})
		w.fails(err, fault.Invalid, "cursor_invalid")
		_, err = w.Catalog.Changes(w.ctx, catalogapi.ChangesRequest{Cursor: cursor[:len(cursor)-1] + "!"})
		w.fails(err, fault.Invalid, "cursor_invalid")
	}
	for _, req := range []catalogapi.ListRequest{{Cursor: good, Trashed: true}, {Cursor: good, Month: "2026-11"}} {
		_, err := w.Catalog.List(w.ctx, req)
		w.fails(err, fault.Invalid, "cursor_invalid")
	}
	other := w.as(w.owner + "-b")
	_, err = other.Catalog.List(other.ctx, catalogapi.ListRequest{Cursor: good})
	w.fails(err, fault.Invalid, "cursor_invalid")
	_, err = other.Catalog.Changes(other.ctx, catalogapi.ChangesRequest{Cursor: w.cursor()})
	w.fails(err, fault.Invalid, "cursor_invalid")
	_, err = w.Catalog.Changes(w.ctx, catalogapi.ChangesRequest{Cursor: good})
	w.fails(err, fault.Invalid, "cursor_invalid")
	w.purge(first.Images[1].ID)
	next, err := w.Other.List(w.ctx, catalogapi.ListRequest{Cursor: good, Limit: 200})
	if err != nil || len(next.Images) != 2 {
		t.Errorf("the cursor of a deleted image, at another process: %d images, %v", len(next.Images), err)
	}
}
