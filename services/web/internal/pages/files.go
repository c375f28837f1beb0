package pages

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/sajin-gallery/sajin/services/web/ui"
)

// File is one of the interface's files, as somebody else may serve it for us.
// Its name has a fingerprint of its bytes: it never changes.
type File struct {
	Name         string // below the address that pages are told, such as static/app.0123456789ab.css
	ContentType  string
	CacheControl string
	Plain        []byte
	Gzip         []byte // nil where that is not smaller
	Brotli       []byte // nil where the build made none
}

// Files lists what Options.Static may serve, by name: everything but the workers,
// which only a page's own origin may serve. nil means the files that are built in.
func Files(source fs.FS) ([]File, error) {
	if source == nil {
		source = ui.Files
	}
	all, err := loadAssets(source, "")
	if err != nil {
		return nil, fmt.Errorf("pages: load the assets: %w", err)
	}
	var out []File
	for name, a := range all.byName {
		if name == hasherName || name == workerName {
			continue
		}
		f := File{
			Name: strings.TrimPrefix(all.ownURL(name), "/"), ContentType: a.contentType, CacheControl: immutable,
			Plain: a.plain, Brotli: a.brotli,
		}
		if len(a.gzip) < len(a.plain) {
			f.Gzip = a.gzip
		}
		out = append(out, f)
	}
	slices.SortFunc(out, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}
