package imagemetadata

import (
	"context"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func testReader() *Reader { return New(func() time.Time { return now }) }

func read(t testing.TB, format string, file []byte) ingest.Metadata {
	t.Helper()
	m, err := testReader().Read(context.Background(), source(file), ingest.Probe{Format: format})
	if err != nil {
		t.Error(err)
	}
	return m
}

// photograph is what a telephone writes.
func photograph() directory {
	return directory{
		tagMake: "Sajin", tagModel: "Test 3",
		tagExif: directory{
			tagExposure: rational{10, 2500}, tagFNumber: rational{28, 10}, tagISO: uint16(800),
			tagOriginal: "2026:05:04 03:02:01", tagOffsetOriginal: "+09:00", tagSubSec: "123",
			tagFocal: rational{4250, 1000}, tagLens: "Back camera 4.25mm f/2.8",
			tagInterop: directory{1: "R98"}, // the number of GPSLatitudeRef, elsewhere
		},
		tagGPS: directory{
			tagLatitudeRef: "S", tagLatitude: []rational{{37, 1}, {30, 1}, {36, 10}},
			tagLongRef: "E", tagLongitude: []rational{{126, 1}, {54, 1}, {0, 1}},
		},
	}
}

func TestPhotograph(t *testing.T) {
	at := time.Date(2026, 5, 3, 18, 2, 1, 123e6, time.UTC)
	offset := 540
	want := ingest.Metadata{
		TakenAt: &at, TakenOffset: &offset,
		Camera: contract.Camera{
			Make: "Sajin", Model: "Test 3", Lens: "Back camera 4.25mm f/2.8",
			ExposureTime: "1/250", FNumber: 2.8, ISO: 800, FocalLength: 4.25,
		},
		Place: &contract.Place{Latitude: -37.501, Longitude: 126.9},
	}
	for format, wrap := range wraps {
		got := read(t, format, wrap(tiff(photograph())))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:\n%s", format, diff)
		}
		prefixed := read(t, format, wrap(append([]byte(exifPrefix), tiff(photograph())...)))
		if diff := cmp.Diff(want, prefixed); diff != "" && format == "webp" {
			t.Errorf("%s with a prefix:\n%s", format, diff)
		}
	}
}

// A TIFF is a block itself, and so are most raw files; HEIF names its block in a
// table.
func TestPhotographInTIFFAndHEIF(t *testing.T) {
	avif, err := os.ReadFile("../goimaging/testdata/patches-turned.avif")
	if err != nil {
		t.Fatal(err)
	}
	for format, file := range map[string][]byte{"tiff": tiff(photograph()), "heif": avif} {
		m := read(t, format, file)
		if m.Camera.Model != "Test 3" || m.TakenAt == nil || m.TakenOffset == nil || *m.TakenOffset != 540 || m.Place == nil || m.Warnings != nil {
			t.Errorf("%s: %+v", format, m)
		}
	}
}

func TestNoMetadata(t *testing.T) {
	for format, file := range map[string][]byte{
		"jpeg": []byte("\xff\xd8\xff\xe0\x00\x04ab\xff\xda\x00\x02\xff\xd9"), "png": wraps["png"](nil),
		"webp": []byte("RIFF\x04\x00\x00\x00WEBP"), "gif": []byte("GIF89a"),
	} {
		if diff := cmp.Diff(ingest.Metadata{}, read(t, format, file)); diff != "" {
			t.Errorf("%s:\n%s", format, diff)
		}
	}
}

// exifWith is a photograph's data with some of its values replaced.
func exifWith(changes directory) directory {
	d := photograph()
	maps.Copy(d[tagExif].(directory), changes)
	return d
}

func TestDates(t *testing.T) {
	for _, tc := range []struct {
		name    string
		changes directory
		want    string // RFC 3339 with milliseconds, empty for none
		offset  bool
		warning string
	}{
		{"with offset", directory{}, "2026-05-03T18:02:01.123Z", true, ""},
		{"west", directory{tagOffsetOriginal: "-03:30"}, "2026-05-04T06:32:01.123Z", true, ""},
		{"in UTC", directory{tagOffsetOriginal: "Z"}, "2026-05-04T03:02:01.123Z", true, ""},
		{"no offset", directory{tagOffsetOriginal: ""}, "2026-05-04T03:02:01.123Z", false, ""},
		{"an offset of no clock", directory{tagOffsetOriginal: "+14:01"}, "2026-05-04T03:02:01.123Z", false, ""},
		{"an offset at its limit", directory{tagOffsetOriginal: "+14:00"}, "2026-05-03T13:02:01.123Z", true, ""},
		{"an offset that is none", directory{tagOffsetOriginal: "   :  "}, "2026-05-04T03:02:01.123Z", false, ""},
		{"microseconds", directory{tagSubSec: "123456"}, "2026-05-03T18:02:01.123Z", true, ""},
		{"no part of a second", directory{tagSubSec: "  "}, "2026-05-03T18:02:01.000Z", true, ""},
		{"dashes", directory{tagOriginal: "2026-05-04 03:02:01"}, "2026-05-03T18:02:01.123Z", true, ""},
		{"never set", directory{tagOriginal: "0000:00:00 00:00:00"}, "", false, ""},
		{"blank", directory{tagOriginal: "    :  :     :  :  "}, "", false, ""},
		{"digitised only", directory{tagOriginal: "", tagDigitized: "2001:02:03 04:05:06", tagOffsetDigitized: "+01:00"}, "2001-02-03T03:05:06.000Z", true, ""},
		{"no date", directory{tagOriginal: "yesterday"}, "", false, WarningUnreadable},
		{"month 13", directory{tagOriginal: "2026:13:04 03:02:01"}, "", false, WarningUnreadable},
		{"the first photograph", directory{tagOriginal: "1826:01:01 00:00:00", tagOffsetOriginal: "", tagSubSec: ""}, "1826-01-01T00:00:00.000Z", false, ""},
		{"before photography", directory{tagOriginal: "1825:12:31 23:59:59", tagOffsetOriginal: ""}, "", false, WarningTakenAt},
		{"a day ahead", directory{tagOriginal: "2026:11:23 12:00:00", tagOffsetOriginal: "", tagSubSec: ""}, "2026-11-23T12:00:00.000Z", false, ""},
		{"more than a day ahead", directory{tagOriginal: "2026:11:23 12:00:01", tagOffsetOriginal: ""}, "", false, WarningTakenAt},
	} {
		m := read(t, "jpeg", wraps["jpeg"](tiff(exifWith(tc.changes))))
		got := ""
		if m.TakenAt != nil {
			got = m.TakenAt.Format("2006-01-02T15:04:05.000Z07:00")
		}
		if got != tc.want || (m.TakenOffset != nil) != tc.offset || strings.Join(m.Warnings, " ") != tc.warning {
			t.Errorf("%s: %q, offset %v, %v", tc.name, got, m.TakenOffset, m.Warnings)
		}
		if m.Camera.Model != "Test 3" {
			t.Errorf("%s: the date took the rest with it", tc.name)
		}
	}
}

func TestExposures(t *testing.T) {
	for _, tc := range []struct {
		value rational
		want  string
	}{
		{rational{1, 250}, "1/250"},
		{rational{1, 8000}, "1/8000"},
		{rational{10, 33}, "0.3"},
		{rational{1, 4}, "1/4"},
		{rational{1, 2}, "0.5"},
		{rational{13, 10}, "1.3"},
		{rational{30, 1}, "30"},
		{rational{0, 1}, ""},
		{rational{1, 0}, ""},
		{rational{1 << 31, 1}, ""},
		{rational{1, 1 << 31}, ""},
	} {
		m := read(t, "png", wraps["png"](tiff(exifWith(directory{tagExposure: tc.value}))))
		if m.Camera.ExposureTime != tc.want {
			t.Errorf("%v: %q, want %q", tc.value, m.Camera.ExposureTime, tc.want)
		}
	}
}

func TestOddNumbers(t *testing.T) {
	m := read(t, "png", wraps["png"](tiff(exifWith(directory{
		tagISO: []uint16{400, 0}, tagFNumber: rational{0, 0}, tagFocal: rational{1 << 31, 1},
	}))))
	want := contract.Camera{Make: "Sajin", Model: "Test 3", Lens: "Back camera 4.25mm f/2.8", ExposureTime: "1/250", ISO: 400}
	if diff := cmp.Diff(want, m.Camera); diff != "" {
		t.Error(diff)
	}
}

func TestPlaces(t *testing.T) {
	degrees := func(d, m, s uint32) []rational { return []rational{{d, 1}, {m, 1}, {s, 1}} }
	for _, tc := range []struct {
		name    string
		gps     directory
		want    *contract.Place
		warning string
	}{
		{"north west", directory{1: "N", 2: degrees(52, 30, 0), 3: "W", 4: degrees(13, 15, 0)}, &contract.Place{Latitude: 52.5, Longitude: -13.25}, ""},
		{"the pole", directory{1: "N", 2: degrees(90, 0, 0), 3: "E", 4: degrees(180, 0, 0)}, &contract.Place{Latitude: 90, Longitude: 180}, ""},
		{"beyond the pole", directory{1: "N", 2: degrees(90, 0, 1), 3: "E", 4: degrees(18, 0, 0)}, nil, WarningPlace},
		{"beyond the date line", directory{1: "N", 2: degrees(9, 0, 0), 3: "E", 4: degrees(180, 0, 1)}, nil, WarningPlace},
		{"no fix", directory{1: "N", 2: degrees(0, 0, 0), 3: "E", 4: degrees(0, 0, 0)}, nil, ""},
		{"no references", directory{2: degrees(9, 0, 0), 4: degrees(9, 0, 0)}, nil, ""},
		{"no longitude", directory{1: "N", 2: degrees(9, 0, 0), 3: "E"}, nil, ""},
		{"broken values", directory{1: "N", 2: []rational{{1, 0}, {1, 0}}, 3: "E", 4: "x"}, nil, ""},
	} {
		d := photograph()
		d[tagGPS] = tc.gps
		m := read(t, "jpeg", wraps["jpeg"](tiff(d)))
		if diff := cmp.Diff(tc.want, m.Place); diff != "" || strings.Join(m.Warnings, " ") != tc.warning {
			t.Errorf("%s: %v\n%s", tc.name, m.Warnings, diff)
		}
	}
}

func TestTextIsCleaned(t *testing.T) {
	for _, tc := range []struct{ value, want string }{
		{"  NIKON   CORPORATION \x00\x00", "NIKON CORPORATION"},
		{"a\x1b[31mb\x07c\u202egpj\u2066", "a[31mbcgpj"},
		{"ca\xff\xfem\xc3", "cam"},
		{"사진기", "사진기"},
		{strings.Repeat("é", maxText-1), strings.Repeat("é", maxText-1)},
		{strings.Repeat("é", maxText), strings.Repeat("é", maxText)},
		{strings.Repeat("é", maxText+1), strings.Repeat("é", maxText)},
		{strings.Repeat("x", maxTagBytes+1), ""}, // not read at all
	} {
		d := photograph()
		d[tagMake] = tc.value
		if got := read(t, "png", wraps["png"](tiff(d))).Camera.Make; got != tc.want {
			t.Errorf("%.20q: %q, want %q", tc.value, got, tc.want)
		}
	}
}
