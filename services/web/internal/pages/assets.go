package pages

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

const (
	staticPrefix = "/static/"
	styleName    = "app.css"    // the style sheets, joined
	scriptName   = "script.js"  // dist/app.js
	scriptStyle  = "script.css" // dist/app.css: what only scripted elements need
	hasherName   = "hash.js"    // dist/hash.js: the worker that takes checksums
	workerName   = "sw.js"      // dist/sw.js: the service worker of the installed page
	hasherPolicy = "default-src 'none'; script-src 'wasm-unsafe-eval'"
	immutable    = "public, max-age=31536000, immutable"
)

// contentTypes are the only kinds of file that are served.
var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
	".png": "image/png",
}

// asset is one file with its encodings.
type asset struct {
	contentType string
	hash        string
	plain       []byte
	gzip        []byte
	brotli      []byte // nil unless the build made one
	isHasher    bool
}

// assets is every file by its plain name, such as "app.css". It is not changed
// once loaded.
type assets struct {
	base   string // where they are served, without what is the same everywhere
	byName map[string]asset
	script string // address of the script, empty when it was not built
	styles []string
}

func loadAssets(source fs.FS, base string) (*assets, error) {
	a := &assets{base: base, byName: map[string]asset{}}
	if err := a.addStyles(source); err != nil {
		return nil, err
	}
	if err := a.addPictures(source); err != nil {
		return nil, err
	}
	if err := a.addBuilt(source); err != nil {
		return nil, err
	}
	a.styles = []string{a.url(styleName)}
	if _, ok := a.byName[scriptName]; ok {
		a.script = a.url(scriptName)
	}
	if _, ok := a.byName[scriptStyle]; ok {
		a.styles = append(a.styles, a.url(scriptStyle))
	}
	return a, nil
}

// addStyles joins the style sheets in the order of their names, so that the
// pages are dressed without a build and with one request.
func (a *assets) addStyles(source fs.FS) error {
	names, err := fs.Glob(source, "styles/*.css")
	if err != nil || len(names) == 0 {
		return errors.Join(err, errors.New("no style sheets"))
	}
	var all bytes.Buffer
	for _, name := range names {
		data, err := fs.ReadFile(source, name)
		if err != nil {
			return err
		}
		all.Write(data)
	}
	return a.add(styleName, all.Bytes(), nil)
}

func (a *assets) addPictures(source fs.FS) error {
	names, err := fs.Glob(source, "static/*")
	if err != nil {
		return err
	}
	for _, name := range names {
		data, err := fs.ReadFile(source, name)
		if err != nil {
			return err
		}
		if err := a.add(path.Base(name), data, nil); err != nil {
			return err
		}
	}
	return nil
}

// addBuilt takes what the build made, if it was run.
func (a *assets) addBuilt(source fs.FS) error {
	for from, name := range map[string]string{
		"dist/app.js": scriptName, "dist/app.css": scriptStyle, "dist/hash.js": hasherName, "dist/sw.js": workerName,
	} {
		data, err := fs.ReadFile(source, from)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		brotli, err := fs.ReadFile(source, from+".br")
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := a.add(name, data, brotli); err != nil {
			return err
		}
	}
	return nil
}

func (a *assets) add(name string, data, brotli []byte) error {
	contentType, ok := contentTypes[path.Ext(name)]
	if !ok {
		return fmt.Errorf("%s: a kind of file that is not served", name)
	}
	packed, err := gzipped(data)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(data)
	a.byName[name] = asset{contentType: contentType, hash: hex.EncodeToString(sum[:6]), plain: data, gzip: packed, brotli: brotli, isHasher: name == hasherName}
	return nil
}

func gzipped(data []byte) ([]byte, error) {
	var buf bytes.Buffer
	zw, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	_, err = zw.Write(data)
	if err := errors.Join(err, zw.Close()); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// hasher is the address of the worker that takes checksums, or "" if it was not
// built. A page may start workers of its own origin only.
func (a *assets) hasher() string {
	if _, ok := a.byName[hasherName]; !ok {
		return ""
	}
	return a.ownURL(hasherName)
}

// url is the fingerprinted address of a file that is known to exist.
func (a *assets) url(name string) string { return a.base + a.ownURL(name) }

// ownURL is where we serve it ourselves.
func (a *assets) ownURL(name string) string {
	ext := path.Ext(name)
	return staticPrefix + strings.TrimSuffix(name, ext) + "." + a.byName[name].hash + ext
}

// find takes the last element of an address apart: the asset, and whether the
// fingerprint is that of the bytes we have.
func (a *assets) find(element string) (found asset, exact, ok bool) {
	ext := path.Ext(element)
	stem := strings.TrimSuffix(element, ext)
	hash := strings.TrimPrefix(path.Ext(stem), ".")
	found, ok = a.byName[strings.TrimSuffix(stem, "."+hash)+ext]
	return found, ok && hash == found.hash, ok && hash != ""
}

// Static serves the files under /static/. An address with the right
// fingerprint may be kept for ever. One with another fingerprint gets the file
// as it is now, uncached: during a rolling deployment a page of the other
// version must not stand there undressed.
func (p *Pages) Static() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		found, exact, ok := p.current().find(strings.TrimPrefix(r.URL.Path, staticPrefix))
		if !ok {
			http.NotFound(w, r)
			return
		}
		header := w.Header()
		header.Set("Cache-Control", "no-store")
		if exact && !p.dev {
			header.Set("Cache-Control", immutable)
		}
		header.Set("Content-Type", found.contentType)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		if found.isHasher {
			header.Set("Content-Security-Policy", hasherPolicy) // a worker lives by its own file's policy
		}
		body := found.encoded(header, r.Header.Get("Accept-Encoding"))
		header.Set("Content-Length", strconv.Itoa(len(body)))
		if r.Method != http.MethodHead {
			_, _ = w.Write(body) // the client is gone; there is nobody to tell
		}
	})
}

// encoded chooses the smallest form that the client takes.
func (f asset) encoded(header http.Header, accept string) []byte {
	header.Set("Vary", "Accept-Encoding")
	switch {
	case f.brotli != nil && accepts(accept, "br"):
		header.Set("Content-Encoding", "br")
		return f.brotli
	case len(f.gzip) < len(f.plain) && accepts(accept, "gzip"):
		header.Set("Content-Encoding", "gzip")
		return f.gzip
	default:
		return f.plain
	}
}

// accepts reports whether an Accept-Encoding names the coding and does not
// refuse it with q=0. "*" is not looked for: no browser sends it alone.
func accepts(header, coding string) bool {
	for item := range strings.SplitSeq(header, ",") {
		name, params, _ := strings.Cut(item, ";")
		if strings.EqualFold(strings.TrimSpace(name), coding) {
			weight := strings.ReplaceAll(strings.TrimSpace(params), " ", "")
			return weight == "" || strings.Trim(strings.TrimPrefix(weight, "q="), "0.") != ""
		}
	}
	return false
}
