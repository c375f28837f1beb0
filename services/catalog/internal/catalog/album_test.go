package catalog

import (
	"errors"
	"fmt"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
)

// TestAsManyAlbumsAsThereMayBe: the last one, and none after it; an upload is
// kept all the same, without its album.
func TestAsManyAlbumsAsThereMayBe(t *testing.T) {
	snapshot := Snapshot{Albums: map[string]Album{}}
	for n := range catalogapi.MaxAlbums - 1 {
		id := fmt.Sprint(n)
		snapshot.Albums[id] = Album{ID: id, Name: id}
	}
	g := newGardener("somebody", snapshot, noon)
	if _, err := g.child("", "the last"); err != nil {
		t.Errorf("album %d: %v", catalogapi.MaxAlbums, err)
	}
	if _, err := g.child("", "one more"); !errors.Is(err, ErrTooManyAlbums) {
		t.Errorf("album %d: %v", catalogapi.MaxAlbums+1, err)
	}
	if _, err := g.child("", "the last"); err != nil {
		t.Errorf("one that is there: %v", err)
	}
	g.settle("Trips/Seoul", Image{ID: "a"})
	g.settle("the last", Image{ID: "a"})
	var c Changeset
	g.tend(&c)
	if !errors.Is(g.leftOut, ErrTooManyAlbums) || len(c.InsertAlbums) != 1 || len(c.Join) != 1 {
		t.Errorf("made %d albums, put %d images, left out %v", len(c.InsertAlbums), len(c.Join), g.leftOut)
	}
}

// TestStoredCyclesEnd: what should never be stored is no endless walk.
func TestStoredCyclesEnd(t *testing.T) {
	f := forestOf(map[string]Album{"a": {ID: "a", ParentID: "b"}, "b": {ID: "b", ParentID: "a"}, "": {}})
	if n := len(f.listed()); n > 8 {
		t.Errorf("%d albums are listed", n)
	}
	if n := len(f.above("a")); n > 8 {
		t.Errorf("%d albums are above", n)
	}
	if n := len(f.below("a")); n > 9 {
		t.Errorf("%d albums are below", n)
	}
}
