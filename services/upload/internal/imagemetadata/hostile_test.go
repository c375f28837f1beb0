package imagemetadata

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/services/upload/internal/imagertest"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// TestWhatCameBeforeAnErrorIsKept cuts a block in the middle of its directories.
func TestWhatCameBeforeAnErrorIsKept(t *testing.T) {
	block := tiff(photograph())
	broken := bytes.Clone(block)
	copy(broken[8+2+2*12+2:], "\x63\x00") // the type of the third entry, ExifIFD
	m := read(t, "jpeg", wraps["jpeg"](broken))
	if m.Camera.Make != "Sajin" || m.TakenAt != nil || !strings.Contains(strings.Join(m.Warnings, " "), WarningUnreadable) {
		t.Errorf("%+v", m)
	}
	if m := read(t, "png", wraps["png"]([]byte("no tiff at all"))); m.Camera != (contract.Camera{}) {
		t.Errorf("%+v", m)
	}
}

// TestBombs bounds what hostile metadata costs.
func TestBombs(t *testing.T) {
	const subIFDs = 0x014a
	// 128 directories that are one and the same, of 10000 entries to pass over.
	most := slices.Repeat([]uint32{1000}, maxTagBytes/4)
	again := append(tiff(directory{subIFDs: most}), bytes.Repeat([]byte{0xff}, maxExifBytes)...)
	copy(again[1000:], "\x10\x27")
	loop := tiff(directory{subIFDs: slices.Repeat([]uint32{8}, maxTagBytes/4), tagMake: "Sajin"})
	many := tiff(photograph())
	for range 6000 {
		many = append(many, many[10:22]...)
	}
	many[8], many[9] = 0xff, 0xff
	segments := append([]byte("\xff\xd8"), bytes.Repeat([]byte("\xff\xe5\x00\x02"), 200000)...)
	huge := directory{tagMake: "Sajin"}
	for tag := uint16(0xc000); tag < 0xd000; tag++ {
		huge[tag] = strings.Repeat("x", 250)
	}
	for name, file := range map[string][]byte{
		"a loop": wraps["png"](loop), "a directory 128 times": wraps["png"](again), "65535 entries": wraps["png"](many),
		"a megabyte of tags": wraps["png"](tiff(huge)),
		"200000 segments":    segments,
	} {
		format := "png"
		if file[0] == 0xff {
			format = "jpeg"
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m := read(t, format, file)
		runtime.ReadMemStats(&after)
		if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 4<<20 {
			t.Errorf("%s: %d bytes allocated", name, allocated)
		}
		if m.TakenAt != nil && m.TakenAt.After(now) {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

// TestBlocksAreCut: what a camera writes is at the front of its block, so that a
// cut costs nothing.
func TestBlocksAreCut(t *testing.T) {
	block := tiff(photograph())
	for _, size := range []int{maxExifBytes - 1, maxExifBytes, maxExifBytes + 1, 4 << 20} {
		padded := append(bytes.Clone(block), make([]byte, size-len(block))...)
		found, err := findBlocks(t.Context(), source(wraps["png"](padded)), "png")
		if err != nil || len(found.exif) != min(size, maxExifBytes) {
			t.Errorf("%d bytes: %d kept, %v", size, len(found.exif), err)
		}
		if m := read(t, "png", wraps["png"](padded)); m.TakenAt == nil || m.Warnings != nil {
			t.Errorf("%d bytes: %+v", size, m)
		}
	}
}

// TestNoReadFailureIsTakenForTheFile fails every read of every format in turn: a
// picture must not lose its date to a disk that failed at the moment.
func TestNoReadFailureIsTakenForTheFile(t *testing.T) {
	down := errors.New("down")
	for format, wrap := range wraps {
		file := wrap(tiff(photograph()))
		for n, again := 1, true; again; n++ {
			src := imagertest.Stumbling(file, n, down)
			m, err := testReader().Read(t.Context(), src.Source(), ingest.Probe{Format: format})
			if again = src.Stumbled(); again != errors.Is(err, down) || !again && m.TakenAt == nil {
				t.Errorf("%s whose read %d fails: %+v, %v", format, n, m, err)
			}
		}
	}
}

func TestEndedContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m, err := testReader().Read(ctx, source(wraps["png"](tiff(photograph()))), ingest.Probe{Format: "png"})
	if !errors.Is(err, context.Canceled) || m.Warnings != nil {
		t.Errorf("%+v, %v", m, err)
	}
}

func FuzzMetadata(f *testing.F) {
	for _, wrap := range wraps {
		f.Add(wrap(tiff(photograph())))
	}
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x08Exif\x00\x00"))
	f.Add(tiff(directory{0x02bc: described("c", "", "w"), 0x83bb: "\x1c\x02\x78\x00\x01c"}))
	f.Add(heifWith(described("c", "", "w")))
	formats := []string{"jpeg", "png", "webp", "gif", "tiff", "heif"}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, format := range formats {
			checkMetadata(t, read(t, format, data))
		}
		checkMetadata(t, read(t, "png", wraps["png"](data)))
	})
}

// checkMetadata holds whatever was read to what may be shown.
func checkMetadata(t *testing.T, m ingest.Metadata) {
	t.Helper()
	for _, s := range []string{m.Camera.Make, m.Camera.Model, m.Camera.Lens, m.Camera.ExposureTime} {
		if !utf8.ValidString(s) || utf8.RuneCountInString(s) > maxText || strings.ContainsAny(s, "\x00\n\x1b\u202e") {
			t.Errorf("%q", s)
		}
	}
	for _, s := range append(m.Keywords, m.Caption) {
		if !utf8.ValidString(s) || utf8.RuneCountInString(s) > maxCaption || strings.ContainsAny(s, "\x00\x1b\u202e") {
			t.Errorf("%q", s)
		}
	}
	if m.TakenAt != nil && (m.TakenAt.Before(earliest) || m.TakenAt.After(now.Add(ahead))) {
		t.Errorf("taken at %v", m.TakenAt)
	}
	if p := m.Place; p != nil && !(p.Latitude >= -90 && p.Latitude <= 90 && p.Longitude >= -180 && p.Longitude <= 180) {
		t.Errorf("place %+v", p)
	}
	if c := m.Camera; !(c.FNumber >= 0 && c.FNumber <= 200) || c.ISO < 0 || !(c.FocalLength >= 0 && c.FocalLength <= 1e5) {
		t.Errorf("camera %+v", c)
	}
}
