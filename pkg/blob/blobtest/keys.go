package blobtest

import (
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/blob"
)

// RefusedKeys are keys that no store takes.
func RefusedKeys() map[string]string {
	return map[string]string{
		"empty":             "",
		"parent":            "..",
		"climbing":          "../x",
		"climbing inside":   "a/../x",
		"climbing at end":   "a/..",
		"current":           ".",
		"current inside":    "a/./b",
		"absolute":          "/etc/passwd",
		"trailing slash":    "a/",
		"empty segment":     "a//b",
		"NUL":               "a\x00b",
		"line break":        "a\nb",
		"delete":            "a\x7fb",
		"C1 control":        "a\u0085b",
		"backslash":         `a\b`,
		"climbing Windows":  `..\x`,
		"invalid UTF-8":     "a\xffb",
		"overlong slash":    "a\xc0\xafb",
		"surrogate":         "a\xed\xa0\x80b",
		"one byte too many": longKey(blob.MaxKeyBytes + 1),
		"long segment":      "a/" + strings.Repeat("s", blob.MaxSegmentBytes+1),
		"long UTF-8":        strings.Repeat("한", blob.MaxSegmentBytes/3) + "x/" + strings.Repeat("글", 86),
	}
}

// AcceptedKeys are odd keys that every store takes.
func AcceptedKeys() map[string]string {
	return map[string]string{
		"one byte":               "x",
		"limit less one":         longKey(blob.MaxKeyBytes - 1),
		"limit":                  longKey(blob.MaxKeyBytes),
		"segment less one":       strings.Repeat("s", blob.MaxSegmentBytes-1),
		"segment at limit":       strings.Repeat("t", blob.MaxSegmentBytes),
		"segment at limit, UTF8": strings.Repeat("한", blob.MaxSegmentBytes/3),
		"Korean":                 "원본/20261122/바다.jpg",
		"emoji":                  "🌊/👩‍👩‍👧.png",
		"decomposed":             "e\u0301",
		"spaces":                 " leading and trailing ",
		"hidden":                 ".hidden/.file",
		"three dots":             ".../a...",
		"dots before name":       "..a/b..",
		"percent":                "100%/%2e%2e%2f",
		"URL syntax":             "a?b=c&d#e+f;g=h",
		"shell syntax":           "$(x) `y` 'z' \"q\" *|<>!~",
		"device name":            "CON",
		"temporary":              "tmp/lock",
		"JSON":                   `{"a":[1]}`,
	}
}

// longKey makes a key of n bytes out of segments that are short enough.
func longKey(n int) string {
	key := strings.Repeat(strings.Repeat("k", 99)+"/", n/100+1)[:n]
	if strings.HasSuffix(key, "/") {
		key = key[:n-1] + "k"
	}
	return key
}

func testRefusedKeys(t *testing.T, h Harness) {
	for name, key := range RefusedKeys() {
		_, err := h.Store.Put(t.Context(), key, strings.NewReader("x"), blob.WriteOptions{})
		wantError(t, "Put of "+name, err, blob.ErrKey)
		_, err = h.Store.Stat(t.Context(), key)
		wantError(t, "Stat of "+name, err, blob.ErrKey)
		_, _, err = read(t.Context(), h.Store, key, 0, -1)
		wantError(t, "Open of "+name, err, blob.ErrKey)
		wantError(t, "Delete of "+name, h.Store.Delete(t.Context(), key), blob.ErrKey)
	}
	if keys := mustList(t, h.Store, "", "", 10); len(keys) != 0 {
		t.Errorf("refused keys left %q", keys)
	}
}

func testAcceptedKeys(t *testing.T, h Harness) {
	for name, key := range AcceptedKeys() {
		mustPut(t, h.Store, key, []byte(name), blob.WriteOptions{IfNotExists: true})
	}
	for name, key := range AcceptedKeys() {
		wantData(t, h.Store, key, []byte(name))
		if keys := mustList(t, h.Store, key, "", 2); len(keys) == 0 || keys[0] != key {
			t.Errorf("List under %s = %q, want %q first", name, keys, key)
		}
	}
	for _, key := range AcceptedKeys() {
		if err := h.Store.Delete(t.Context(), key); err != nil {
			t.Errorf("Delete(%q): %v", key, err)
		}
		wantAbsent(t, h.Store, key)
	}
}
