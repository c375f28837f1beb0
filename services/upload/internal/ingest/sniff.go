package ingest

import (
	"bytes"
	"strings"

	"github.com/sajin-gallery/sajin/pkg/fault"
)

// sniffBytes is how much of a file's beginning tells what it is.
const sniffBytes = 512

// kind is a format that Sajin takes.
type kind struct {
	contentType string
	extension   string
}

var kinds = []struct {
	magic string // '?' is any byte
	kind
}{
	{"\xff\xd8\xff", kind{"image/jpeg", ".jpg"}},
	{"\x89PNG\r\n\x1a\n", kind{"image/png", ".png"}},
	{"GIF87a", kind{"image/gif", ".gif"}},
	{"GIF89a", kind{"image/gif", ".gif"}},
	{"RIFF????WEBP", kind{"image/webp", ".webp"}},
	{"BM????\x00\x00\x00\x00", kind{"image/bmp", ".bmp"}},
	{"II*\x00????CR", kind{"image/x-canon-cr2", ".cr2"}},
	{"II*\x00", kind{"image/tiff", ".tif"}}, // or a raw file, which only its structure tells
	{"MM\x00*", kind{"image/tiff", ".tif"}},
	{"IIRO", kind{"image/x-olympus-orf", ".orf"}},
	{"IIRS", kind{"image/x-olympus-orf", ".orf"}},
	{"MMOR", kind{"image/x-olympus-orf", ".orf"}},
	{"IIU\x00", kind{"image/x-panasonic-rw2", ".rw2"}},
	{"FUJIFILMCCD-RAW ", kind{"image/x-fuji-raf", ".raf"}},
	{"\x00\x00\x00?ftypavif", kind{"image/avif", ".avif"}},
	{"\x00\x00\x00?ftypavis", kind{"image/avif", ".avif"}},
	{"\x00\x00\x00?ftyphei?", kind{"image/heic", ".heic"}},
	{"\x00\x00\x00?ftyphev?", kind{"image/heic", ".heic"}},
	{"\x00\x00\x00?ftypmif1", kind{"image/heic", ".heic"}},
	{"\x00\x00\x00?ftypmif2", kind{"image/heic", ".heic"}},
	{"\x00\x00\x00?ftypmsf1", kind{"image/heic", ".heic"}},
	{"\x00\x00\x00?ftypcrx ", kind{"image/x-canon-cr3", ".cr3"}},
	{"\x00\x00\x00\x0cJXL \r\n\x87\n", kind{"image/jxl", ".jxl"}},
	{"\xff\x0a?", kind{"image/jxl", ".jxl"}},
}

// shortest is less than any magic number: a file that is no longer cannot be
// told apart from one that was cut off.
const shortest = 2

// sniff recognises a format by the first bytes of a file alone; its name and
// its declared type are hearsay. whole says that head is the whole file.
func sniff(head []byte, whole bool) (kind, error) {
	for _, k := range kinds {
		if matches(head, k.magic) {
			return k.kind, nil
		}
	}
	if len(head) == 0 {
		return kind{}, ErrEmpty
	}
	if whole && (len(head) <= shortest || beginsLikeOne(head)) {
		return kind{}, ErrCorrupt
	}
	return kind{}, fault.Newf(ErrUnsupported.Kind, ErrUnsupported.Code,
		"This is not a kind of image that can be added; it looks like %s. %s", found(head), Accepted)
}

func matches(head []byte, magic string) bool {
	if len(head) < len(magic) {
		return false
	}
	for i := range len(magic) {
		if magic[i] != '?' && magic[i] != head[i] {
			return false
		}
	}
	return true
}

func beginsLikeOne(head []byte) bool {
	for _, k := range kinds {
		if len(head) < len(k.magic) && matches(head, k.magic[:len(head)]) {
			return true
		}
	}
	return false
}

// strangers are what people send by mistake, to name it to them.
var strangers = []struct{ magic, contentType string }{
	{"????ftyp", "video/mp4"},
	{"\x00\x00\x01\x00", "image/x-icon"},
	{"8BPS", "image/vnd.adobe.photoshop"},
	{"%PDF-", "application/pdf"},
	{"PK\x03\x04", "application/zip"},
	{"\x1f\x8b", "application/gzip"},
	{"RIFF????AVI ", "video/x-msvideo"},
}

func found(head []byte) string {
	for _, s := range strangers {
		if matches(head, s.magic) {
			return s.contentType
		}
	}
	text := strings.ToLower(string(bytes.TrimLeft(head, "\xef\xbb\xbf \t\r\n")))
	switch {
	case bytes.ContainsFunc(head, binary):
		return "application/octet-stream"
	case strings.HasPrefix(text, "<svg"), strings.HasPrefix(text, "<?xml") && strings.Contains(text, "<svg"):
		return "image/svg+xml"
	case strings.HasPrefix(text, "<!doctype html"), strings.HasPrefix(text, "<html"):
		return "text/html"
	default:
		return "text/plain"
	}
}

func binary(r rune) bool { return r < ' ' && r != '\t' && r != '\r' && r != '\n' && r != '\f' }
