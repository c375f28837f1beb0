package catalogtest

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

const workers = 20

// testRacingDuplicates: twenty uploads of the same bytes at once, half of them
// announced first, are one image, and every id that was given out leads to it.
func testRacingDuplicates(t *testing.T, w *world) {
	all := make([]contract.Manifest, workers)
	var wg sync.WaitGroup
	for i := range all {
		all[i] = w.manifest("the same", i)
		wg.Go(func() {
			m := all[i]
			catalog := []Catalog{w.Catalog, w.Other}[i%2]
			if i%4 < 2 {
				resp, err := catalog.Expect(w.ctx, catalogapi.ExpectRequest{Images: []catalogapi.Expected{expectedOf(m)}})
				if err != nil {
					t.Errorf("Expect: %v", err)
				} else if resp.Results[0].DuplicateOf != "" {
					return // upload keeps nothing of it
				}
			}
			for range 2 {
				if err := w.tryUploaded(m); err != nil {
					t.Errorf("image.uploaded: %v", err)
				}
			}
		})
	}
	wg.Wait()
	timeline := w.list(catalogapi.ListRequest{})
	if len(timeline) != 1 {
		t.Fatalf("the timeline has %d images, want 1", len(timeline))
	}
	for _, m := range all {
		got, err := w.Catalog.Get(w.ctx, m.ID)
		if fault.KindOf(err) == fault.NotFound && err != nil {
			continue // told to be a duplicate before anything was kept
		}
		if err != nil || got.ID != timeline[0].ID {
			t.Errorf("%s leads to %s, %v", m.ID, got.ID, err)
		}
	}
	if n := w.Bus.Purges(timeline[0].ID); n != 0 {
		t.Error("the files of the one that stays were purged")
	}
	w.consistent()
}

// testRacingUsers: twenty users of one account do what they like; afterwards
// the counts are right and the feed tells exactly what happened.
func testRacingUsers(t *testing.T, w *world) {
	cursor := w.cursor()
	var shared []string
	for i := range 10 {
		shared = append(shared, w.add(fmt.Sprint("shared", i), i*3000).ID)
	}
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() { w.meddle(i, shared) })
	}
	wg.Wait()
	w.consistent()
	inTimeline, inTrash := map[string]bool{}, map[string]bool{}
	for _, c := range w.since(cursor) {
		var kind, id string
		if _, err := fmt.Sscan(c, &kind, &id); err != nil {
			t.Fatal(err)
		}
		switch {
		case kind == catalogapi.ChangeAdded && !inTimeline[id] && !inTrash[id], kind == catalogapi.ChangeRestored && inTrash[id]:
			inTimeline[id] = true
			delete(inTrash, id)
		case kind == catalogapi.ChangeTrashed && inTimeline[id]:
			inTrash[id] = true
			delete(inTimeline, id)
		case kind == catalogapi.ChangeRemoved && inTrash[id]:
			delete(inTrash, id)
		default:
			t.Errorf("the feed says %q of an image that is timeline=%v trash=%v", c, inTimeline[id], inTrash[id])
		}
	}
	w.same("the timeline", w.list(catalogapi.ListRequest{}), inTimeline)
	w.same("the trash", w.list(catalogapi.ListRequest{Trashed: true}), inTrash)
}

// meddle does a few things to the shared images.
func (w *world) meddle(worker int, shared []string) {
	random := rand.New(rand.NewPCG(uint64(worker), 1))
	catalog := []Catalog{w.Catalog, w.Other}[worker%2]
	for step := range 6 {
		id := shared[random.IntN(len(shared))]
		var err error
		switch random.IntN(4) {
		case 0, 1:
			_, err = catalog.Trash(w.ctx, id)
		case 2:
			_, err = catalog.Restore(w.ctx, id)
		case 3:
			err = catalog.Purge(w.ctx, id)
		}
		if kind := fault.KindOf(err); err != nil && kind != fault.NotFound && kind != fault.Conflict {
			w.Errorf("worker %d: %v", worker, err)
		}
		if err := w.tryUploaded(w.manifest(fmt.Sprint("own", worker, step), step)); err != nil {
			w.Errorf("worker %d: %v", worker, err)
		}
	}
}

func (w *world) same(what string, got []catalogapi.Image, want map[string]bool) {
	w.Helper()
	if len(got) != len(want) {
		w.Errorf("%s has %d images, the feed says %d", what, len(got), len(want))
	}
	for _, i := range got {
		if !want[i.ID] {
			w.Errorf("%s has %s, the feed does not", what, i.ID)
		}
	}
}

// testFollowers: whoever follows the feed while others write hears of every
// change once and in one order, at whichever process.
func testFollowers(t *testing.T, w *world) {
	cursor := w.cursor()
	var writers, followers sync.WaitGroup
	const each = 4
	heard := make([][]string, 4)
	for i := range heard {
		followers.Go(func() { heard[i] = w.follow([]Catalog{w.Catalog, w.Other}[i%2], cursor, workers*each) })
	}
	for i := range workers {
		writers.Go(func() {
			for n := range each {
				if err := w.tryUploaded(w.manifest(fmt.Sprint(i, "/", n), n)); err != nil {
					t.Errorf("image.uploaded: %v", err)
				}
			}
		})
	}
	writers.Wait()
	followers.Wait()
	want := w.since(cursor)
	for i, got := range heard {
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("follower %d heard %d changes %v, want %d", i, len(got), got, len(want))
		}
	}
}

// follow reads the feed until it has heard n changes.
func (w *world) follow(catalog Catalog, cursor string, n int) (heard []string) {
	for len(heard) < n {
		resp, err := catalog.Changes(w.ctx, catalogapi.ChangesRequest{Cursor: cursor, WaitMS: 5000})
		if err != nil {
			w.Errorf("Changes: %v", err)
			return heard
		}
		for _, c := range resp.Changes {
			heard = append(heard, c.Kind+" "+c.ImageID)
		}
		cursor = resp.Cursor
	}
	return heard
}
