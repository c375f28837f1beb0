package takeout_test

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/services/sajin/internal/takeout"
)

// unpack writes files below a folder.
func unpack(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		at := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// pack writes an archive; change may alter an entry's header.
func pack(t *testing.T, files map[string]string, change ...func(*zip.FileHeader)) string {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		h := &zip.FileHeader{Name: name, Method: zip.Deflate}
		for _, c := range change {
			c(h)
		}
		entry, err := w.CreateHeader(h)
		if err == nil {
			_, err = io.WriteString(entry, files[name])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "takeout.zip")
	if err := os.WriteFile(name, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func open(t *testing.T, paths ...string) *takeout.Export {
	t.Helper()
	x, err := takeout.Open(t.Context(), "", paths...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := x.Close(); err != nil {
			t.Error(err)
		}
	})
	return x
}

// captions are the captions of the pictures that have one, by name.
func captions(x *takeout.Export) map[string]string {
	out := map[string]string{}
	for _, i := range x.Items {
		if i.File.Caption != "" {
			out[i.File.Name] = i.File.Caption
		}
	}
	return out
}

func said(caption string) string { return fmt.Sprintf(`{"description":%q}`, caption) }

func TestSidecarsAreFound(t *testing.T) {
	long := "a_photograph_with_a_very_long_name_indeed_from_20"
	titled := func(title string) string { return fmt.Sprintf(`{"title":%q,"description":%q}`, title, title) }
	for _, c := range []struct{ picture, sidecar string }{
		{"IMG.jpg", "IMG.jpg.json"},
		{"IMG.jpg", "IMG.jpg.supplemental-metadata.json"},
		{"IMG.jpg", "IMG.jpg.supplemental-meta.json"},
		{"IMG.jpg", "IMG.jpg.supp.json"},
		{"IMG.jpg", "IMG.jpg..json"},
		{"IMG.jpg", "IMG.jpg.JSON"},
		{"IMG(1).jpg", "IMG.jpg(1).json"},
		{"IMG(1).jpg", "IMG.jpg.supplemental-metadata(1).json"},
		{"IMG(1).jpg", "IMG(1).jpg.json"},
		{"IMG-edited.jpg", "IMG.jpg.json"},
		{"IMG-bearbeitet.jpg", "IMG.jpg.supplemental-metadata.json"},
		{"IMG-수정됨(2).jpg", "IMG.jpg(2).json"},
		{long[:47] + ".jpg", long[:46] + ".json"},
		{"한강의_아침_서울에서_가장_아름다운_곳에서_찍은.jpg", "한강의_아침_서울에서_가장_아름다.json"},
	} {
		title := "right"
		if len(c.sidecar) > 40 && !strings.Contains(c.sidecar, "supplemental") {
			title = strings.TrimSuffix(c.picture, ".jpg") + "26.jpg"
		}
		x := open(t, unpack(t, map[string]string{"p/" + c.picture: "x", "p/" + c.sidecar: titled(title), "q/" + c.sidecar: said("another folder's")}))
		if got := captions(x); got[c.picture] != title || x.Known != 1 || len(x.Alone) != 0 {
			t.Errorf("%s beside %s: %v", c.picture, c.sidecar, got)
		}
	}
}

// A sidecar of another picture is worse than none.
func TestSidecarsOfOthersAreNotTaken(t *testing.T) {
	long := strings.Repeat("x", 46)
	for _, c := range []struct{ picture, sidecar, content string }{
		{"IMG.jpg", "IMG.jpg(1).json", said("of the other")},
		{"IMG(1).jpg", "IMG.jpg.json", said("of the first")},
		{"IMG(1).jpg", "IMG.jpg(2).json", said("of the other")},
		{"IMG.jpg", "IMG.png.json", said("of a PNG")},
		{"IMG_1.jpg", "IMG.json", said("of something")},
		{"IMG.jpg", "IMG.jpg.superb.json", said("of something")},
		{long + "abc.jpg", long + ".json", `{"title":"` + long + `xyz.jpg","description":"of a long name that begins alike"}`},
		{"IMG.jpg", "IMG.jpg.json", "{"},
		{"IMG.jpg", "IMG.jpg.json", `{"description":"` + strings.Repeat("x", 1<<20) + `"}`},
	} {
		x := open(t, unpack(t, map[string]string{c.picture: "x", c.sidecar: c.content}))
		if got := captions(x); len(got) > 0 || x.Known != 0 || len(x.Alone) != 1 || len(x.Items) != 1 {
			t.Errorf("%s beside %s: %v, alone: %v", c.picture, c.sidecar, got, x.Alone)
		}
	}
}

func TestWhatASidecarSays(t *testing.T) {
	for content, want := range map[string]uploadapi.PlanFile{
		`{"photoTakenTime":{"timestamp":"1304665689"},"geoData":{"latitude":37.5,"longitude":127,"altitude":3}}`: {
			TakenAt: "2011-05-06T07:08:09Z", Place: &contract.Place{Latitude: 37.5, Longitude: 127},
		},
		`{"photoTakenTime":{"timestamp":-86400},"geoData":{"latitude":0.0,"longitude":0.0},"geoDataExif":{"latitude":-1,"longitude":2}}`: {
			TakenAt: "1969-12-31T00:00:00Z", Place: &contract.Place{Latitude: -1, Longitude: 2},
		},
		`{"photoTakenTime":{"timestamp":"0"},"geoData":{},"description":" two\nlines "}`: {Caption: "two\nlines"},
		said(strings.Repeat("한", uploadapi.MaxCaption+1)):                                {Caption: strings.Repeat("한", uploadapi.MaxCaption)},
		`{}`: {},
	} {
		f := open(t, unpack(t, map[string]string{"a.jpg": "x", "a.jpg.json": content})).Items[0].File
		got := uploadapi.PlanFile{TakenAt: f.TakenAt, Caption: f.Caption, Place: f.Place}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%.80s (-want +got):\n%s", content, diff)
		}
	}
}

// Albums are the folders that say so; the pictures of years and of no folder in
// particular are in none.
func TestAlbums(t *testing.T) {
	dir := unpack(t, map[string]string{
		"Takeout/Google Photos/Photos from 2023/a.jpg":         "x",
		"Takeout/Google Photos/Photos from 2023/metadata.json": `{"title":"Photos from 2023"}`,
		"Takeout/Google Photos/2023년의 사진/b.jpg":                "x",
		"Takeout/Google Photos/2023년의 사진/메타데이터.json":           `{"title":"2023년의 사진"}`,
		"Takeout/Google Photos/Seoul 2023/c.jpg":               "x",
		"Takeout/Google Photos/Seoul 2023/metadata.json":       `{"title":"Seoul 2023"}`,
		"Takeout/Google Photos/May_June/d.jpg":                 "x",
		"Takeout/Google Photos/May_June/Metadaten.json":        `{"title":"May/June"}`,
		"Takeout/Google Photos/Nothing/e.jpg":                  "x",
		"Takeout/Google Photos/Nothing/metadata.json":          `{"title":""}`,
		"Takeout/Google Photos/Nothing/f.mp4":                  "x",
		"Takeout/Google Photos/print-subscriptions.json":       `[]`,
		"Takeout/archive_browser.html":                         "x",
		"Takeout/.hidden/g.jpg":                                "x",
		"Takeout/Google Photos/Bin/h.jpg":                      "x",
		"Takeout/Google Photos/Bin/h.jpg.json":                 `{"trashed":true}`,
	})
	x, err := takeout.Open(t.Context(), "Google", dir)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, i := range x.Items {
		got[i.File.Name] = i.File.Album
	}
	want := map[string]string{"a.jpg": "Google", "b.jpg": "Google", "c.jpg": "Google/Seoul 2023", "d.jpg": "Google/May-June", "e.jpg": "Google"}
	if diff := cmp.Diff(want, got); diff != "" || x.Albums != 2 || x.Trashed != 1 || len(x.Other) != 2 || len(x.Unread) != 0 {
		t.Errorf("%d albums, %d in the trash, others %v, unread %v (-want +got):\n%s", x.Albums, x.Trashed, x.Other, x.Unread, diff)
	}
}

// Of equal pictures it does not matter which is sent, or which the sidecar lies
// beside; another one of the same size has nothing to do with it.
func TestEqualPicturesShareASidecar(t *testing.T) {
	x := open(t, pack(t, map[string]string{
		"2023/a.jpg": "picture a", "2023/a.jpg.json": said("of a"), "Album/a.jpg": "picture a", "Other/a.jpg": "picture b", "2023/b.jpg": "more",
	}))
	got := map[string]string{}
	for _, i := range x.Items {
		_, name, _ := strings.Cut(i.Shown, ": ")
		got[name] = i.File.Caption
	}
	want := map[string]string{"2023/a.jpg": "of a", "Album/a.jpg": "of a", "Other/a.jpg": "", "2023/b.jpg": ""}
	if diff := cmp.Diff(want, got); diff != "" || x.Known != 2 || len(x.Alone) != 2 {
		t.Errorf("%d known, alone %v (-want +got):\n%s", x.Known, x.Alone, diff)
	}
}

// What belongs together may be in several parts of an export; folders that are
// given themselves have nothing to do with each other.
func TestSeveralParts(t *testing.T) {
	first := pack(t, map[string]string{"Takeout/Trip/a.jpg": "picture a", "Takeout/Trip/metadata.json": `{"title":"Trip"}`})
	second := pack(t, map[string]string{"Takeout/Trip/a.jpg.supp.json": said("of a"), "Takeout/Trip/b.jpg": "picture b"})
	x := open(t, first, second)
	if len(x.Items) != 2 || x.Items[0].File.Album != "Trip" || x.Items[1].File.Album != "Trip" || captions(x)["a.jpg"] != "of a" {
		t.Errorf("%+v", x.Items)
	}
	for offset, want := range map[int64]string{0: "picture a", 8: "a", 9: ""} {
		r, err := x.Items[0].Open(offset)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil || string(got) != want || r.Close() != nil {
			t.Errorf("from %d on: %q, %v", offset, got, err)
		}
	}
	trip := unpack(t, map[string]string{"a.jpg": "x", "metadata.json": `{"title":"Trip"}`, "b.jpg.json": said("of the trip")})
	home := unpack(t, map[string]string{"b.jpg": "x"})
	y := open(t, trip, home)
	if len(y.Items) != 2 || y.Items[0].File.Album != "Trip" || y.Items[1].File.Album != "" || len(captions(y)) != 0 {
		t.Errorf("%+v", y.Items)
	}
}

// TestU47_HostileArchives: names that lead elsewhere, and what is not what it
// says, are named and refused; the rest is brought in.
func TestU47_HostileArchives(t *testing.T) {
	link := func(h *zip.FileHeader) {
		if strings.HasPrefix(h.Name, "link") {
			h.SetMode(os.ModeSymlink | 0o777)
		}
	}
	x := open(t, pack(t, map[string]string{
		"good.jpg": "x", "../../slip.jpg": "x", "/absolute.jpg": "x", `..\windows.jpg`: "x", `C:\a\..\..\b.jpg`: "x", "link.jpg": "/etc/passwd",
		"nested.zip": "PK", "zeros.bmp": strings.Repeat("\x00", takeout.RatioFrom+1), "less.bmp": strings.Repeat("\x00", takeout.RatioFrom),
	}, link))
	var names []string
	for _, i := range x.Items {
		names = append(names, i.File.Name)
	}
	if !slices.Equal(names, []string{"good.jpg", "less.bmp"}) || len(x.Unread) != 5 || len(x.Other) != 1 {
		t.Errorf("taken: %v, refused: %v, others: %v", names, x.Unread, x.Other)
	}
	locked := open(t, pack(t, map[string]string{"a.jpg": "x"}, func(h *zip.FileHeader) { h.Flags |= 1 }))
	if len(locked.Items) != 0 || len(locked.Unread) != 1 || !strings.Contains(locked.Unread[0].Error(), "encrypted") {
		t.Errorf("an encrypted file: %v, %v", locked.Items, locked.Unread)
	}
}

// A file with another checksum than the archive says, or that unpacks to more, is
// found when it is read.
func TestU47_DamagedArchives(t *testing.T) {
	content := strings.Repeat("a picture ", 20)
	for name, damage := range map[string]func([]byte) []byte{
		"another checksum": func(raw []byte) []byte {
			return bytes.Replace(raw, []byte(content), []byte(strings.ToUpper(content)), 1)
		},
		"a larger file": func(raw []byte) []byte {
			at := bytes.Index(raw, []byte("PK\x01\x02")) + 24 // the size in the directory
			raw[at]--
			return raw
		},
	} {
		archive := pack(t, map[string]string{"a.jpg": content}, func(h *zip.FileHeader) { h.Method = zip.Store })
		raw, err := os.ReadFile(archive)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(archive, damage(raw), 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := open(t, archive).Items[0].Open(0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(r); fault.Public(err).Code != "archive_damaged" {
			t.Errorf("%s: %v", name, err)
		}
		_ = r.Close()
	}
}

// The film of a live photo goes with the picture beside it, also where that is in
// another archive of the export; a film alone is left out, and told of.
func TestFilmsGoWithTheirPictures(t *testing.T) {
	first := map[string]string{
		"Takeout/Trip/metadata.json": `{"title":"Trip"}`,
		"Takeout/Trip/IMG_1.HEIC":    "one", "Takeout/Trip/IMG_1.HEIC.json": said("the first"), "Takeout/Trip/IMG_1.MOV": "film 1",
		"Takeout/Trip/IMG_2(1).JPG": "two", "Takeout/Trip/IMG_2(1).MOV": "film 2", "Takeout/Trip/IMG_2.MOV": "of none",
		"Takeout/Trip/IMG_3.jpg": "three", "Takeout/Trip/IMG_3.jpg.json": `{"trashed":true}`, "Takeout/Trip/IMG_3.mov": "film 3",
		"Takeout/Trip/IMG_4.MOV": "film 4",
	}
	second := map[string]string{"Takeout/Trip/IMG_4.jpg": "four", "Takeout/Elsewhere/IMG_2.jpg": "five"}
	for name, paths := range map[string][]string{
		"folders": {unpack(t, first), unpack(t, second)}, "archives": {pack(t, first), pack(t, second)},
	} {
		t.Run(name, func(t *testing.T) {
			x := open(t, paths...)
			names, films := map[string]string{}, map[string]string{}
			for _, i := range x.Items {
				names[i.Key] = i.File.Name
			}
			for _, i := range x.Items {
				if i.FilmOf != "" {
					films[i.File.Name] = names[i.FilmOf]
				}
				if i.FilmOf != "" && i.File.Album != "Trip" {
					t.Errorf("%s goes to %q", i.File.Name, i.File.Album)
				}
			}
			want := map[string]string{"IMG_1.MOV": "IMG_1.HEIC", "IMG_2(1).MOV": "IMG_2(1).JPG", "IMG_4.MOV": "IMG_4.jpg"}
			if !maps.Equal(films, want) || len(x.Items) != 7 {
				t.Errorf("%d items with the films %v, want %v", len(x.Items), films, want)
			}
			if len(x.Other) != 1 || !strings.HasSuffix(x.Other[0], "IMG_2.MOV") || x.Trashed != 2 || len(x.Alone) != 3 {
				t.Errorf("left out %q, in the trash %d, without a description %q", x.Other, x.Trashed, x.Alone)
			}
		})
	}
}

func TestWhatIsNoExport(t *testing.T) {
	text := filepath.Join(t.TempDir(), "takeout.tgz")
	if err := os.WriteFile(text, []byte("no archive"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{text, filepath.Join(t.TempDir(), "nowhere")} {
		if _, err := takeout.Open(t.Context(), "", name); err == nil {
			t.Errorf("%s was opened", name)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := takeout.Open(ended, "", unpack(t, map[string]string{"a.jpg": "x"})); err == nil {
		t.Error("a run that has ended goes on")
	}
}
