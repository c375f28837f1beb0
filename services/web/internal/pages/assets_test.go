package pages

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

// tree is the least that the assets need, and what is given.
func tree(more map[string]string) fstest.MapFS {
	out := fstest.MapFS{
		"styles/2.css":        {Data: []byte(strings.Repeat("p{color:red}", 50))},
		"styles/1.css":        {Data: []byte("a{}")},
		"static/logo.svg":     {Data: []byte("<svg/>")},
		"static/empty.svg":    {Data: []byte("<svg/>")},
		"static/trash.svg":    {Data: []byte("<svg/>")},
		"static/icon-180.png": {Data: []byte("png")},
		"dist/app.js":         {Data: []byte(strings.Repeat("let a=1;", 50))},
		"dist/app.js.br":      {Data: []byte("brotli")},
		"dist/app.css":        {Data: []byte("b{}")},
		"dist/.placeholder":   {},
	}
	for name, data := range more {
		if data == "" {
			delete(out, name)
			continue
		}
		out[name] = &fstest.MapFile{Data: []byte(data)}
	}
	return out
}

func get(p *Pages, method, target, encoding string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	r.Header.Set("Accept-Encoding", encoding)
	w := httptest.NewRecorder()
	p.Static().ServeHTTP(w, r)
	return w
}

func TestStaticIsServedImmutablePlainOrPacked(t *testing.T) {
	p := newPages(t)
	style, script := p.current().url("app.css"), p.current().script
	plain := get(p, http.MethodGet, style, "")
	if plain.Code != http.StatusOK || !strings.HasPrefix(plain.Body.String(), "a{}p{color:red}") {
		t.Fatalf("%d %.40s", plain.Code, plain.Body)
	}
	for name, want := range map[string]string{
		"Content-Type": "text/css; charset=utf-8", "Cache-Control": "public, max-age=31536000, immutable",
		"X-Content-Type-Options": "nosniff", "Vary": "Accept-Encoding",
	} {
		if got := plain.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	packed := get(p, http.MethodGet, style, "deflate, gzip;q=0.8")
	zr, err := gzip.NewReader(packed.Body)
	if err != nil || packed.Header().Get("Content-Encoding") != "gzip" {
		t.Fatalf("%v %v", err, packed.Header())
	}
	unpacked, err := io.ReadAll(zr)
	if err != nil || string(unpacked) != plain.Body.String() {
		t.Errorf("gzip: %v, %d bytes, want %d", err, len(unpacked), plain.Body.Len())
	}
	if br := get(p, http.MethodGet, script, "gzip, br"); br.Header().Get("Content-Encoding") != "br" || br.Body.String() != "brotli" {
		t.Errorf("br: %v", br.Header())
	}
}

func TestStaticHeadHasNoBody(t *testing.T) {
	p := newPages(t)
	w := get(p, http.MethodHead, p.current().script, "")
	if w.Body.Len() != 0 || w.Header().Get("Content-Length") != "400" {
		t.Errorf("%d bytes, %v", w.Body.Len(), w.Header())
	}
}

func TestStaticOtherFingerprintIsNotCached(t *testing.T) {
	w := get(newPages(t), http.MethodGet, "/static/app.000000000000.css", "")
	if w.Code != http.StatusOK || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

func TestStaticUnknown(t *testing.T) {
	p := newPages(t)
	for _, target := range []string{"/static/", "/static/app.css", "/static/nothing.123.css", "/static/../pages.go", "/static/styles/1.css", "/static/.placeholder", "/static/app..css"} {
		if w := get(p, http.MethodGet, target, ""); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", target, w.Code)
		}
	}
}

func TestMissingNamesTheCommand(t *testing.T) {
	if got := newPages(t).Missing(); got != "" {
		t.Errorf("built, and yet %q", got)
	}
	p, err := New(Options{Assets: tree(map[string]string{"dist/app.js": "", "dist/app.js.br": "", "dist/app.css": ""})})
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Missing(); !strings.Contains(got, "npm ci && npm run build") {
		t.Errorf("%q does not say what to do", got)
	}
	html := render(t, views(p, "en")["gallery"])
	if strings.Contains(html, "type=\"module\"") || !strings.Contains(html, "rel=\"stylesheet\"") {
		t.Error("without a build the page has its style and no script")
	}
}

func TestNewRefusesABrokenTree(t *testing.T) {
	for name, more := range map[string]map[string]string{
		"no styles":    {"styles/1.css": "", "styles/2.css": ""},
		"unknown kind": {"static/evil.html": "x"},
	} {
		if _, err := New(Options{Assets: tree(more)}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestEmbeddedFilesAreComplete(t *testing.T) {
	p, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for language := range p.languages {
		for name, write := range views(p, language) {
			for _, m := range regexp.MustCompile(`"(/static/[^"]+)"`).FindAllStringSubmatch(render(t, write), -1) {
				if w := get(p, http.MethodGet, m[1], ""); w.Code != http.StatusOK || w.Header().Get("Cache-Control") == "no-store" {
					t.Errorf("%s: %s: %d", name, m[1], w.Code)
				}
			}
		}
	}
}

func FuzzAccepts(f *testing.F) {
	for header, want := range map[string]bool{"br": true, "gzip, br;q=0.5": true, "BR": true, "br;q=0": false, "br; q=0.0": false, "gzip": false, "": false, "xbr": false} {
		if got := accepts(header, "br"); got != want {
			f.Errorf("%q: %v, want %v", header, got, want)
		}
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if accepts(header, "br") && !strings.Contains(strings.ToLower(header), "br") {
			t.Errorf("%q accepted", header)
		}
	})
}
