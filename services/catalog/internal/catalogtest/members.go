package catalogtest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

func testMembers(t *testing.T, w *world) {
	a, b := w.add("a", 0), w.add("b", 1)
	album := w.create("Album", "")
	other := w.as(w.owner + "-other")
	foreign := other.add("x", 0)
	ask := []string{a.ID, foreign.ID, b.ID, "x", identity.NewImageID(base), a.ID}
	want := []catalogapi.MemberResult{
		{ID: a.ID, Status: "done"},
		{ID: foreign.ID, Status: "not_found"},
		{ID: b.ID, Status: "done"},
		{ID: "x", Status: "not_found"},
		{ID: ask[4], Status: "not_found"},
		{ID: a.ID, Status: "done"},
	}
	cursor := w.cursor()
	for range 2 {
		got, err := w.Catalog.AddToAlbum(w.ctx, catalogapi.MembersRequest{ID: album.ID, IDs: ask})
		if diff := cmp.Diff(want, got.Results); err != nil || diff != "" {
			t.Errorf("AddToAlbum = %v, (-want +got):\n%s", err, diff)
		}
	}
	if got := ids(w.list(catalogapi.ListRequest{Album: album.ID})); !slices.Equal(got, []string{b.ID, a.ID}) {
		t.Errorf("the album shows %v", got)
	}
	w.wantAlbums("Album (2)")
	for range 2 {
		got, err := w.Catalog.RemoveFromAlbum(w.ctx, catalogapi.MembersRequest{ID: album.ID, IDs: []string{b.ID, foreign.ID}})
		if err != nil || got.Results[0].Status != "done" || got.Results[1].Status != "not_found" {
			t.Errorf("RemoveFromAlbum = %+v, %v", got, err)
		}
	}
	if got, want := w.since(cursor), []string{"album_changed " + album.ID, "album_changed " + album.ID}; !slices.Equal(got, want) {
		t.Errorf("changes = %v, want %v", got, want)
	}
	w.wantAlbums("Album (1)")
	w.put("Second/Third", a.ID)
	if got := w.in(a.ID); !slices.Equal(got, []string{"Album", "Second/Third"}) {
		t.Errorf("the image is in %v", got)
	}
	if got := w.in(b.ID); len(got) != 0 {
		t.Errorf("the other image is in %v", got)
	}
}

func testMemberLimits(t *testing.T, w *world) {
	album := w.create("Album", "")
	unknown := func(n int) []string { return slices.Repeat([]string{identity.NewImageID(base)}, n) }
	for _, n := range []int{0, catalogapi.MaxMembers - 1, catalogapi.MaxMembers} {
		got, err := w.Catalog.AddToAlbum(w.ctx, catalogapi.MembersRequest{ID: album.ID, IDs: unknown(n)})
		if err != nil || len(got.Results) != n || got.Results == nil {
			t.Errorf("%d ids: %d results, %v", n, len(got.Results), err)
		}
	}
	_, err := w.Catalog.AddToAlbum(w.ctx, catalogapi.MembersRequest{ID: album.ID, IDs: unknown(catalogapi.MaxMembers + 1)})
	w.fails(err, fault.Invalid, "validation_failed")
	_, err = w.Catalog.RemoveFromAlbum(w.ctx, catalogapi.MembersRequest{ID: album.ID, IDs: unknown(catalogapi.MaxMembers + 1)})
	w.fails(err, fault.Invalid, "validation_failed")
	i := w.add("a", 0)
	req := catalogapi.PutRequest{}
	for n := range catalogapi.MaxAlbumsOfImage + 1 {
		req.Albums = append(req.Albums, catalogapi.PutAlbum{Path: fmt.Sprint("Many ", n), IDs: []string{i.ID}})
	}
	got, err := w.Catalog.PutIntoAlbums(w.ctx, req)
	if err != nil {
		t.Fatal(err)
	}
	for n, a := range got.Albums {
		want := catalogapi.MemberDone
		if n >= catalogapi.MaxAlbumsOfImage {
			want = catalogapi.MemberTooMany
		}
		if a.Results[0].Status != want {
			t.Errorf("album %d of the image: %s, want %s", n+1, a.Results[0].Status, want)
		}
	}
	again := w.manifest("a", 0)
	again.Album = "One more"
	e := expectedOf(again)
	e.Album = again.Album
	w.expect(e)
	w.uploaded(again)
	if n := len(w.in(i.ID)); n != catalogapi.MaxAlbumsOfImage {
		t.Errorf("uploaded to another album, the image is in %d", n)
	}
}

func testMembersInTrash(t *testing.T, w *world) {
	a, b := w.add("a", 0), w.add("b", 1)
	album := w.put("Album", a.ID, b.ID)
	w.trash(b.ID)
	w.wantAlbums("Album (1)")
	w.trash(b.ID) // again
	w.wantAlbums("Album (1)")
	if got := ids(w.list(catalogapi.ListRequest{Album: album, Trashed: true})); !slices.Equal(got, []string{b.ID}) {
		t.Errorf("of the album in the trash are %v", got)
	}
	if _, err := w.Catalog.Restore(w.ctx, b.ID); err != nil {
		t.Fatal(err)
	}
	w.wantAlbums("Album (2)")
	w.purge(a.ID)
	w.wantAlbums("Album (1)")
	w.trash(b.ID)
	w.remove(album, b.ID) // from the trash
	if _, err := w.Catalog.Restore(w.ctx, b.ID); err != nil {
		t.Fatal(err)
	}
	w.wantAlbums("Album (0)")
	w.trash(b.ID)
	w.put("Album", b.ID) // into it from the trash
	w.wantAlbums("Album (0)")
	if _, err := w.Catalog.Restore(w.ctx, b.ID); err != nil {
		t.Fatal(err)
	}
	w.wantAlbums("Album (1)")
	moved := w.manifest("b", 0)
	moved.ID, moved.Key, moved.Renditions = b.ID, b.Key, b.Renditions
	moved.SHA256 = b.SHA256
	moved.TakenAt = new(base.AddDate(-1, 0, 0))
	w.add("c", 0)
	w.put("Album", w.add("d", 0).ID)
	w.uploaded(moved) // made again, with another time
	if got := w.list(catalogapi.ListRequest{Album: album}); len(got) != 2 || got[1].ID != b.ID {
		t.Errorf("an image whose time changed is not in its place: %v", ids(got))
	}
	w.wantAlbums("Album (2)")
}

func testAlbumPages(t *testing.T, w *world) {
	var members []string
	for i := range 25 {
		id := w.add(fmt.Sprint(i), i%5).ID // equal times
		if i%5 != 0 {
			members = append(members, id)
		}
	}
	album, other := w.put("Album", members...), w.put("Other", members[0])
	whole := ids(w.list(catalogapi.ListRequest{Album: album}))
	want := slices.DeleteFunc(ids(w.list(catalogapi.ListRequest{})), func(id string) bool { return !slices.Contains(members, id) })
	if !slices.Equal(whole, want) {
		t.Errorf("the album is in the order %v, the timeline in %v", whole, want)
	}
	for _, limit := range []int{1, 7, 20} {
		if got := ids(w.list(catalogapi.ListRequest{Album: album, Limit: limit})); !slices.Equal(got, whole) {
			t.Errorf("pages of %d show %v", limit, got)
		}
	}
	if got := w.list(catalogapi.ListRequest{Album: album, Month: "2026-10"}); len(got) != 0 {
		t.Errorf("of another month are %v", ids(got))
	}
	if got := w.list(catalogapi.ListRequest{Album: album, Month: "2026-11", Limit: 6}); len(got) != len(members) {
		t.Errorf("of their month are %d", len(got))
	}
	first, err := w.Catalog.List(w.ctx, catalogapi.ListRequest{Album: album, Limit: 3})
	if err != nil {
		t.Fatal(err)
	}
	for _, req := range []catalogapi.ListRequest{{}, {Album: other}, {Album: album, Trashed: true}} {
		req.Cursor = first.NextCursor
		_, err := w.Catalog.List(w.ctx, req)
		w.fails(err, fault.Invalid, "cursor_invalid")
	}
}

func testPutIntoAlbums(t *testing.T, w *world) {
	a, b := w.add("a", 0), w.add("b", 1)
	cursor := w.cursor()
	req := catalogapi.PutRequest{Albums: []catalogapi.PutAlbum{
		{Path: "Trips/Seoul 2026", IDs: []string{a.ID, "nobody"}},
		{Path: " Trips // Seoul\u200b 2026/", IDs: []string{b.ID, a.ID}},
		{Path: "Trips/Busan"},
	}}
	first, err := w.Catalog.PutIntoAlbums(w.ctx, req)
	if err != nil {
		t.Fatal(err)
	}
	if first.Albums[0].AlbumID != first.Albums[1].AlbumID || first.Albums[0].Results[1].Status != "not_found" || first.Albums[1].Results[0].Status != "done" {
		t.Errorf("PutIntoAlbums = %+v", first)
	}
	w.wantAlbums("Trips (0)", "Trips/Busan (0)", "Trips/Seoul 2026 (2)")
	if n := len(w.since(cursor)); n != 3 {
		t.Errorf("%d changes, want one for each album", n)
	}
	cursor = w.cursor()
	again, err := w.Catalog.PutIntoAlbums(w.ctx, req)
	if err != nil || !reflect.DeepEqual(again, first) {
		t.Errorf("PutIntoAlbums again = %+v, %v; want %+v", again, err, first)
	}
	if got := w.since(cursor); len(got) != 0 {
		t.Errorf("putting again changed %v", got)
	}
	deep := w.album(w.put("1/2/3/4/5/6/7/8/9/10", a.ID))
	if deep.Path != "1/2/3/4/5/6/7/8" || deep.Images != 1 {
		t.Errorf("a path that is too deep led to %+v", deep)
	}
}

func testPutRefuses(t *testing.T, w *world) {
	fails := func(req catalogapi.PutRequest, pointer string) {
		t.Helper()
		_, err := w.Catalog.PutIntoAlbums(w.ctx, req)
		w.fails(err, fault.Invalid, "validation_failed")
		if f := fault.Public(err).Fields; len(f) != 1 || f[0].Pointer != pointer {
			t.Errorf("pointed out is %+v, want %s", f, pointer)
		}
	}
	fails(catalogapi.PutRequest{Albums: []catalogapi.PutAlbum{{Path: "good"}, {Path: " / ../ "}}}, "/albums/1/path")
	ids := slices.Repeat([]string{identity.NewImageID(base)}, catalogapi.MaxMembers/2+1)
	fails(catalogapi.PutRequest{Albums: []catalogapi.PutAlbum{{Path: "a", IDs: ids}, {Path: "b", IDs: ids}}}, "/albums")
	albums := slices.Repeat([]catalogapi.PutAlbum{{Path: "a"}}, catalogapi.MaxPutAlbums+1)
	fails(catalogapi.PutRequest{Albums: albums}, "/albums")
	w.wantAlbums()
	if resp, err := w.Catalog.PutIntoAlbums(w.ctx, catalogapi.PutRequest{Albums: albums[1:]}); err != nil || len(resp.Albums) != catalogapi.MaxPutAlbums {
		t.Errorf("%d albums at once: %d, %v", catalogapi.MaxPutAlbums, len(resp.Albums), err)
	}
	if resp, err := w.Catalog.PutIntoAlbums(w.ctx, catalogapi.PutRequest{}); err != nil || len(resp.Albums) != 0 {
		t.Errorf("nothing to put: %+v, %v", resp, err)
	}
}

// testUploadedAlbum: an upload is put into its album once, whatever is delivered
// again.
func testUploadedAlbum(t *testing.T, w *world) {
	m := w.manifest("a", 0)
	m.Album = "Trips/Seoul 2026"
	w.uploaded(m)
	w.wantAlbums("Trips (0)", "Trips/Seoul 2026 (1)")
	album := w.put(m.Album)
	w.remove(album, m.ID)
	w.uploaded(m)
	w.expect(expectedOf(m))
	w.wantAlbums("Trips (0)", "Trips/Seoul 2026 (0)")
	if err := w.Catalog.DeleteAlbum(w.ctx, album); err != nil {
		t.Fatal(err)
	}
	w.uploaded(m)
	w.wantAlbums("Trips (0)")
	odd := w.manifest("odd", 0)
	odd.Album = strings.Repeat("x", 300) + "/./\u202e../" + strings.Repeat("/y", 20)
	w.uploaded(odd)
	if got := w.in(odd.ID); len(got) != 1 || !strings.HasPrefix(got[0], strings.Repeat("x", 255)+"/y/") || strings.Count(got[0], "/") != 7 {
		t.Errorf("an odd album became %q", got)
	}
	later := w.manifest("later", 0)
	later.Album = "Later"
	w.expect(expectedOf(later)) // by an edge that knows no albums
	w.uploaded(later)
	if got := w.in(later.ID); !slices.Equal(got, []string{"Later"}) {
		t.Errorf("an image that was expected before is in %v", got)
	}
}

func testExpectedAlbum(t *testing.T, w *world) {
	m := w.manifest("a", 0)
	e := expectedOf(m)
	e.Album = "Folder"
	cursor := w.cursor()
	w.expect(e)
	w.wantAlbums("Folder (1)")
	album := w.put("Folder")
	if got, want := w.since(cursor), []string{"added " + m.ID, "album_changed " + album}; !slices.Equal(got, want) {
		t.Errorf("changes = %v, want %v", got, want)
	}
	m.Album = "Folder"
	w.uploaded(m)
	w.wantAlbums("Folder (1)")
	w.remove(album, m.ID)
	w.expect(e) // said again
	w.wantAlbums("Folder (0)")
	again := w.manifest("a", 0)
	dropped := expectedOf(again)
	dropped.Album = "Folder"
	if got := w.expect(dropped); got[0].DuplicateOf != m.ID {
		t.Fatalf("Expect = %+v", got)
	}
	w.wantAlbums("Folder (1)")
}

// testMergedAlbums: whatever a duplicate was in, the image that is kept is in.
func testMergedAlbums(t *testing.T, w *world) {
	original := w.add("real bytes", 0)
	w.put("Shared", original.ID)
	announced := w.manifest("other bytes", 0)
	w.expect(expectedOf(announced))
	w.put("Shared", announced.ID)
	w.put("By hand", announced.ID)
	announced.SHA256, announced.Album = original.SHA256, "Uploaded"
	w.uploaded(announced)
	if got := w.in(original.ID); !slices.Equal(got, []string{"By hand", "Shared", "Uploaded"}) {
		t.Errorf("the image that is kept is in %v", got)
	}
	if got := w.in(announced.ID); len(got) != 3 { // by its other name
		t.Errorf("the merged id is in %v", got)
	}
	w.wantAlbums("By hand (1)", "Shared (1)", "Uploaded (1)")
	w.remove(w.put("Uploaded"), announced.ID)
	w.uploaded(announced)
	w.wantAlbums("By hand (1)", "Shared (1)", "Uploaded (0)")
}

func testForeignAlbums(t *testing.T, w *world) {
	mine := w.add("a", 0)
	album := w.put("Mine", mine.ID)
	cursor := w.cursor()
	other := w.as(w.owner + "-b")
	for _, err := range []error{
		second(other.Catalog.Album(other.ctx, album)),
		second(other.Catalog.ChangeAlbum(other.ctx, catalogapi.AlbumChange{ID: album, Name: new("Stolen")})),
		second(other.Catalog.AddToAlbum(other.ctx, catalogapi.MembersRequest{ID: album, IDs: []string{mine.ID}})),
		second(other.Catalog.RemoveFromAlbum(other.ctx, catalogapi.MembersRequest{ID: album, IDs: []string{mine.ID}})),
		second(other.Catalog.CreateAlbum(other.ctx, catalogapi.NewAlbum{Name: "x", ParentID: album})),
		second(other.Catalog.List(other.ctx, catalogapi.ListRequest{Album: album})),
	} {
		w.fails(err, fault.NotFound, "album_not_found")
	}
	_, err := other.Catalog.Albums(other.ctx, catalogapi.AlbumsRequest{Image: mine.ID})
	w.notFound(err)
	if err := other.Catalog.DeleteAlbum(other.ctx, album); err != nil { // as if it were gone
		t.Error(err)
	}
	if theirs := other.put("Mine", mine.ID); theirs == album {
		t.Error("the same path of two owners is one album")
	}
	other.wantAlbums("Mine (0)")
	w.wantAlbums("Mine (1)")
	if got := w.since(cursor); len(got) != 0 {
		t.Errorf("the other owner changed %v", got)
	}
	nobody := identity.WithOwner(w.ctx, "")
	for _, err := range []error{
		second(w.Catalog.Albums(nobody, catalogapi.AlbumsRequest{})), second(w.Catalog.Album(nobody, album)),
		second(w.Catalog.CreateAlbum(nobody, catalogapi.NewAlbum{Name: "x"})), second(w.Catalog.ChangeAlbum(nobody, catalogapi.AlbumChange{ID: album})),
		w.Catalog.DeleteAlbum(nobody, album), second(w.Catalog.AddToAlbum(nobody, catalogapi.MembersRequest{ID: album})),
		second(w.Catalog.PutIntoAlbums(nobody, catalogapi.PutRequest{})),
	} {
		w.fails(err, fault.Invalid, "owner_missing")
	}
}

// testRacingPaths: twenty uploads of a folder at once make one album of it.
func testRacingPaths(t *testing.T, w *world) {
	all := make([]contract.Manifest, workers)
	done := make(chan error, 2*workers)
	for i := range all {
		all[i] = w.manifest(fmt.Sprint("race ", i), i)
		all[i].Album = "Trips/Race"
		go func() { done <- w.tryUploaded(all[i]) }()
		go func() {
			catalog := []Catalog{w.Catalog, w.Other}[i%2]
			_, err := catalog.PutIntoAlbums(w.ctx, catalogapi.PutRequest{Albums: []catalogapi.PutAlbum{{Path: "Trips/Race", IDs: []string{all[i].ID}}}})
			done <- err
		}()
	}
	for range cap(done) {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	w.wantAlbums("Trips (0)", fmt.Sprintf("Trips/Race (%d)", workers))
}
