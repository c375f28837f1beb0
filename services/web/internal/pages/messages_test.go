package pages

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func catalogues(t *testing.T) map[string]*catalogue {
	t.Helper()
	out := map[string]*catalogue{}
	for _, tag := range Languages() {
		c, err := loadCatalogue(texts, tag)
		if err != nil {
			t.Fatal(err)
		}
		out[tag] = c
	}
	return out
}

var parameter = regexp.MustCompile(`\{[a-z]+\}`)

func TestLanguagesSayTheSame(t *testing.T) {
	all := catalogues(t)
	english := all[fallback]
	for tag, c := range all {
		if got, want := slices.Sorted(maps.Keys(c.byID)), slices.Sorted(maps.Keys(english.byID)); !slices.Equal(got, want) {
			t.Errorf("%s: its keys are not English's", tag)
		}
		for key, m := range c.byID {
			texts := slices.Collect(maps.Values(m.Forms))
			if m.Forms == nil {
				texts = []string{m.Text}
			}
			if len(texts) == 0 || slices.Contains(texts, "") {
				t.Errorf("%s: %s says nothing", tag, key)
			}
			if (m.Forms == nil) != (english.byID[key].Forms == nil) {
				t.Errorf("%s: %s counts in one language only", tag, key)
			}
			if m.Forms != nil && m.Forms["other"] == "" {
				t.Errorf("%s: %s has no form for other counts", tag, key)
			}
			for _, text := range texts {
				for _, p := range parameter.FindAllString(text, -1) {
					if !strings.HasPrefix(key, "date.") && !strings.Contains(english.byID[key].Text+english.byID[key].Forms["other"], p) {
						t.Errorf("%s: %s has the parameter %s, English has not", tag, key, p)
					}
				}
			}
		}
	}
}

func TestEnglishCountsInTwoFormsKoreanInOne(t *testing.T) {
	all := catalogues(t)
	for _, c := range []struct {
		tag  string
		n    any
		want string
	}{
		{"en", 0, "0 pictures"},
		{"en", 1, "1 picture"},
		{"en", int64(21), "21 pictures"},
		{"en", 1_234_567, "1,234,567 pictures"},
		{"ko", 1, "1장"},
		{"ko", int64(1000), "1,000장"},
	} {
		if got, err := all[c.tag].text("gallery.count", "n", c.n); err != nil || got != c.want {
			t.Errorf("%s %v: %q %v, want %q", c.tag, c.n, got, err, c.want)
		}
	}
}

func TestTextRefusesUnknownKeysAndOddParameters(t *testing.T) {
	c := catalogues(t)["en"]
	if _, err := c.text("no.such"); err == nil {
		t.Error("an unknown key must fail")
	}
	if _, err := c.text("gallery.count", "n"); err == nil {
		t.Error("a name without a value must fail")
	}
	if got, _ := c.text("purge.text", "name", "{name} {n}"); !strings.HasPrefix(got, "{name} {n} will") {
		t.Errorf("a value was expanded: %q", got)
	}
}

// Keys are written as literals, so that this test can find them.
var (
	keyInTemplate = regexp.MustCompile(`\{?\(?\bt "([a-z_.0-9]+)"`)
	keyInScript   = regexp.MustCompile(`\bt\('([a-z_.]+)'`)
	keyInGo       = regexp.MustCompile(`"((?:date|place|fault)\.[a-z_]+|app\.description)"`)
)

func TestEveryKeyIsThereAndUsed(t *testing.T) {
	c := catalogues(t)[fallback]
	used := map[string]string{}
	collect(t, used, ".", keyInTemplate, ".html", "")
	collect(t, used, ".", keyInGo, ".go", "")
	collect(t, used, filepath.Join("..", "..", "ui", "src"), keyInScript, ".ts", scriptPrefix)
	for key, file := range used {
		if _, ok := c.byID[key]; !ok {
			t.Errorf("%s: no message %q", file, key)
		}
	}
	for key := range c.byID {
		prefix, rest, _ := strings.Cut(key, ".")
		computed := prefix == "month" || prefix == "weekday" || prefix == "fault" || rest == "title"
		if _, ok := used[key]; !ok && !computed {
			t.Errorf("nothing uses the message %q", key)
		}
	}
}

func collect(t *testing.T, into map[string]string, root string, pattern *regexp.Regexp, ext, prefix string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ext) || strings.HasSuffix(path, "_test.go") {
			return err
		}
		data, err := os.ReadFile(path)
		for _, m := range pattern.FindAllSubmatch(data, -1) {
			into[prefix+string(m[1])] = path
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestDates(t *testing.T) {
	at := time.Date(2026, 5, 2, 14, 5, 0, 0, seoul)
	want := map[string][4]string{
		"en": {"May 2026", "Saturday, 2 May", "2 May 2026, 14:05", "2 May 2026"},
		"ko": {"2026년 5월", "5월 2일 토요일", "2026년 5월 2일 14:05", "2026년 5월 2일"},
	}
	for tag, c := range catalogues(t) {
		month, err := c.monthName("2026-05")
		if err != nil {
			t.Fatal(err)
		}
		day, _ := c.dayName(at)
		moment, _ := c.dateTime(at)
		date, _ := c.dateOnly(at)
		if got := [4]string{month, day, moment, date}; got != want[tag] {
			t.Errorf("%s: %q, want %q", tag, got, want[tag])
		}
		if _, err := c.monthName("2026-13"); err == nil {
			t.Errorf("%s: month 13 has a name", tag)
		}
	}
	if got := offset(at); got != "UTC+09:00" {
		t.Errorf("offset %q", got)
	}
}

func FuzzGrouped(f *testing.F) {
	for _, n := range []int64{0, 1, 999, 1000, -1000, -999, 1 << 62, -1 << 63} {
		f.Add(n)
	}
	f.Fuzz(func(t *testing.T, n int64) {
		s := grouped(n)
		if strings.HasPrefix(s, ",") || strings.Contains(s, "-,") || strings.Contains(s, ",,") {
			t.Errorf("%d: %s", n, s)
		}
	})
}
