package imagemetadata

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// tags are the values that were read, by imagemeta's names, as it converts them:
// numbers of any width, rationals, strings, slices of these.
type tags map[string]any

// metadata is what the tags say, as far as it makes sense.
func (t tags) metadata(now time.Time) ingest.Metadata {
	var m ingest.Metadata
	m.Camera = contract.Camera{
		Make:         t.text("Make"),
		Model:        t.text("Model"),
		Lens:         t.text("LensModel"),
		ExposureTime: exposure(t.number("ExposureTime")),
		FNumber:      plausible(t.number("FNumber"), 200),
		ISO:          int(plausible(t.number("ISO"), 1e7)),
		FocalLength:  plausible(t.number("FocalLength"), 1e5),
	}
	var warnings [2]string
	m.TakenAt, m.TakenOffset, warnings[0] = t.takenAt(now)
	m.Place, warnings[1] = t.place()
	m.Warnings = slices.DeleteFunc(warnings[:], func(w string) bool { return w == "" })
	if len(m.Warnings) == 0 {
		m.Warnings = nil
	}
	return m
}

// maxText is the longest text that is kept, in characters.
const maxText = 100

// text is a string that can be shown: valid UTF-8 without control or
// direction-changing characters, its spaces single, at most maxText long.
func (t tags) text(name string) string {
	s, _ := t[name].(string)
	return line(s, maxText)
}

// line is a text of one line that can be shown, of at most the given length.
func line(s string, most int) string {
	clean := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == unicode.ReplacementChar || !unicode.IsGraphic(r):
			return -1
		default:
			return r
		}
	}, strings.ToValidUTF8(s, ""))
	runes := []rune(strings.Join(strings.Fields(clean), " "))
	return strings.TrimSpace(string(runes[:min(len(runes), most)]))
}

// number is a tag as a number, of several the first; 0 where it is none.
func (t tags) number(name string) float64 {
	v := t[name]
	if list, ok := v.([]any); ok && len(list) > 0 {
		v = list[0]
	}
	switch v := v.(type) {
	case uint8:
		return float64(v)
	case uint16:
		return float64(v)
	case uint32:
		return float64(v)
	case int:
		return float64(v)
	case int32:
		return float64(v)
	case float32:
		return float64(v)
	case float64:
		return v
	case interface{ Float64() float64 }: // imagemeta.Rat
		return v.Float64()
	default:
		return 0
	}
}

// plausible is a number above zero and up to most, to two decimals; else 0.
func plausible(v, most float64) float64 {
	if !(v > 0 && v <= most) { // NaN is neither
		return 0
	}
	return math.Round(v*100) / 100
}

// exposure is a time in seconds as photographers write it: 1/250, 0.5, 30.
func exposure(seconds float64) string {
	const longest, shortest = 1e5, 1e-6
	switch {
	case !(seconds >= shortest && seconds <= longest): // NaN is neither
		return ""
	case seconds < 0.3:
		return "1/" + strconv.FormatFloat(math.Round(1/seconds), 'f', -1, 64)
	default:
		return strconv.FormatFloat(math.Round(seconds*10)/10, 'f', -1, 64)
	}
}

// place is where the picture was taken. Both references are needed: without
// them half of the world would be wrong. A zero is what receivers write that have
// no fix, and what imagemeta makes of a broken value.
func (t tags) place() (*contract.Place, string) {
	latitude, ok := t.degrees("GPSLatitude", "N", "S")
	longitude, found := t.degrees("GPSLongitude", "E", "W")
	switch {
	case !ok || !found, latitude == 0, longitude == 0:
		return nil, ""
	case math.Abs(latitude) <= 90 && math.Abs(longitude) <= 180:
		return &contract.Place{Latitude: roundTo(latitude, 1e6), Longitude: roundTo(longitude, 1e6)}, ""
	default:
		return nil, WarningPlace
	}
}

func (t tags) degrees(name, positive, negative string) (float64, bool) {
	v, ok := t[name].(float64)
	switch t[name+"Ref"] {
	case positive:
		return v, ok
	case negative:
		return -v, ok
	default:
		return 0, false
	}
}

func roundTo(v, steps float64) float64 { return math.Round(v*steps) / steps }
