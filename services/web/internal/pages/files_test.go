package pages

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var built = map[string]string{"dist/app.js": "a()", "dist/app.css": "a{}", "dist/app.js.br": "br", "dist/hash.js": "h()", "dist/sw.js": "s()"}

// Where somebody else serves the files, pages send browsers there, and nowhere
// else: every such address is one that Files lists, and the policy allows that
// place with its path. Workers and the app's icons stay with the page's origin,
// which serves everything as before.
func TestFilesServedElsewhere(t *testing.T) {
	const base = "https://storage.example/bucket"
	p, err := New(Options{Assets: tree(built), Static: base})
	if err != nil {
		t.Fatal(err)
	}
	files, err := Files(tree(built))
	if err != nil {
		t.Fatal(err)
	}
	html := render(t, views(p, "en")["gallery"])
	there := regexp.MustCompile(`(?:href|src)="`+base+`/([^"]+)"`).FindAllStringSubmatch(html, -1)
	if len(there) < 4 {
		t.Errorf("the page names %d files there: %q", len(there), there)
	}
	for _, match := range there {
		if !slices.ContainsFunc(files, func(f File) bool { return f.Name == match[1] }) {
			t.Errorf("the page names %s, which is not listed", match[1])
		}
	}
	for _, own := range regexp.MustCompile(`(?:href|src)="/static/[^"]*"`).FindAllString(html, -1) {
		t.Errorf("the page has %s of its own", own)
	}
	if hasher := p.current().hasher(); !strings.HasPrefix(hasher, "/static/") || !strings.Contains(html, `data-hasher="`+hasher+`"`) {
		t.Errorf("the hasher is at %q", hasher)
	}
	policy := p.ContentSecurityPolicy()
	for _, directive := range []string{"script-src", "style-src", "img-src"} {
		if want := directive + " 'self' " + base + "/static/;"; !strings.Contains(policy, want) {
			t.Errorf("the policy %q has no %q", policy, want)
		}
	}
	if strings.Count(policy, "https://") != 3 {
		t.Errorf("the policy allows more: %q", policy)
	}
	for _, f := range files {
		if w := get(p, http.MethodGet, "/"+f.Name, ""); w.Code != http.StatusOK || w.Body.String() != string(f.Plain) {
			t.Errorf("%s is no longer served: %d", f.Name, w.Code)
		}
	}
}

func TestFilesAreThoseThatAreServed(t *testing.T) {
	files, err := Files(tree(built))
	if err != nil {
		t.Fatal(err)
	}
	p, err := New(Options{Assets: tree(built)})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Name)
		header := get(p, http.MethodGet, "/"+f.Name, "").Header()
		if header.Get("Content-Type") != f.ContentType || header.Get("Cache-Control") != f.CacheControl {
			t.Errorf("%s: %q, %q, and served with %v", f.Name, f.ContentType, f.CacheControl, header)
		}
		if f.Gzip != nil && len(f.Gzip) >= len(f.Plain) {
			t.Errorf("%s is not smaller packed", f.Name)
		}
	}
	for _, worker := range []string{hasherName, workerName} {
		if name := strings.TrimPrefix(p.current().ownURL(worker), "/"); slices.Contains(names, name) {
			t.Errorf("%s is listed", name)
		}
	}
	if !slices.IsSorted(names) || len(names) != len(p.current().byName)-2 {
		t.Errorf("listed are %v", names)
	}
}
