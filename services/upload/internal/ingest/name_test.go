package ingest_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

var names = []struct{ raw, want string }{
	{"a.jpg", "a.jpg"},
	{"../../a.jpg", "a.jpg"},
	{`..\..\a.jpg`, "a.jpg"},
	{`C:\photos\a.jpg`, "a.jpg"},
	{"/etc/passwd", "passwd"},
	{"%2e%2e%2fa.jpg", "%2e%2e%2fa.jpg"},
	{".", "image"},
	{"..", "image"},
	{"", "image"},
	{"///", "image"},
	{" \t\r\n", "image"},
	{".htaccess", ".htaccess"},
	{"CON", "CON"},
	{"a.jpg/", "a.jpg"},
	{"a.jpg.", "a.jpg."},
	{"a .jpg", "a .jpg"},
	{" a.jpg ", "a.jpg"},
	{"a\x00.jpg", "a.jpg"},
	{"a\r\nX-Evil: 1.jpg", "aX-Evil: 1.jpg"},
	{"a\x1b[31m.jpg", "a[31m.jpg"},
	{"a\u0085\u2028.jpg", "a.jpg"},
	{"a\u202egpj.exe", "agpj.exe"},
	{"a\u2066b\u2069\u200f.jpg", "ab.jpg"},
	{"a\u200b\ufeff.jpg", "a.jpg"},
	{"caf\u00e9.jpg", "caf\u00e9.jpg"},
	{"cafe\u0301.jpg", "cafe\u0301.jpg"}, // the other way to write it stays apart
	{"\U0001f468\u200d\U0001f469\u200d\U0001f467.jpg", "\U0001f468\u200d\U0001f469\u200d\U0001f467.jpg"},
	{"\ufb01\u0130.jpg", "\ufb01\u0130.jpg"},
	{"a\xff\xfe.jpg", "a\ufffd.jpg"},
	{"a\xed\xa0\x80.jpg", "a\ufffd.jpg"}, // half of a surrogate pair
	{"사진.jpg", "사진.jpg"},
	{strings.Repeat("x", 251) + ".jpg", strings.Repeat("x", 251) + ".jpg"},
	{strings.Repeat("x", 252) + ".jpg", strings.Repeat("x", 251) + ".jpg"},
	{strings.Repeat("x", 5000) + ".jpg", strings.Repeat("x", 251) + ".jpg"},
	{strings.Repeat("사", 90) + ".jpg", strings.Repeat("사", 83) + ".jpg"},
	{"e" + strings.Repeat("\u0301", 1000) + ".jpg", "e" + strings.Repeat("\u0301", 125) + ".jpg"},
	{strings.Repeat("x", 300), strings.Repeat("x", 255)},
	{"a." + strings.Repeat("x", 300), "a." + strings.Repeat("x", 253)},
}

func TestCleanName(t *testing.T) {
	for _, n := range names {
		if got := ingest.CleanName(n.raw); got != n.want {
			t.Errorf("CleanName(%.40q) = %.40q (%d bytes), want %.40q", n.raw, got, len(got), n.want)
		}
	}
}

func FuzzFilename(f *testing.F) {
	for _, n := range names {
		f.Add(n.raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		name := ingest.CleanName(raw)
		switch {
		case name == "" || name == "." || name == "..":
			t.Errorf("%q is no name", name)
		case len(name) > ingest.MaxNameBytes:
			t.Errorf("the name has %d bytes", len(name))
		case !utf8.ValidString(name):
			t.Errorf("%q is not UTF-8", name)
		case strings.ContainsAny(name, `/\`) || strings.ContainsFunc(name, unicode.IsControl):
			t.Errorf("%q has characters that a name may not have", name)
		}
		if again := ingest.CleanName(name); again != name {
			t.Errorf("cleaning %q again gives %q", name, again)
		}
	})
}
