// Package dirstatic puts the interface's files into a folder, for a web server
// that serves them: beside each file its compressed forms, as nginx
// (gzip_static, brotli_static) and others look for them.
//
// It knows the folder and nothing of what is current; staticfiles does.
package dirstatic

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sajin-gallery/sajin/services/web"
)

// The names of the compressed forms.
var forms = []string{".gz", ".br"}

// Place is a folder. When a file was last current is its time of modification.
type Place struct{ dir string }

// Open takes a folder, which is made with the first file.
func Open(dir string) *Place { return &Place{dir: dir} }

// List implements staticfiles.Place.
func (p *Place) List(context.Context) (map[string]time.Time, error) {
	out := map[string]time.Time{}
	entries, err := os.ReadDir(filepath.Join(p.dir, "static"))
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || !info.Mode().IsRegular() || strings.HasPrefix(entry.Name(), ".") || isForm(entry.Name()) {
			continue
		}
		out["static/"+entry.Name()] = info.ModTime()
	}
	return out, nil
}

func isForm(name string) bool {
	for _, form := range forms {
		if strings.HasSuffix(name, form) {
			return true
		}
	}
	return false
}

// Put implements staticfiles.Place. The file itself comes last: where it is, its
// forms are.
func (p *Place) Put(ctx context.Context, f web.StaticFile, at time.Time) error {
	for suffix, data := range map[string][]byte{".gz": f.Gzip, ".br": f.Brotli} {
		if data == nil {
			continue
		}
		if err := p.write(f.Name+suffix, data); err != nil {
			return err
		}
	}
	if err := p.write(f.Name, f.Plain); err != nil {
		return err
	}
	return p.Touch(ctx, f.Name, at)
}

// write makes a file appear whole. Everybody may read it: that is what it is for.
func (p *Place) write(name string, data []byte) (err error) {
	path := p.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // public files
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".sending-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(file.Name()))
		}
	}()
	_, err = file.Write(data)
	if err := errors.Join(err, file.Chmod(0o644), file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

// Touch implements staticfiles.Place.
func (p *Place) Touch(_ context.Context, name string, at time.Time) error {
	return os.Chtimes(p.path(name), at, at)
}

// Remove implements staticfiles.Place. The file goes first.
func (p *Place) Remove(_ context.Context, name string) error {
	for _, form := range append([]string{""}, forms...) {
		if err := os.Remove(p.path(name) + form); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (p *Place) path(name string) string { return filepath.Join(p.dir, filepath.FromSlash(name)) }
