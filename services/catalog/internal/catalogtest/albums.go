package catalogtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// Albums is the use cases of albums.
type Albums interface {
	Albums(ctx context.Context, req catalogapi.AlbumsRequest) (catalogapi.AlbumsResponse, error)
	Album(ctx context.Context, id string) (catalogapi.Album, error)
	CreateAlbum(ctx context.Context, req catalogapi.NewAlbum) (catalogapi.Album, error)
	ChangeAlbum(ctx context.Context, req catalogapi.AlbumChange) (catalogapi.Album, error)
	DeleteAlbum(ctx context.Context, id string) error
	AddToAlbum(ctx context.Context, req catalogapi.MembersRequest) (catalogapi.MembersResponse, error)
	RemoveFromAlbum(ctx context.Context, req catalogapi.MembersRequest) (catalogapi.MembersResponse, error)
	PutIntoAlbums(ctx context.Context, req catalogapi.PutRequest) (catalogapi.PutResponse, error)
}

var albumTests = map[string]func(*testing.T, *world){
	"albums":                       testAlbums,
	"albums in order":              testAlbumOrder,
	"names of albums":              testAlbumNames,
	"moved albums":                 testMoveAlbum,
	"depth of albums":              testAlbumDepth,
	"deleted albums":               testDeleteAlbum,
	"covers":                       testCover,
	"members":                      testMembers,
	"limits of members":            testMemberLimits,
	"members and the trash":        testMembersInTrash,
	"pages of an album":            testAlbumPages,
	"albums by path":               testPutIntoAlbums,
	"paths that are wrong":         testPutRefuses,
	"albums of uploads":            testUploadedAlbum,
	"albums of expected images":    testExpectedAlbum,
	"albums of merged duplicates":  testMergedAlbums,
	"albums of others":             testForeignAlbums,
	"racing for the same new path": testRacingPaths,
}

func (w *world) create(name, parent string) catalogapi.Album {
	w.Helper()
	a, err := w.Catalog.CreateAlbum(w.ctx, catalogapi.NewAlbum{Name: name, ParentID: parent})
	if err != nil {
		w.Fatalf("CreateAlbum(%q): %v", name, err)
	}
	return a
}

func (w *world) album(id string) catalogapi.Album {
	w.Helper()
	a, err := w.Catalog.Album(w.ctx, id)
	if err != nil {
		w.Fatalf("Album(%s): %v", id, err)
	}
	return a
}

// albums lists all albums as "path (count)", and checks each against its list.
func (w *world) albums() (out []string) {
	w.Helper()
	all, err := w.Catalog.Albums(w.ctx, catalogapi.AlbumsRequest{})
	if err != nil {
		w.Fatalf("Albums: %v", err)
	}
	for _, a := range all.Albums {
		out = append(out, fmt.Sprintf("%s (%d)", a.Path, a.Images))
		in := w.list(catalogapi.ListRequest{Album: a.ID, Limit: catalogapi.MaxLimit})
		if int(a.Images) != len(in) {
			w.Errorf("%s counts %d images and shows %d", a.Path, a.Images, len(in))
		}
		if cover := coverOf(in); a.CoverID != cover {
			w.Errorf("the cover of %s is %q, want %q", a.Path, a.CoverID, cover)
		}
	}
	return out
}

// coverOf is the first of an album's images that can be shown, else the first
// that is ready.
func coverOf(in []catalogapi.Image) (id string) {
	for _, i := range in {
		switch {
		case i.State != catalogapi.StateReady:
		case i.Preview == "":
			return i.ID
		case id == "":
			id = i.ID
		}
	}
	return id
}

func (w *world) wantAlbums(want ...string) {
	w.Helper()
	if got := w.albums(); !slices.Equal(got, want) {
		w.Errorf("the albums are %q, want %q", got, want)
	}
}

func (w *world) put(path string, ids ...string) string {
	w.Helper()
	resp, err := w.Catalog.PutIntoAlbums(w.ctx, catalogapi.PutRequest{Albums: []catalogapi.PutAlbum{{Path: path, IDs: ids}}})
	if err != nil {
		w.Fatalf("PutIntoAlbums(%q): %v", path, err)
	}
	return resp.Albums[0].AlbumID
}

func (w *world) remove(album string, ids ...string) {
	w.Helper()
	if _, err := w.Catalog.RemoveFromAlbum(w.ctx, catalogapi.MembersRequest{ID: album, IDs: ids}); err != nil {
		w.Fatalf("RemoveFromAlbum: %v", err)
	}
}

// in lists the paths of the albums that an image is in.
func (w *world) in(image string) (paths []string) {
	w.Helper()
	all, err := w.Catalog.Albums(w.ctx, catalogapi.AlbumsRequest{Image: image})
	if err != nil {
		w.Fatalf("Albums of %s: %v", image, err)
	}
	for _, a := range all.Albums {
		if a.HasImage {
			paths = append(paths, a.Path)
		}
	}
	return paths
}

func testAlbums(t *testing.T, w *world) {
	w.wantAlbums()
	cursor := w.cursor()
	trips := w.create("Trips", "")
	if trips.Path != "Trips" || trips.Images != 0 || trips.ParentID != "" || trips.CreatedAt.IsZero() {
		t.Errorf("a new album is %+v", trips)
	}
	seoul := w.create(" Seoul 2026 ", trips.ID)
	if diff := cmp.Diff(seoul, w.album(seoul.ID)); diff != "" || seoul.Path != "Trips/Seoul 2026" || seoul.ParentID != trips.ID {
		t.Errorf("an album in an album is %+v; read again %s", seoul, diff)
	}
	if again := w.create("Seoul 2026", trips.ID); again.ID != seoul.ID {
		t.Error("asking for an album twice made two")
	}
	top := w.create("Seoul 2026", "")
	if top.ID == seoul.ID {
		t.Error("the same name in two places is one album")
	}
	want := []string{"album_changed " + trips.ID, "album_changed " + seoul.ID, "album_changed " + top.ID}
	if got := w.since(cursor); !slices.Equal(got, want) {
		t.Errorf("changes = %v, want %v", got, want)
	}
	w.wantAlbums("Seoul 2026 (0)", "Trips (0)", "Trips/Seoul 2026 (0)")
	for _, id := range []string{identity.NewImageID(base), "", "x", "../images", strings.ToLower(trips.ID)} {
		_, err := w.Catalog.Album(w.ctx, id)
		w.fails(err, fault.NotFound, "album_not_found")
		_, err = w.Catalog.ChangeAlbum(w.ctx, catalogapi.AlbumChange{ID: id})
		w.fails(err, fault.NotFound, "album_not_found")
		_, err = w.Catalog.AddToAlbum(w.ctx, catalogapi.MembersRequest{ID: id})
		w.fails(err, fault.NotFound, "album_not_found")
		if id != "" {
			_, err = w.Catalog.CreateAlbum(w.ctx, catalogapi.NewAlbum{Name: "x", ParentID: id})
			w.fails(err, fault.NotFound, "album_not_found")
			_, err = w.Catalog.List(w.ctx, catalogapi.ListRequest{Album: id})
			w.fails(err, fault.NotFound, "album_not_found")
			_, err = w.Catalog.Albums(w.ctx, catalogapi.AlbumsRequest{Image: id})
			w.notFound(err)
		}
	}
}

func testAlbumOrder(_ *testing.T, w *world) {
	for _, path := range []string{"day 10", "Day 2", "다", "가", "Zoo/b", "Zoo/a", "day 10/x"} {
		w.put(path)
	}
	w.wantAlbums("Day 2 (0)", "day 10 (0)", "day 10/x (0)", "Zoo (0)", "Zoo/a (0)", "Zoo/b (0)", "가 (0)", "다 (0)")
}

func testAlbumNames(t *testing.T, w *world) {
	for raw, want := range map[string]string{
		"a\x00\u202eb\n":         "ab",
		"Cafe\u0301":             "Caf\u00e9",
		strings.Repeat("가", 254): strings.Repeat("가", 254),
		strings.Repeat("나", 255): strings.Repeat("나", 255),
		"'; DROP TABLE x; --":    "'; DROP TABLE x; --",
		"\U0001F4F7 100%_\\":     "\U0001F4F7 100%_\\",
	} {
		a := w.create(raw, "")
		if a.Name != want || w.album(a.ID).Name != want {
			t.Errorf("the name %q became %q, want %q", raw, a.Name, want)
		}
	}
	for _, raw := range []string{"", " \t", "\u200b", ".", "..", "a/b", "/", strings.Repeat("가", 256)} {
		_, err := w.Catalog.CreateAlbum(w.ctx, catalogapi.NewAlbum{Name: raw})
		w.fails(err, fault.Invalid, "validation_failed")
		if f := fault.Public(err).Fields; len(f) != 1 || f[0].Pointer != "/name" {
			t.Errorf("the name %q is pointed out as %+v", raw, f)
		}
	}
	// What is equal for people's eyes only is not equal.
	upper, lower := w.create("DAY", ""), w.create("day", "")
	if upper.ID == lower.ID || w.create("dây", "").ID == lower.ID {
		t.Error("different names are one album")
	}
	_, err := w.Catalog.ChangeAlbum(w.ctx, catalogapi.AlbumChange{ID: upper.ID, Name: new("day")})
	w.fails(err, fault.Conflict, "album_exists")
}

func testMoveAlbum(t *testing.T, w *world) {
	a, b := w.create("a", ""), w.create("b", "")
	child := w.create("child", a.ID)
	move := func(id, name, parent string) error {
		_, err := w.Catalog.ChangeAlbum(w.ctx, catalogapi.AlbumChange{ID: id, Name: &name, ParentID: &parent})
		return err
	}
	for range 2 { // again changes nothing
		if err := move(a.ID, "A", b.ID); err != nil {
			t.Fatal(err)
		}
	}
	w.wantAlbums("b (0)", "b/A (0)", "b/A/child (0)")
	for _, into := range []string{a.ID, child.ID} {
		w.fails(move(a.ID, "A", into), fault.Conflict, "album_cycle")
	}
	w.fails(move(a.ID, "A", identity.NewImageID(base)), fault.NotFound, "album_not_found")
	w.create("A", "")
	w.fails(move(a.ID, "A", ""), fault.Conflict, "album_exists")
	_, err := w.Catalog.ChangeAlbum(w.ctx, catalogapi.AlbumChange{ID: a.ID, Name: new("")})
	w.fails(err, fault.Invalid, "validation_failed")
	cursor := w.cursor()
	if err := move(child.ID, "child", ""); err != nil {
		t.Fatal(err)
	}
	if got := w.since(cursor); !slices.Equal(got, []string{"album_changed " + child.ID}) {
		t.Errorf("changes = %v", got)
	}
	w.wantAlbums("A (0)", "b (0)", "b/A (0)", "child (0)")
}

// testAlbumDepth: eight, not nine, however they come to be there; and the same
// for the length of the path.
func testAlbumDepth(t *testing.T, w *world) {
	seventh := w.album(w.put("1/2/3/4/5/6/7"))
	eighth := w.create("8", seventh.ID)
	_, err := w.Catalog.CreateAlbum(w.ctx, catalogapi.NewAlbum{Name: "9", ParentID: eighth.ID})
	w.fails(err, fault.Conflict, "album_too_deep")
	pair := w.album(w.put("x/y"))
	_, err = w.Catalog.ChangeAlbum(w.ctx, catalogapi.AlbumChange{ID: pair.ParentID, ParentID: &seventh.ID})
	w.fails(err, fault.Conflict, "album_too_deep")
	sixth := seventh.ParentID
	if _, err := w.Catalog.ChangeAlbum(w.ctx, catalogapi.AlbumChange{ID: pair.ParentID, ParentID: &sixth}); err != nil {
		t.Errorf("a pair under the sixth: %v", err)
	}
	long := w.put(strings.Repeat("l", 255) + "/" + strings.Repeat("o", 255) + "/" + strings.Repeat("n", 255)) // 767 bytes
	w.create(strings.Repeat("é", 128), long)                                                                  // 1,024
	_, err = w.Catalog.CreateAlbum(w.ctx, catalogapi.NewAlbum{Name: strings.Repeat("é", 128) + "x", ParentID: long})
	w.fails(err, fault.Conflict, "album_path_too_long")
}

// A picture that cannot be shown is the cover only where no other is there,
// whatever people write under it.
func testCover(t *testing.T, w *world) {
	kept := w.full("kept")
	w.uploaded(kept)
	album := w.put("Mixed", kept.ID)
	if got := w.album(album); got.CoverID != kept.ID {
		t.Errorf("of one picture without a preview the cover is %q", got.CoverID)
	}
	shown := w.full("shown")
	earlier := kept.TakenAt.Add(-time.Hour)
	shown.TakenAt, shown.Preview, shown.Caption = &earlier, "", `"preview":"preview_unavailable"`
	w.uploaded(shown)
	w.put("Mixed", shown.ID)
	if got := w.album(album); got.CoverID != shown.ID {
		t.Errorf("the cover is %q, want the older %q, which can be shown", got.CoverID, shown.ID)
	}
	w.wantAlbums("Mixed (2)")
	w.trash(shown.ID)
	if got := w.album(album); got.CoverID != kept.ID {
		t.Errorf("with the other in the trash the cover is %q", got.CoverID)
	}
}

func testDeleteAlbum(t *testing.T, w *world) {
	i := w.add("a", 0)
	inner, other := w.put("Trips/Seoul", i.ID), w.put("Other", i.ID)
	trips := w.album(inner).ParentID
	cursor := w.cursor()
	for range 2 {
		if err := w.Catalog.DeleteAlbum(w.ctx, trips); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := w.since(cursor), []string{"album_removed " + trips, "album_removed " + inner}; !slices.Equal(got, want) {
		t.Errorf("changes = %v, want %v", got, want)
	}
	w.wantAlbums("Other (1)")
	if got := ids(w.list(catalogapi.ListRequest{})); !slices.Equal(got, []string{i.ID}) {
		t.Errorf("deleting an album left the timeline %v", got)
	}
	if fresh := w.put("Trips/Seoul"); fresh == inner || len(w.list(catalogapi.ListRequest{Album: fresh})) != 0 {
		t.Error("an album of the same name is the deleted one")
	}
	if got := w.album(other); got.CoverID != i.ID {
		t.Errorf("the other album is %+v", got)
	}
}
