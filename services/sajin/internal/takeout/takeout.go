// Package takeout finds the pictures in an export of Google Photos ("Takeout"),
// unpacked or in its archives, and puts together what the export knows of each:
// the date, the caption and the place of the file beside it, and its album.
//
// It unpacks nothing and decides by names; it knows nothing of how the pictures
// get into the gallery. Archives are hostile: see the limits in archive.go.
package takeout

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/services/sajin/internal/folder"
	"github.com/sajin-gallery/sajin/services/sajin/internal/intake"
	"github.com/sajin-gallery/sajin/services/web/webclient"
)

// entry is a file of the export.
type entry struct {
	source   int    // which of the given folders and archives it is in
	path     string // in it, with '/'; checked by fs.ValidPath
	key      string // its name for good
	shown    string
	size     int64
	modified time.Time
	open     webclient.Content
	check    func() error
}

// dir is the entry's folder, which may be in several sources. What is given itself
// is one of its own.
func (e entry) dir() string {
	if dir := path.Dir(e.path); dir != "." {
		return dir
	}
	return fmt.Sprintf("./%d", e.source)
}

// place is the entry's path, as dir has its folder.
func (e entry) place() string { return e.dir() + "/" + path.Base(e.path) }

// Export is an export that is open. Close it when its pictures are sent.
type Export struct {
	folder.Found
	Albums  int      // that pictures are in
	Known   int      // pictures that a sidecar says something of
	Alone   []string // pictures without a sidecar that can be read, as shown to a person
	Trashed int      // pictures and films that were in the trash, and are left there
	closers []io.Closer
}

// Close closes the archives.
func (x *Export) Close() error {
	var errs []error
	for _, c := range x.closers {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// Open looks into the folders and archives of one export: what belongs together
// may be in several of them. The pictures of an album get its title as their
// album, below the album given ("" for none); the others go into the album given.
func Open(ctx context.Context, album string, paths ...string) (*Export, error) {
	x := &Export{}
	f := finder{export: x, album: album, sidecars: map[sidecarKey][]entry{}, titles: map[string]string{}}
	for i, p := range paths {
		if err := f.source(ctx, i, p); err != nil {
			return nil, errors.Join(err, x.Close())
		}
	}
	f.readTitles()
	if err := f.addAll(ctx); err != nil {
		return nil, errors.Join(err, x.Close())
	}
	return x, nil
}

// addAll makes items of the pictures. A copy without a sidecar takes that of an
// equal one: which of them is sent is not known before, and must not matter.
func (f *finder) addAll(ctx context.Context) error {
	known, bySize := make([]*sidecar, len(f.pictures)), map[int64][]int{}
	for i, e := range f.pictures {
		if known[i] = f.sidecarOf(e); known[i] != nil && !known[i].Trashed {
			bySize[e.size] = append(bySize[e.size], i)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	albums := map[string]bool{}
	for i, e := range f.pictures {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		for _, other := range bySize[e.size] {
			if known[i] == nil && equal(e, f.pictures[other]) {
				known[i] = known[other]
			}
		}
		if title := f.titles[e.dir()]; f.add(e, title, known[i]) && title != "" {
			albums[title] = true
		}
	}
	f.export.Albums = len(albums)
	f.addFilms(known)
	return nil
}

// addFilms makes items of the films that lie beside a picture of the same name,
// which may be in another of the archives. Others are no pictures.
func (f *finder) addFilms(known []*sidecar) {
	var pairs folder.Pairs
	trashed := map[string]bool{}
	for i, e := range f.pictures {
		pairs.Add(e.place(), e.key)
		trashed[e.key] = known[i] != nil && known[i].Trashed
	}
	for _, e := range f.films {
		switch picture := pairs.Of(e.place()); {
		case picture == "":
			f.export.Other = append(f.export.Other, e.shown)
		case trashed[picture]:
			f.export.Trashed++
		default:
			item := f.item(e, f.titles[e.dir()])
			item.FilmOf = picture
			f.export.Items = append(f.export.Items, item)
		}
	}
}

// equal compares the bytes of two files of one size. What cannot be read is equal
// to nothing.
func equal(a, b entry) bool {
	first, err := a.open(0)
	if err != nil {
		return false
	}
	defer func() { _ = first.Close() }()
	second, err := b.open(0)
	if err != nil {
		return false
	}
	defer func() { _ = second.Close() }()
	const piece = 64 << 10
	for p, q := make([]byte, piece), make([]byte, piece); ; {
		n, err := io.ReadFull(first, p)
		m, errToo := io.ReadFull(second, q)
		switch {
		case n != m || !bytes.Equal(p[:n], q[:m]):
			return false
		case err != nil || errToo != nil:
			return ended(err) && ended(errToo)
		}
	}
}

func ended(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }

// finder collects the files first, since a sidecar may come after its picture.
type finder struct {
	export   *Export
	album    string
	pictures []entry
	films    []entry // that may be of live photos
	metadata []entry // files that may describe an album
	sidecars map[sidecarKey][]entry
	titles   map[string]string // of albums, by folder
}

// file sorts a file by its name.
func (f *finder) file(e entry) {
	switch name := path.Base(e.path); {
	case folder.IsPicture(name):
		f.pictures = append(f.pictures, e)
	case folder.IsFilm(name):
		f.films = append(f.films, e)
	case isAlbumMetadata(name):
		f.metadata = append(f.metadata, e)
	case strings.EqualFold(path.Ext(name), ".json"):
		k := keyOfSidecar(e)
		f.sidecars[k] = append(f.sidecars[k], e)
	default:
		f.export.Other = append(f.export.Other, e.shown)
	}
}

func (f *finder) unread(shown string, err error) {
	f.export.Unread = append(f.export.Unread, fmt.Errorf("%s: %w", shown, err))
}

// albumMetadata are the names, in the languages of exports that were seen, of
// the file that describes the album of its folder.
var albumMetadata = []string{
	"metadata.json", "metadaten.json", "métadonnées.json", "metadatos.json", "metadados.json", "metadati.json", "metagegevens.json",
	"metadane.json", "メタデータ.json", "메타데이터.json",
}

func isAlbumMetadata(name string) bool {
	return slices.Contains(albumMetadata, strings.ToLower(contract.AlbumName(name)))
}

// yearFolder is the title of a folder of all pictures of a year, which is no
// album, in the languages of exports that were seen.
var yearFolder = regexp.MustCompile(`^(?:Photos from|Fotos von|Photos de|Fotos de|Fotos del|Foto del|Foto's uit|Zdjęcia z|Foton från|Billeder fra|Bilder fra) \d{4}$` +
	`|^\d{4} ?(?:년의 사진|年の写真|年的照片)$`)

// readTitles learns what the albums are called.
func (f *finder) readTitles() {
	for _, e := range f.metadata {
		var m struct {
			Title string `json:"title"`
		}
		err := readJSON(e, &m)
		if err != nil {
			f.unread(e.shown, err)
			continue
		}
		if yearFolder.MatchString(m.Title) {
			continue
		}
		// A title is one name, whatever is in it.
		if title := contract.AlbumName(strings.ReplaceAll(m.Title, "/", "-")); title != "" {
			f.titles[e.dir()] = cmp.Or(f.titles[e.dir()], title)
		}
	}
}

// add makes an item of a picture, unless it was in the trash.
func (f *finder) add(e entry, title string, s *sidecar) bool {
	item := f.item(e, title)
	switch {
	case s != nil && s.Trashed:
		f.export.Trashed++
		return false
	case s != nil:
		f.export.Known++
		s.describe(&item.File)
	default:
		f.export.Alone = append(f.export.Alone, e.shown)
	}
	f.export.Items = append(f.export.Items, item)
	return true
}

// item is what there is to send of a file.
func (f *finder) item(e entry, title string) intake.Item {
	return intake.Item{
		Key: e.key, Shown: e.shown, Open: e.open, Check: e.check,
		File: uploadapi.PlanFile{
			Name: path.Base(e.path), Size: uploadapi.Length(e.size), Album: path.Join(f.album, title),
			LastModified: uploadapi.Moment(e.modified.UTC().Format(time.RFC3339Nano)),
		},
	}
}

// maxJSONBytes bounds a sidecar and an album's description; Google's have one or
// two kilobytes.
const maxJSONBytes = 1 << 20

var errJSON = errors.New("this description cannot be read")

func readJSON(e entry, into any) error {
	if e.size > maxJSONBytes {
		return errJSON
	}
	r, err := e.open(0)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	raw, err := io.ReadAll(io.LimitReader(r, maxJSONBytes+1))
	if err == nil && (len(raw) > maxJSONBytes || json.Unmarshal(raw, into) != nil) {
		err = errJSON
	}
	return err
}
