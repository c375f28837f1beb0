package pages

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

func TestLanguage(t *testing.T) {
	p := newPages(t)
	long := strings.Repeat("fr;q=0.1,", 29) + "de;q=0.1, ko" // "ko" begins beyond byte 256
	if strings.Index(long, "ko") <= maxAcceptLanguage {
		t.Fatalf("the header is too short: %d", strings.Index(long, "ko"))
	}
	for _, c := range []struct{ cookie, accept, want string }{
		{"", "", "en"},
		{"", "ko-KR,ko;q=0.9,en;q=0.8", "ko"},
		{"", "en-GB", "en"},
		{"", "fr-FR", "en"},
		{"", "fr, ko;q=0.5", "ko"},
		{"ko", "en", "ko"},
		{"en", "ko", "en"},
		{"xx", "ko", "ko"},
		{"../ko", "en", "en"},
		{"", ";;;,,=", "en"},
		{"", long, "en"},
		{"", "ko," + long, "ko"},
		{"", strings.Repeat("k", 300), "en"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Accept-Language", c.accept)
		if c.cookie != "" {
			r.AddCookie(&http.Cookie{Name: LanguageCookie, Value: c.cookie})
		}
		if got := p.Language(r); got != c.want {
			t.Errorf("cookie %q, Accept-Language %.40q: %s, want %s", c.cookie, c.accept, got, c.want)
		}
	}
}

func FuzzLanguage(f *testing.F) {
	f.Add("ko-KR,ko;q=0.9")
	f.Add(strings.Repeat("en-a-", 100))
	f.Add(",,,\x00")
	p, err := New(Options{Assets: tree(nil)})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, accept string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header["Accept-Language"] = []string{accept}
		if !slices.Contains(Languages(), p.Language(r)) {
			t.Error("a language that we do not speak")
		}
	})
}
