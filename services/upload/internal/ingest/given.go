package ingest

import (
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
)

// MaxGivenCaption is the longest caption that is taken beside a file, in
// characters: as long as one that is read in a file.
const MaxGivenCaption = 2000

// Given is what a client knows of a picture from elsewhere, such as the export of
// another gallery. It counts where the file itself does not say.
type Given struct {
	TakenAt *time.Time      `json:"taken_at,omitempty"`
	Caption string          `json:"caption,omitempty"`
	Place   *contract.Place `json:"place,omitempty"`
}

// said is all that a client says of a file and that describes its original.
type said struct {
	modified *time.Time
	given    Given
}

// clean leaves out what makes no sense: a date in the future, by more than the
// day that clocks and zones differ, or before photography, and coordinates that
// are not on this planet or are 0, 0, as programs write that have none.
func (g Given) clean(now time.Time) Given {
	var out Given
	if g.TakenAt != nil && g.TakenAt.Year() >= 1826 && g.TakenAt.Before(now.Add(24*time.Hour)) {
		at := g.TakenAt.UTC()
		out.TakenAt = &at
	}
	if p := g.Place; p != nil && math.Abs(p.Latitude) <= 90 && math.Abs(p.Longitude) <= 180 && *p != (contract.Place{}) {
		out.Place = &contract.Place{Latitude: math.Round(p.Latitude*1e6) / 1e6, Longitude: math.Round(p.Longitude*1e6) / 1e6}
	}
	out.Caption = cleanCaption(g.Caption)
	return out
}

// cleanCaption makes of a text lines that can be shown, of at most
// MaxGivenCaption characters.
func cleanCaption(raw string) string {
	text := strings.NewReplacer("\r\n", "\n", "\r", "\n", "\t", " ").Replace(strings.ToValidUTF8(raw, "\uFFFD"))
	text = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == '\n' {
			return r
		}
		return contract.Visible(r)
	}, text))
	if utf8.RuneCountInString(text) > MaxGivenCaption {
		text = strings.TrimSpace(string([]rune(text)[:MaxGivenCaption]))
	}
	return text
}

// metadataReserve is what an original's metadata has room for beside what
// metadataOf writes: the size and the SHA-256 that were planned.
const metadataReserve = 256

// describe adds to an original's metadata what is given. A caption takes what
// room the name and the album leave, at least 300 characters of any script,
// and is cut between characters where that is too little.
func (g Given) describe(metadata map[string]string) {
	if g.TakenAt != nil {
		metadata[metaTaken] = g.TakenAt.UTC().Format(time.RFC3339Nano)
	}
	if g.Place != nil {
		metadata[metaPlace] = degrees(g.Place.Latitude) + "," + degrees(g.Place.Longitude)
	}
	room := blob.MaxMetadataBytes - metadataReserve - len(metaCaption)
	for name, value := range metadata {
		room -= len(name) + len(value)
	}
	if caption := escapedWithin(g.Caption, room); caption != "" {
		metadata[metaCaption] = caption
	}
}

func degrees(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// escapedWithin is as much of a text, percent-encoded, as fits in so many bytes.
func escapedWithin(text string, room int) string {
	var out strings.Builder
	for _, r := range text {
		escaped := url.PathEscape(string(r))
		if out.Len()+len(escaped) > room {
			break
		}
		out.WriteString(escaped)
	}
	return out.String()
}

// givenIn reads what describe wrote.
func givenIn(metadata map[string]string) Given {
	var g Given
	if at, err := time.Parse(time.RFC3339Nano, metadata[metaTaken]); err == nil {
		at = at.UTC()
		g.TakenAt = &at
	}
	if caption, err := url.PathUnescape(metadata[metaCaption]); err == nil {
		g.Caption = cleanCaption(caption)
	}
	first, second, _ := strings.Cut(metadata[metaPlace], ",")
	latitude, err := strconv.ParseFloat(first, 64)
	longitude, errToo := strconv.ParseFloat(second, 64)
	if err == nil && errToo == nil {
		g.Place = &contract.Place{Latitude: latitude, Longitude: longitude}
	}
	return g
}
