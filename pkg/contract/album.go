package contract

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Limits of albums. The path of an album travels in the header of a stored
// object, which is why it has one in bytes.
const (
	MaxAlbumDepth     = 8    // albums within each other
	MaxAlbumNameRunes = 255  // of one name
	MaxAlbumPathBytes = 1024 // of the names from the top, with the '/' between them
)

// AlbumName makes of what a person or a file system calls an album its name:
// valid UTF-8 in NFC, so that a name typed and a name read from a Mac's disk are
// one, without surrounding space and without what is not visible. It is empty
// where nothing is left, and for "." and "..", which name no folder. It may still
// be too long, or have a '/' in it.
func AlbumName(raw string) string {
	name := strings.Map(Visible, strings.ToValidUTF8(raw, "\uFFFD"))
	name = strings.TrimSpace(norm.NFC.String(name)) // of what is left: what goes may have kept two apart
	if name == "." || name == ".." {
		return ""
	}
	return name
}

// AlbumPath makes of names joined by '/' the names of nested albums from the
// top. Every name becomes an AlbumName of at most MaxAlbumNameRunes, and what is
// none is left out. Albums that
// would be deeper than MaxAlbumDepth, or whose path would be longer than
// MaxAlbumPathBytes, are left out too: a file's folder is no reason to refuse
// the file, which then is in the last album that there may be.
func AlbumPath(path string) []string {
	var names []string
	bytes := 0
	for part := range strings.SplitSeq(path, "/") {
		name := cutRunes(AlbumName(part), MaxAlbumNameRunes)
		if name == "" {
			continue
		}
		if bytes += len(name) + len("/"); bytes-len("/") > MaxAlbumPathBytes || len(names) == MaxAlbumDepth {
			break
		}
		names = append(names, name)
	}
	return names
}

func cutRunes(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return strings.TrimSpace(string([]rune(s)[:n]))
}

// CleanAlbum is AlbumPath, joined again: the one spelling of an album's path.
func CleanAlbum(path string) string { return strings.Join(AlbumPath(path), "/") }

// FolderAlbum is the album of a file's folder, as a client of any system names
// that: '\' separates too.
func FolderAlbum(folder string) string { return CleanAlbum(strings.ReplaceAll(folder, `\`, "/")) }

// Visible is for strings.Map: it drops what can break a log line, a terminal or
// a page. Joiners stay: emoji and several scripts are written with them.
func Visible(r rune) rune {
	switch {
	case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
		return -1
	case r == '\u2028', r == '\u2029', r == '\u200b', r == '\u2060', r == '\ufeff':
		return -1
	default:
		return r
	}
}
