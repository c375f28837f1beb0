package pages

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sajin-gallery/sajin/services/web/ui"
)

// texts is the templates and the translations.
//
//go:embed templates/*.html locales/*.json
var texts embed.FS

// Where a tree shaped like services/web has its files.
const (
	devAssets = "ui"
	devTexts  = "internal/pages"
)

// Unpack fills an empty folder with the interface's files as they are built in,
// in the places that services/web has them in, so that Options.Dev can read
// them there and somebody can change them. A folder that has anything in it
// stays as it is. The folder must exist.
func Unpack(dir string) error {
	found, err := os.ReadDir(dir)
	if err != nil || len(found) > 0 {
		return err
	}
	for place, files := range map[string]fs.FS{devAssets: ui.Files, devTexts: texts} {
		if err := os.CopyFS(filepath.Join(dir, filepath.FromSlash(place)), files); err != nil {
			return fmt.Errorf("unpack the interface: %w", err)
		}
	}
	return nil
}

// readFrom takes everything from a tree shaped like services/web.
func (p *Pages) readFrom(tree fs.FS) (err error) {
	if p.source, err = fs.Sub(tree, devAssets); err != nil {
		return err
	}
	p.texts, err = fs.Sub(tree, devTexts)
	return err
}

// refresh reads everything again in Dev. Assets that cannot be read (a build is
// just being written) leave the last good ones in place; what is wrong with a
// template is the answer, so that whoever writes it sees it.
func (p *Pages) refresh() error {
	if !p.dev {
		return nil
	}
	languages, err := p.editions()
	if err != nil {
		return err
	}
	fresh, err := loadAssets(p.source, p.static)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.languages = languages
	if err == nil {
		p.assets = fresh
	}
	return nil
}
