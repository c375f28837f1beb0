package goimaging

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// sniffBytes is how much of a file decides what it is.
const sniffBytes = 512

// signature is how a kind of file begins. A '?' in the magic stands for any byte.
type signature struct {
	magic string
	name  string // the format of an image that can be added, else words for people
}

// accepted are the kinds that can be added.
var accepted = []signature{
	{"\xff\xd8\xff", formatJPEG},
	{"\x89PNG\r\n\x1a\n", formatPNG},
	{"GIF87a", formatGIF},
	{"GIF89a", formatGIF},
	{"RIFF????WEBP", formatWebP},
	{"BM????\x00\x00\x00\x00", formatBMP},
	{"II*\x00", formatTIFF},
	{"MM\x00*", formatTIFF},
	{"IIRO", formatTIFF}, // Olympus
	{"IIRS", formatTIFF},
	{"MMOR", formatTIFF},
	{"IIU\x00", formatTIFF}, // Panasonic
	{"FUJIFILMCCD-RAW ", formatRAF},
	{"\x00\x00\x00?ftypavif", formatHEIF},
	{"\x00\x00\x00?ftypavis", formatHEIF},
	{"\x00\x00\x00?ftyphei?", formatHEIF},
	{"\x00\x00\x00?ftyphev?", formatHEIF},
	{"\x00\x00\x00?ftypmif1", formatHEIF},
	{"\x00\x00\x00?ftypmsf1", formatHEIF},
	{"\x00\x00\x00?ftypmif2", formatHEIF},
	{"\x00\x00\x00?ftypcrx ", formatCR3},
	{"\x00\x00\x00\x0cJXL \r\n\x87\n", formatJXL},
	{"\xff\x0a?", formatJXL},
}

// foreign are kinds that people do send, so that the refusal can name them.
var foreign = []signature{
	{"????ftypqt  ", "a video (video/quicktime)"},
	{"????ftyp", "a video (video/mp4)"},
	{"\x00\x00\x00\x0cjP  \r\n\x87\n", "a JPEG 2000 image (image/jp2)"},
	{"8BPS", "a Photoshop document (image/vnd.adobe.photoshop)"},
	{"\x00\x00\x01\x00", "an icon (image/x-icon)"},
	{"%PDF-", "a PDF document (application/pdf)"},
	{"PK\x03\x04", "a ZIP archive (application/zip)"},
	{"\x1f\x8b", "a compressed file (application/gzip)"},
	{"RIFF????AVI ", "a video (video/x-msvideo)"},
	{"RIFF????WAVE", "a sound (audio/wav)"},
	{"\x1aE\xdf\xa3", "a video (video/webm)"},
}

// sniff is the format of a file that begins with prefix, by its bytes alone:
// neither the name nor the declared type of an upload can be trusted.
func sniff(prefix []byte) (string, error) {
	if format := match(accepted, prefix); format != "" {
		return format, nil
	}
	// A piece of a signature is the start of an image that was cut off.
	for _, s := range accepted {
		if len(prefix) < len(s.magic) && matches(s.magic[:len(prefix)], prefix) {
			return "", corrupt("only %d bytes of a %s image", len(prefix), s.name)
		}
	}
	kind := match(foreign, prefix)
	if kind == "" {
		kind = describeText(prefix)
	}
	return "", refuse(ingest.ErrUnsupported, "This file is %s, which cannot be added. %s", kind, ingest.Accepted)
}

func match(list []signature, prefix []byte) string {
	for _, s := range list {
		if matches(s.magic, prefix) {
			return s.name
		}
	}
	return ""
}

func matches(magic string, prefix []byte) bool {
	if len(prefix) < len(magic) {
		return false
	}
	for i := range len(magic) {
		if magic[i] != '?' && magic[i] != prefix[i] {
			return false
		}
	}
	return true
}

// describeText names a file that no signature matches.
func describeText(prefix []byte) string {
	lower := strings.ToLower(string(prefix))
	switch {
	case !isText(prefix):
		return "of an unknown kind (application/octet-stream)"
	case strings.Contains(lower, "<svg"):
		return "an SVG drawing (image/svg+xml)"
	case strings.Contains(lower, "<html"), strings.Contains(lower, "<!doctype html"):
		return "a web page (text/html)"
	default:
		return "text (text/plain)"
	}
}

// isText reports whether prefix is UTF-8 without control characters. The last
// rune may be cut off by the end of the prefix.
func isText(prefix []byte) bool {
	if bytes.ContainsFunc(prefix, func(r rune) bool { return r < ' ' && r != '\t' && r != '\n' && r != '\r' && r != '\f' }) {
		return false
	}
	for cut := 0; cut < utf8.UTFMax && cut <= len(prefix); cut++ {
		if utf8.Valid(prefix[:len(prefix)-cut]) {
			return true
		}
	}
	return false
}
