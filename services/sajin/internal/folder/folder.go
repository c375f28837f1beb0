// Package folder finds the pictures in folders of this machine.
//
// It decides by names what is worth sending, and never by content: that is the
// gallery's decision. It knows nothing of how they get there.
package folder

import (
	"context"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/services/sajin/internal/intake"
)

// Found is what there is to send.
type Found struct {
	Items []intake.Item
	// Other are files in folders that have no name of a picture.
	Other []string
	// Unread are folders and files that could not be looked at, with the reason.
	Unread []error
}

// extensions are those of pictures. What the gallery does not take of them it
// refuses with a sentence, which is better than a file that is silently left.
var extensions = []string{
	".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".webp", ".heic", ".heif", ".hif", ".avif", ".tif", ".tiff", ".bmp",
	".jxl", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf",
}

// system are files and folders that programs leave in folders of pictures.
var system = []string{"thumbs.db", "desktop.ini", "__macosx", "@eadir", "$recycle.bin", "system volume information", "lost+found"}

// IsPicture tells by its name whether a file is worth sending.
func IsPicture(name string) bool {
	return slices.Contains(extensions, strings.ToLower(filepath.Ext(name)))
}

// Hidden reports whether a file or folder is one that people do not see or know.
func Hidden(name string) bool {
	return strings.HasPrefix(name, ".") || slices.Contains(system, strings.ToLower(name))
}

// Find looks at every path: a file is taken whatever its name, of a folder all
// pictures in it and below. Symbolic links below are not followed, hidden and
// system files are left out. The pictures of a folder get its path, from its own
// name down, as their album, below the album given ("" for none); a file that is
// named itself goes into the album given. A film (.mov) beside a picture of the
// same name belongs to that; another film in a folder is no picture. A path that
// is not there is an error.
func Find(ctx context.Context, album string, paths ...string) (Found, error) {
	f := finder{seen: map[string]bool{}, album: album}
	for _, p := range paths {
		if err := f.path(ctx, p); err != nil {
			return Found{}, err
		}
	}
	f.pair()
	return f.found, nil
}

type finder struct {
	found Found
	seen  map[string]bool
	album string
	films []found
}

// found is a film that may belong to a picture.
type found struct {
	abs, shown, in string
	info           fs.FileInfo
	named          bool // it was named itself
}

// pair takes the films that lie beside a picture of the same name. One that was
// named itself is taken all the same, so that the gallery says what is wrong.
func (f *finder) pair() {
	var pairs Pairs
	for _, i := range f.found.Items {
		pairs.Add(i.Key, i.Key)
	}
	for _, film := range f.films {
		picture := pairs.Of(film.abs)
		switch {
		case f.seen[film.abs]:
		case picture == "" && !film.named:
			f.found.Other = append(f.found.Other, film.shown)
		default:
			f.add(film.abs, film.shown, film.in, film.info)
			f.found.Items[len(f.found.Items)-1].FilmOf = picture
		}
	}
}

func (f *finder) path(ctx context.Context, name string) error {
	abs, info, err := Locate(name)
	switch {
	case err != nil:
		return err
	case info.IsDir():
		unread := func(err error) { f.found.Unread = append(f.found.Unread, err) }
		return Walk(ctx, abs, unread, func(at, rel string, info fs.FileInfo) { f.below(abs, name, at, rel, info) })
	case IsFilm(abs):
		f.films = append(f.films, found{abs, name, "", info, true})
	default:
		f.add(abs, name, "", info)
	}
	return nil
}

// below judges a file of a folder by its name.
func (f *finder) below(root, shown, at, rel string, info fs.FileInfo) {
	in := path.Join(filepath.Base(root), filepath.ToSlash(filepath.Dir(rel)))
	switch shown = filepath.Join(shown, rel); {
	case IsFilm(at):
		f.films = append(f.films, found{at, shown, in, info, false})
	case IsPicture(at):
		f.add(at, shown, in, info)
	default:
		f.found.Other = append(f.found.Other, shown)
	}
}

// add takes a file; in is its folder as it will be called in the gallery.
func (f *finder) add(abs, shown, in string, info fs.FileInfo) {
	if f.seen[abs] {
		return
	}
	f.seen[abs] = true
	modified := info.ModTime()
	f.found.Items = append(f.found.Items, intake.Item{
		Key: abs, Shown: shown,
		File: uploadapi.PlanFile{
			Name: info.Name(), Size: uploadapi.Length(info.Size()), Path: in, Album: path.Join(f.album, in),
			LastModified: uploadapi.Moment(modified.UTC().Format(time.RFC3339Nano)),
		},
		Open:  func(offset int64) (io.ReadCloser, error) { return OpenAt(abs, offset) },
		Check: func() error { return Unchanged(abs, info) },
	})
}

var errRead = fault.New(fault.Invalid, "file_unreadable", "The file cannot be read. Does it still exist, and may you read it?")

// OpenAt opens a file from an offset on.
func OpenAt(name string, offset int64) (io.ReadCloser, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, errRead.With("folder.Open", err)
	}
	if _, err := file.Seek(offset, io.SeekStart); err != nil {
		_ = file.Close()
		return nil, errRead.With("folder.Open", err)
	}
	return file, nil
}

// Unchanged is an error when a file is not what it was when it was looked at.
func Unchanged(name string, before fs.FileInfo) error {
	info, err := os.Stat(name)
	if err != nil {
		return errRead.With("folder.Check", err)
	}
	if info.Size() != before.Size() || !info.ModTime().Equal(before.ModTime()) {
		return intake.ErrChanged
	}
	return nil
}
