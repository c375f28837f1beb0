package ingest

import (
	"strings"
	"unicode/utf8"

	"github.com/sajin-gallery/sajin/pkg/contract"
)

// MaxNameBytes bounds a file's name as it is shown.
const MaxNameBytes = 255

// CleanName makes of a name that a client sent what is shown of it: the part
// after the last '/' or '\', as valid UTF-8, without control characters and
// without those that reorder or hide text, at most MaxNameBytes long with its
// extension kept. Where nothing is left it is "image". The result is for
// people; it is never part of a key or a path.
func CleanName(raw string) string {
	name := strings.TrimRight(raw, `/\`)
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	name = strings.ToValidUTF8(name, "\uFFFD")
	name = strings.TrimSpace(strings.Map(contract.Visible, name))
	if name == "" || name == "." || name == ".." {
		return "image"
	}
	return cut(name, MaxNameBytes)
}

// cut shortens name to limit bytes between runes, keeping a short extension.
func cut(name string, limit int) string {
	if len(name) <= limit {
		return name
	}
	extension := ""
	if dot := strings.LastIndexByte(name, '.'); dot > 0 && len(name)-dot <= 16 {
		extension = name[dot:]
	}
	end := limit - len(extension)
	for end > 0 && !utf8.RuneStart(name[end]) {
		end--
	}
	return name[:end] + extension
}
