package contract

import (
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func TestAlbumPaths(t *testing.T) {
	long := strings.Repeat("가", MaxAlbumNameRunes)
	for in, want := range map[string]string{
		"":                            "",
		"Trips/Seoul 2026":            "Trips/Seoul 2026",
		" Trips / Seoul\t2026 /":      "Trips/Seoul2026",
		"//a///b":                     "a/b",
		"./../../etc/passwd":          "etc/passwd",
		"a\x00b/\u202egnp.exe":        "ab/gnp.exe",
		"Cafe\u0301":                  "Caf\u00e9",
		"\xff":                        "\uFFFD",
		long:                          long,
		long + "가":                    long,
		strings.Repeat("x", 254):      strings.Repeat("x", 254),
		"1/2/3/4/5/6/7/8":             "1/2/3/4/5/6/7/8",
		"1/2/3/4/5/6/7/8/9/10":        "1/2/3/4/5/6/7/8",
		`a\b`:                         `a\b`,
		"👩‍👩‍👧/여행":                    "👩‍👩‍👧/여행",
		"a/" + strings.Repeat(" ", 9): "a",
	} {
		if got := CleanAlbum(in); got != want {
			t.Errorf("CleanAlbum(%q) = %q, want %q", in, got, want)
		}
	}
	if got := FolderAlbum(`Pictures\Seoul/Day 1\`); got != "Pictures/Seoul/Day 1" {
		t.Errorf("FolderAlbum = %q", got)
	}
}

// TestAlbumPathBytes: the limit, one below and one above it.
func TestAlbumPathBytes(t *testing.T) {
	name := strings.Repeat("x", 255)
	three := strings.Join([]string{name, name, name}, "/") // 767 bytes
	for n := range 3 {                                     // 1,021 to 1,023 bytes
		path := three + "/" + strings.Repeat("y", 253+n)
		if got := CleanAlbum(path); got != path {
			t.Errorf("a path of %d bytes became one of %d", len(path), len(got))
		}
	}
	exact := three + "/" + strings.Repeat("é", 128) // 767 + 1 + 256
	if len(exact) != MaxAlbumPathBytes || CleanAlbum(exact) != exact {
		t.Errorf("a path of %d bytes is not kept", len(exact))
	}
	if got := CleanAlbum(three + "/" + strings.Repeat("é", 128) + "x"); got != three {
		t.Errorf("of a path of one byte more, %d bytes are kept, want its first three names", len(got))
	}
}

func FuzzAlbumPath(f *testing.F) {
	f.Add("Trips/Seoul 2026")
	f.Add("../\x00/\u202e/\xff" + strings.Repeat("/x", 20))
	f.Fuzz(func(t *testing.T, in string) {
		got := CleanAlbum(in)
		if again := CleanAlbum(got); again != got {
			t.Errorf("cleaning %q twice gives %q", got, again)
		}
		if len(got) > MaxAlbumPathBytes || !utf8.ValidString(got) || !norm.NFC.IsNormalString(got) {
			t.Errorf("CleanAlbum(%q) = %q", in, got)
		}
		for _, name := range AlbumPath(in) {
			if name == "" || name == "." || name == ".." || strings.Contains(name, "/") || utf8.RuneCountInString(name) > MaxAlbumNameRunes {
				t.Errorf("CleanAlbum(%q) has the name %q", in, name)
			}
		}
	})
}
