package goimaging

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// meter counts what is read of a source.
type meter struct {
	io.ReaderAt
	read int64
}

func (m *meter) ReadAt(p []byte, off int64) (int, error) {
	n, err := m.ReaderAt.ReadAt(p, off)
	m.read += int64(n)
	return n, err
}

// probeFile probes with limits, and reports what that read and allocated.
func probeFile(limits Limits, data []byte) (p ingest.Probe, read, allocated int64, err error) {
	m := &meter{ReaderAt: bytes.NewReader(data)}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	p, err = New(limits).Probe(context.Background(), ingest.Source{ReaderAt: m, Size: int64(len(data))})
	runtime.ReadMemStats(&after)
	return p, m.read, int64(after.TotalAlloc - before.TotalAlloc), err
}

// sofJPEG is a JPEG of headers and next to no pixels.
func sofJPEG(sof byte, w, h uint16, components ...byte) []byte {
	body := []byte{8, byte(h >> 8), byte(h), byte(w >> 8), byte(w), byte(len(components))}
	for i, factors := range components {
		body = append(body, byte(i+1), factors, 0)
	}
	return bytes.Join([][]byte{
		{0xff, markerSOI},
		segment(markerDQT, "\x00"+strings.Repeat("\x01", 64)), segment(sof, string(body)),
		segment(markerSOS, "\x01\x01\x00\x00\x3f\x00"),
		{0x12, 0x34, 0xff, markerEOI},
	}, nil)
}

// gifHeader is a GIF's header with a global table of two colours.
func gifHeader(w, h uint16) []byte {
	b := binary.LittleEndian.AppendUint16([]byte("GIF89a"), w)
	b = binary.LittleEndian.AppendUint16(b, h)
	return append(b, 0x80, 0, 0, 255, 255, 255, 0, 0, 0)
}

// gifFrame is a frame of one colour, however large.
func gifFrame(x, y, w, h uint16) []byte {
	b := []byte{gifImage}
	for _, v := range []uint16{x, y, w, h} {
		b = binary.LittleEndian.AppendUint16(b, v)
	}
	return append(b, 0, 2, 2, 0x44, 0x01, 0)
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// TestBombsAreRefusedFromTheHeader gives Probe what would take gigabytes or
// minutes to decode. It may read two windows of each and allocate next to
// nothing; only frames and scans have to be counted to the limit.
func TestBombsAreRefusedFromTheHeader(t *testing.T) {
	scans := bytes.Repeat(join(segment(markerSOS, "\x01\x01\x00\x01\x01\x00"), make([]byte, 60)), 2000)
	progressive := sofJPEG(markerSOF2, 6000, 6000, 0x22, 0x11, 0x11)
	frames := bytes.Repeat(gifFrame(0, 0, 1, 1), 40000)
	bigFrames := bytes.Repeat(gifFrame(0, 0, 2000, 2000), 1200)
	anmf := bytes.Repeat(anmfChunk(0, 0, 16, 16, riffChunk("VP8L", vp8lPlain(16, 16, 9))), 10000)
	for _, tc := range []struct {
		name string
		file []byte
		want *fault.Error
	}{
		{"png of 900 megapixels in one bit", zeroPNG(30000, 30000, 1, pngGray, 37), ingest.ErrTooLarge},
		{"png of 49 megapixels in 64 bits", zeroPNG(7000, 7000, 16, pngRGBA, 80), ingest.ErrTooLarge},
		{"png of 2^31-1 pixels a side", join(pngHeader(1<<31-1, 1<<31-1, 8, pngRGB, 0)), ingest.ErrTooLarge},
		{"jpeg of 64250 pixels a side", sofJPEG(markerSOF0, 64250, 64250, 0x22, 0x11, 0x11), ingest.ErrTooLarge},
		{"jpeg of 50 progressive megapixels", sofJPEG(markerSOF2, 7200, 7200, 0x11, 0x11, 0x11), ingest.ErrTooLarge},
		{"jpeg of 2000 scans", join(progressive[:len(progressive)-2], scans, []byte{0xff, markerEOI}), ingest.ErrTooComplex},
		{"gif of 65535 pixels a side with one pixel", join(gifHeader(65535, 65535), gifFrame(0, 0, 1, 1), []byte{gifTrailer}), ingest.ErrTooLarge},
		{"gif of 40000 frames", join(gifHeader(1, 1), frames, []byte{gifTrailer}), ingest.ErrTooManyFrames},
		{"gif of 1200 large frames", join(gifHeader(2000, 2000), bigFrames, []byte{gifTrailer}), ingest.ErrTooManyFrames},
		{"bmp of 3000000 x 2000000", withBytes(encodeBMP(t, scene(9, 9)), 18, 0xc0, 0xc6, 0x2d, 0, 0x80, 0x84, 0x1e, 0), ingest.ErrTooLarge},
		{"bmp of 2^31 rows from the top", withBytes(encodeBMP(t, scene(9, 9)), 22, 0, 0, 0, 0x80), ingest.ErrTooLarge},
		{"tiff of 2^32-1 pixels a side", tiffFile{bits: 1, width: 1<<32 - 1, height: 1<<32 - 1}.encode(scene(9, 9)), ingest.ErrTooLarge},
		{"webp of 16383 pixels a side", riff(riffChunk("VP8L", vp8lPlain(16383, 16383, 7))), ingest.ErrTooLarge},
		{"webp with such a canvas", riff(vp8xChunk(0, 1<<24, 1<<24), riffChunk("VP8L", vp8lPlain(1, 1, 7))), ingest.ErrTooLarge},
		{"webp of 10000 frames", riff(vp8xChunk(vp8xAnimation, 16, 16), anmf), ingest.ErrTooManyFrames},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, read, allocated, err := probeFile(Limits{}, tc.file)
			if !errors.Is(err, tc.want) {
				t.Fatalf("%v, want %v", err, tc.want)
			}
			if fault.Public(err).Detail == tc.want.Detail {
				t.Errorf("the sentence %q has no numbers", tc.want.Detail)
			}
			if read > 4*windowBytes || allocated > 256<<10 {
				t.Errorf("%d bytes read and %d allocated", read, allocated)
			}
		})
	}
}

// TestForeignFilesAreNamed goes by content, whatever the file is called.
func TestForeignFilesAreNamed(t *testing.T) {
	for _, tc := range []struct{ content, want string }{
		{`X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*`, "text/plain"},
		{"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "image/svg+xml"},
		{"<?xml version='1.0'?>\n<!-- a --><svg/>", "image/svg+xml"},
		{"<!DOCTYPE html><p>", "text/html"},
		{"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2", "video/mp4"},
		{"%PDF-1.7", "application/pdf"},
		{"PK\x03\x04\x14\x00", "application/zip"},
		{"\x1f\x8b\x08\x00", "application/gzip"},
		{"8BPS\x00\x01", "photoshop"},
		{"\x00\x00\x01\x00\x01\x00", "image/x-icon"},
		{"\x7fELF\x02\x01\x01", "application/octet-stream"},
		{"caf\xc3", "text/plain"}, // a rune that the end of the prefix cut
		{"caf\xff\xfe\xff\xff", "application/octet-stream"},
	} {
		_, _, _, err := probeFile(Limits{}, []byte(tc.content))
		if detail := fault.Public(err).Detail; !errors.Is(err, ingest.ErrUnsupported) || !strings.Contains(detail, tc.want) {
			t.Errorf("%.12q: %v, %q, want %s", tc.content, err, detail, tc.want)
		}
	}
}

// TestLimits goes to each limit and one beyond it.
func TestLimits(t *testing.T) {
	jpegOf := func(w, h uint16) []byte { return sofJPEG(markerSOF0, w, h, 0x22, 0x11, 0x11) }
	withScans := func(n int) []byte {
		file := sofJPEG(markerSOF2, 9, 9, 0x11)
		return join(file[:len(file)-2], bytes.Repeat(segment(markerSOS, "\x01\x01\x00\x01\x01\x00"), n-1), file[len(file)-2:])
	}
	withFrames := func(n int) []byte {
		return join(gifHeader(1, 1), bytes.Repeat(gifFrame(0, 0, 1, 1), n), []byte{gifTrailer})
	}
	apng := func(n int) []byte {
		return insertChunks(encodePNG(t, scene(9, 9)), bytes.Repeat(pngChunk("fcTL", make([]byte, 26)), n))
	}
	webp := func(n int) []byte {
		return riff(vp8xChunk(vp8xAnimation, 2, 2), bytes.Repeat(anmfChunk(0, 0, 2, 2, riffChunk("VP8L", vp8lPlain(2, 2, 7))), n))
	}
	memory := mustProbe(t, jpegOf(100, 100)).MemoryBytes
	for _, tc := range []struct {
		name   string
		limits Limits
		file   []byte
		want   *fault.Error
	}{
		{"pixels below", Limits{MaxPixels: 10000}, jpegOf(99, 101), nil},
		{"pixels at", Limits{MaxPixels: 10000}, jpegOf(100, 100), nil},
		{"pixels above", Limits{MaxPixels: 10000}, jpegOf(10001, 1), ingest.ErrTooLarge},
		{"side below", Limits{MaxSide: 500}, jpegOf(499, 1), nil},
		{"side at", Limits{MaxSide: 500}, jpegOf(1, 500), nil},
		{"side above", Limits{MaxSide: 500}, jpegOf(1, 501), ingest.ErrTooLarge},
		{"memory at", Limits{MaxMemoryBytes: memory}, jpegOf(100, 100), nil},
		{"memory above", Limits{MaxMemoryBytes: memory - 1}, jpegOf(100, 100), ingest.ErrTooLarge},
		{"scans below", Limits{MaxScans: 11}, withScans(10), nil},
		{"scans at", Limits{MaxScans: 11}, withScans(11), nil},
		{"scans above", Limits{MaxScans: 11}, withScans(12), ingest.ErrTooComplex},
		{"gif frames below", Limits{MaxFrames: 7}, withFrames(6), nil},
		{"gif frames at", Limits{MaxFrames: 7}, withFrames(7), nil},
		{"gif frames above", Limits{MaxFrames: 7}, withFrames(8), ingest.ErrTooManyFrames},
		{"png frames at", Limits{MaxFrames: 7}, apng(7), nil},
		{"png frames above", Limits{MaxFrames: 7}, apng(8), ingest.ErrTooManyFrames},
		{"webp frames at", Limits{MaxFrames: 7}, webp(7), nil},
		{"webp frames above", Limits{MaxFrames: 7}, webp(8), ingest.ErrTooManyFrames},
	} {
		_, _, _, err := probeFile(tc.limits, tc.file)
		if tc.want == nil && err != nil || tc.want != nil && !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, err, tc.want)
		}
	}
}

// TestProbeTells is what ingest learns of each format.
func TestProbeTells(t *testing.T) {
	trailing := func(file []byte) []byte { return append(bytes.Clone(file), "PK\x03\x04 and more"...) }
	for _, tc := range []struct {
		name string
		file []byte
		want ingest.Probe
	}{
		{"jpeg", encodeJPEG(t, scene(70, 50), 80), ingest.Probe{Format: "jpeg", ContentType: "image/jpeg", Extension: ".jpg", Frames: 1}},
		{"png", encodePNG(t, scene(70, 50)), ingest.Probe{Format: "png", ContentType: "image/png", Extension: ".png", Frames: 1}},
		{
			"gif", join(gifHeader(70, 50), gifFrame(0, 0, 70, 50), gifFrame(1, 1, 2, 2), []byte{gifTrailer}),
			ingest.Probe{Format: "gif", ContentType: "image/gif", Extension: ".gif", Frames: 2},
		},
		{"bmp", encodeBMP(t, scene(70, 50)), ingest.Probe{Format: "bmp", ContentType: "image/bmp", Extension: ".bmp", Frames: 1}},
		{"tiff", tiffFile{bits: 8}.encode(scene(70, 50)), ingest.Probe{Format: "tiff", ContentType: "image/tiff", Extension: ".tif", Frames: 1}},
		{"webp", riff(riffChunk("VP8L", vp8lPlain(70, 50, 9))), ingest.Probe{Format: "webp", ContentType: "image/webp", Extension: ".webp", Frames: 1}},
	} {
		for _, file := range [][]byte{tc.file, trailing(tc.file)} {
			got := mustProbe(t, file)
			if got.MemoryBytes <= 0 {
				t.Errorf("%s: memory of %d bytes", tc.name, got.MemoryBytes)
			}
			got.MemoryBytes = 0
			tc.want.Width, tc.want.Height, tc.want.Orientation = 70, 50, 1
			if got != tc.want {
				t.Errorf("%s: %+v, want %+v", tc.name, got, tc.want)
			}
		}
	}
}
