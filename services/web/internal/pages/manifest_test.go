package pages

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

func TestManifestSpeaksTheLanguageAndItsIconsAreThere(t *testing.T) {
	p, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for tag, name := range map[string]string{"en": "Sajin", "ko": "사진", "xx": "Sajin"} {
		var out bytes.Buffer
		if err := p.Manifest(&out, tag); err != nil {
			t.Fatal(err)
		}
		var got manifest
		if err := json.Unmarshal(out.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if got.Name != name || got.Scope != "/" || got.Display != "standalone" || got.ShareTarget.Action != SharePath {
			t.Errorf("%s: %+v", tag, got)
		}
		for _, icon := range got.Icons {
			if w := get(p, http.MethodGet, icon.Source, ""); w.Code != http.StatusOK || w.Header().Get("Content-Type") != icon.Type {
				t.Errorf("%s: %d %v", icon.Source, w.Code, w.Header())
			}
		}
	}
}

func TestOnlyTheHasherMayRunWebAssembly(t *testing.T) {
	p, err := New(Options{Assets: tree(map[string]string{"dist/hash.js": "h()", "dist/sw.js": "s()"})})
	if err != nil {
		t.Fatal(err)
	}
	html := render(t, views(p, "en")["gallery"])
	hasher := p.current().hasher()
	if !strings.Contains(html, `data-hasher="`+hasher+`"`) {
		t.Error("the page does not say where the hasher is")
	}
	if got := get(p, http.MethodGet, hasher, "").Header().Get("Content-Security-Policy"); got != "default-src 'none'; script-src 'wasm-unsafe-eval'" {
		t.Errorf("policy of the hasher: %q", got)
	}
	for _, name := range []string{scriptName, workerName, styleName} {
		if got := get(p, http.MethodGet, p.current().url(name), "").Header().Get("Content-Security-Policy"); got != "" {
			t.Errorf("%s: policy %q", name, got)
		}
	}
	if strings.Contains(p.ContentSecurityPolicy(), "wasm") {
		t.Error("pages may run WebAssembly")
	}
}
