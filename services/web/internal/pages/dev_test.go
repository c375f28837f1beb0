package pages

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// unpacked is pages in development, and the folder that they are read from.
func unpacked(t *testing.T) (*Pages, string) {
	t.Helper()
	dir := t.TempDir()
	if err := Unpack(dir); err != nil {
		t.Fatal(err)
	}
	p, err := New(Options{Dev: os.DirFS(dir)})
	if err != nil {
		t.Fatal(err)
	}
	return p, dir
}

// change replaces the first old in a file below dir.
func change(t *testing.T, dir, name, old, with string) {
	t.Helper()
	name = filepath.Join(dir, filepath.FromSlash(name))
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), old) {
		t.Fatalf("%s does not hold %q", name, old)
	}
	if err := os.WriteFile(name, []byte(strings.Replace(string(data), old, with, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestDevShowsAnEditedTemplateOnReload(t *testing.T) {
	p, dir := unpacked(t)
	change(t, dir, "internal/pages/templates/error.html", "{{define \"error\"}}", "{{define \"error\"}}<!-- -->edited")
	if html := render(t, views(p, "en")["error"]); !strings.Contains(html, "edited") {
		t.Error("the edit does not show")
	}
}

func TestDevShowsAnEditedTranslationOnReload(t *testing.T) {
	p, dir := unpacked(t)
	before := render(t, views(p, "ko")["gallery empty"])
	change(t, dir, "internal/pages/locales/ko.json", `"app.name": "`, `"app.name": "고친 `)
	if after := render(t, views(p, "ko")["gallery empty"]); before == after || !strings.Contains(after, "고친 ") {
		t.Error("the edit does not show")
	}
}

func TestDevShowsAnEditedStyleOnReload(t *testing.T) {
	p, dir := unpacked(t)
	sheets, err := filepath.Glob(filepath.Join(dir, "ui", "styles", "*.css"))
	if err != nil || len(sheets) == 0 {
		t.Fatal(sheets, err)
	}
	before := p.current().url("app.css")
	if err := os.WriteFile(sheets[0], []byte("a{color:blue}"), 0o600); err != nil {
		t.Fatal(err)
	}
	render(t, views(p, "en")["error"])
	after := p.current().url("app.css")
	if before == after {
		t.Fatal("the edit does not show")
	}
	if w := get(p, http.MethodGet, after, ""); w.Header().Get("Cache-Control") != "no-store" {
		t.Error("in development nothing is to be cached")
	}
	if err := os.RemoveAll(filepath.Join(dir, "ui", "styles")); err != nil {
		t.Fatal(err)
	}
	render(t, views(p, "en")["error"])
	if p.current().url("app.css") != after {
		t.Error("assets that cannot be read replaced good ones")
	}
}

// Whoever writes a template must see what is wrong with it, and where.
func TestDevNamesTheMistakeInATemplate(t *testing.T) {
	p, dir := unpacked(t)
	change(t, dir, "internal/pages/templates/error.html", "{{define", "{{nonsense}}{{define")
	err := views(p, "en")["error"](new(strings.Builder))
	if err == nil || !strings.Contains(err.Error(), "error.html") || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("%v, want it to name the file and the word", err)
	}
	change(t, dir, "internal/pages/templates/error.html", "{{nonsense}}", "")
	render(t, views(p, "en")["error"])
}

// A folder that somebody has edited, or a checkout, is not written to.
func TestUnpackLeavesAFolderThatIsInUse(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mine"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Unpack(dir); err != nil {
		t.Fatal(err)
	}
	if found, err := fs.Glob(os.DirFS(dir), "*"); err != nil || len(found) != 1 {
		t.Errorf("%v, %v: want only what was there", found, err)
	}
	if err := Unpack(filepath.Join(dir, "missing")); err == nil {
		t.Error("a folder that does not exist was made")
	}
}

// What a checkout has and what is unpacked have the same places.
func TestDevReadsACheckout(t *testing.T) {
	p, err := New(Options{Dev: os.DirFS("../..")})
	if err != nil {
		t.Fatal(err)
	}
	render(t, views(p, "en")["gallery"])
}
