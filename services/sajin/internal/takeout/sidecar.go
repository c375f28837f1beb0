package takeout

import (
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
)

// sidecar is what the export says of a picture.
type sidecar struct {
	Title          string `json:"title"` // the name that the file had
	Description    string `json:"description"`
	PhotoTakenTime struct {
		Timestamp json.Number `json:"timestamp"` // seconds since 1970
	} `json:"photoTakenTime"`
	GeoData     contract.Place `json:"geoData"`     // 0, 0 is none
	GeoDataExif contract.Place `json:"geoDataExif"` // what the file says
	Trashed     bool           `json:"trashed"`
}

// describe adds to a picture what is known of it.
func (s sidecar) describe(f *uploadapi.PlanFile) {
	if seconds, err := s.PhotoTakenTime.Timestamp.Int64(); err == nil && seconds != 0 {
		f.TakenAt = uploadapi.Moment(time.Unix(seconds, 0).UTC().Format(time.RFC3339))
	}
	caption := []rune(strings.TrimSpace(s.Description))
	f.Caption = string(caption[:min(len(caption), uploadapi.MaxCaption)])
	for _, p := range []contract.Place{s.GeoData, s.GeoDataExif} {
		if p != (contract.Place{}) {
			f.Place = &p
			return
		}
	}
}

// sidecarKey finds sidecars: their folder, the name without ".json" and without
// the number that tells files of one name apart, and that number, such as "(1)".
type sidecarKey struct{ dir, name, number string }

var numbered = regexp.MustCompile(`^(.+?)(\(\d{1,6}\))$`)

// number takes the number off a name.
func number(name string) (rest, n string) {
	if m := numbered.FindStringSubmatch(name); m != nil {
		return m[1], m[2]
	}
	return name, ""
}

func keyOfSidecar(e entry) sidecarKey {
	name, n := number(strings.TrimSuffix(path.Base(e.path), path.Ext(e.path)))
	return sidecarKey{e.dir(), name, n}
}

// edited is what Google adds to the name of the edited picture beside the
// original one, which the sidecar is of.
var edited = []string{
	"-edited", "-bearbeitet", "-modifié", "-editado", "-editada", "-modificato", "-modificata", "-bewerkt", "-edytowane", "-redigerad", //nolint:misspell // Italian
	"-redigeret", "-redigert", "-muokattu", "-upraveno", "-upravené", "-düzenlendi", "-изменено", "-отредактировано", "-編集済み", "-수정됨", "-已修改", "-已編輯",
}

// sidecarOf finds and reads the sidecar of a picture, first one from the same
// folder or archive.
func (f *finder) sidecarOf(e entry) *sidecar {
	for _, k := range keysFor(e.dir(), path.Base(e.path)) {
		for _, same := range []bool{true, false} {
			for _, candidate := range f.sidecars[k.sidecarKey] {
				if (candidate.source == e.source) != same {
					continue
				}
				var s sidecar
				if err := readJSON(candidate, &s); err != nil {
					continue // the picture is told of as one without
				}
				if !k.cut || s.isOf(path.Base(e.path)) {
					return &s
				}
			}
		}
	}
	return nil
}

// wantedKey is where a sidecar may be. Of a name that was cut the title tells
// whether it is the picture's own.
type wantedKey struct {
	sidecarKey
	cut bool
}

// keysFor lists where the sidecar of a picture may be, the likeliest first.
func keysFor(dir, name string) []wantedKey {
	extension := path.Ext(name)
	stem := strings.TrimSuffix(name, extension)
	bare, n := number(stem)
	var keys []wantedKey
	if n != "" { // the number may be a part of the name that the file had
		keys = forms(keys, dir, name, "")
	}
	keys = forms(keys, dir, bare+extension, n)
	for _, suffix := range edited {
		if original, ok := strings.CutSuffix(bare, suffix); ok && original != "" {
			keys = forms(keys, dir, original+extension, n)
		}
	}
	return keys
}

// What Google puts between a picture's name and ".json", and how many characters
// there may be before ".json"; older and newer exports differ by a few.
const (
	supplement           = ".supplemental-metadata"
	cutLeast, cutLongest = 44, 51
)

// forms adds the names that a sidecar of a picture may have: its own, the same
// with as much of the supplement as there is room for, and a part of a long one.
func forms(keys []wantedKey, dir, name, n string) []wantedKey {
	add := func(name string, cut bool) {
		keys = append(keys, wantedKey{sidecarKey{dir, name, n}, cut})
	}
	add(name, false)
	for end := len(supplement); end > 0; end-- {
		add(name+supplement[:end], false)
	}
	for end := len(name) - 1; end >= cutLeast; end-- {
		if utf8.RuneStart(name[end]) {
			if runes := utf8.RuneCountInString(name[:end]); runes >= cutLeast && runes <= cutLongest || end <= cutLongest {
				add(name[:end], true)
			}
		}
	}
	return keys
}

// isOf compares the title with the name of a file, which may be cut and has other
// characters in the place of those that not every system allows.
func (s sidecar) isOf(name string) bool {
	stem, _ := number(strings.TrimSuffix(name, path.Ext(name)))
	for _, suffix := range edited {
		stem = strings.TrimSuffix(stem, suffix)
	}
	title, want := letters(s.Title), letters(stem)
	return len(title) >= len(want) && slices.Equal(title[:len(want)], want)
}

// letters is a text as runes, those that are neither letter nor digit as '_'.
func letters(text string) []rune {
	out := []rune(text)
	for i, r := range out {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			out[i] = '_'
		}
	}
	return out
}
