package goimaging

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// TestDamageIsRefused is one rule for every format: what ends early, or
// contradicts itself, is damaged.
func TestDamageIsRefused(t *testing.T) {
	whole := map[string][]byte{
		"jpeg":             encodeJPEG(t, scene(160, 120), 80),
		"jpeg progressive": jpegForms[9].encode(scene(160, 120)),
		"png":              encodePNG(t, scene(160, 120)),
		"gif":              encodeGIF(t, palettedCopy(patches(160, 120))),
		"webp lossless":    riff(riffChunk("VP8L", vp8l(scene(60, 40)))),
		"webp lossy":       fixture(t, "patches.webp"),
		"webp animated":    fixture(t, "patches-animated.webp"),
		"heic":             fixture(t, "patches.heic"),
		"avif":             fixture(t, "patches.avif"),
		"bmp":              encodeBMP(t, scene(60, 40)),
		"tiff":             tiffFile{bits: 8, compression: tiffLZW, dirFirst: true}.encode(scene(60, 40)),
		"tiff in tiles":    tiffFile{bits: 8, tile: 16, dirFirst: true}.encode(scene(60, 40)),
	}
	for name, file := range whole {
		mustDerive(t, file, standardSpecs...)
		cuts := []int{len(file) / 4, len(file) / 2, len(file) * 3 / 4, len(file) * 99 / 100, len(file) - 1, 30, 12, 9, 4, 1}
		for _, n := range cuts {
			t.Run(fmt.Sprintf("%s cut at %d of %d", name, n, len(file)), func(t *testing.T) {
				if _, _, _, err := probeFile(Limits{}, file[:n]); !errors.Is(err, ingest.ErrCorrupt) {
					t.Errorf("%v, want ErrCorrupt", err)
				}
			})
		}
	}
	jpeg, png := whole["jpeg"], whole["png"]
	for _, tc := range []struct {
		name string
		file []byte
		want *fault.Error
	}{
		{"no bytes", nil, ingest.ErrEmpty},
		{"jpeg of no width", sofJPEG(markerSOF0, 0, 9, 0x11), ingest.ErrCorrupt},
		{"jpeg of no height", sofJPEG(markerSOF0, 9, 0, 0x11), ingest.ErrCorrupt},
		{"jpeg without a frame", join([]byte{0xff, markerSOI}, segment(0xfe, "hello"), []byte{0xff, markerEOI}), ingest.ErrCorrupt},
		{"jpeg without a scan", join(jpeg[:2], segment(markerSOF0, "\x08\x00\x09\x00\x09\x01\x01\x11\x00"), []byte{0xff, markerEOI}), ingest.ErrCorrupt},
		{"jpeg without a quantiser", bytes.Replace(jpeg, []byte{0xff, markerDQT}, []byte{0xff, 0xfe}, 1), ingest.ErrCorrupt},
		{"jpeg with two frames", insertSegments(jpeg, segment(markerSOF0, "\x08\x00\x09\x00\x09\x01\x01\x11\x00")), ingest.ErrCorrupt},
		{"jpeg with sampling of nothing", sofJPEG(markerSOF0, 9, 9, 0x01), ingest.ErrCorrupt},
		{"jpeg with a segment of one byte", join(jpeg[:2], []byte{0xff, 0xfe, 0, 1}, jpeg[2:]), ingest.ErrCorrupt},
		{"jpeg with a marker that is none", join(jpeg[:2], []byte{0xff, 0x4f, 0, 2}, jpeg[2:]), ingest.ErrCorrupt},
		{"png of no width", zeroPNG(0, 9, 8, pngGray, 1), ingest.ErrCorrupt},
		{"png of no height", zeroPNG(9, 0, 8, pngGray, 9), ingest.ErrCorrupt},
		{"png of five bits", zeroPNG(9, 9, 5, pngGray, 9), ingest.ErrCorrupt},
		{"png of colour type 5", zeroPNG(9, 9, 8, 5, 9), ingest.ErrCorrupt},
		{"png with a wrong checksum", flip(png, 30), ingest.ErrCorrupt},
		{"png without pixels", join(pngHeader(9, 9, 8, pngGray, 0), pngChunk("IEND", nil)), ingest.ErrCorrupt},
		{"png that begins otherwise", join(png[:8], pngChunk("IDAT", []byte("0123456789abc")), png[8:]), ingest.ErrCorrupt},
		{"gif of no width", join(gifHeader(0, 9), gifFrame(0, 0, 0, 9), []byte{gifTrailer}), ingest.ErrCorrupt},
		{"gif with a frame outside", join(gifHeader(9, 9), gifFrame(5, 0, 5, 9), []byte{gifTrailer}), ingest.ErrCorrupt},
		{"gif with a late frame outside", join(gifHeader(9, 9), gifFrame(0, 0, 9, 9), gifFrame(0, 65535, 9, 9), []byte{gifTrailer}), ingest.ErrCorrupt},
		{"gif without a frame", join(gifHeader(9, 9), []byte{gifTrailer}), ingest.ErrCorrupt},
		{"gif with an unknown block", join(gifHeader(9, 9), gifFrame(0, 0, 9, 9), []byte{0x77, gifTrailer}), ingest.ErrCorrupt},
		{"bmp of no width", withBytes(encodeBMP(t, scene(9, 9)), 18, 0, 0, 0, 0), ingest.ErrCorrupt},
		{"bmp of no height", withBytes(encodeBMP(t, scene(9, 9)), 22, 0, 0, 0, 0), ingest.ErrCorrupt},
		{"bmp of negative width", withBytes(encodeBMP(t, scene(9, 9)), 18, 0xf7, 0xff, 0xff, 0xff), ingest.ErrCorrupt},
		{"bmp of seven bits", withBytes(encodeBMP(t, scene(9, 9)), 28, 7), ingest.ErrCorrupt},
		{"bmp whose pixels begin in its header", withBytes(encodeBMP(t, scene(9, 9)), 10, 9), ingest.ErrCorrupt},
		{"bmp with a header of seven bytes", withBytes(encodeBMP(t, scene(9, 9)), 14, 7), ingest.ErrCorrupt},
		{"tiff of no width", tiffFile{bits: 8}.encode(image.NewRGBA(image.Rect(0, 0, 0, 9))), ingest.ErrCorrupt},
		{"tiff of no height", tiffFile{bits: 8}.encode(image.NewRGBA(image.Rect(0, 0, 9, 0))), ingest.ErrCorrupt},
		{"tiff without a directory", []byte("II*\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00"), ingest.ErrCorrupt},
		{"tiff whose directory is itself", []byte("II*\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), ingest.ErrCorrupt},
		{"webp whose canvas differs", riff(vp8xChunk(0, 99, 99), riffChunk("VP8L", vp8lPlain(9, 9, 7))), ingest.ErrCorrupt},
		{"webp whose frame is outside", riff(vp8xChunk(vp8xAnimation, 9, 9), anmfChunk(4, 0, 9, 9, riffChunk("VP8L", vp8lPlain(9, 9, 7)))), ingest.ErrCorrupt},
		{"webp whose frame differs", riff(vp8xChunk(vp8xAnimation, 9, 9), anmfChunk(0, 0, 9, 9, riffChunk("VP8L", vp8lPlain(8, 9, 7)))), ingest.ErrCorrupt},
		{"webp with a frame unannounced", riff(vp8xChunk(0, 9, 9), anmfChunk(0, 0, 9, 9, riffChunk("VP8L", vp8lPlain(9, 9, 7)))), ingest.ErrCorrupt},
		{"webp without a picture", riff(vp8xChunk(0, 9, 9)), ingest.ErrCorrupt},
		{"webp with two pictures", riff(riffChunk("VP8L", vp8lPlain(9, 9, 7)), riffChunk("VP8L", vp8lPlain(9, 9, 7))), ingest.ErrCorrupt},
		{"webp with a chunk too long", riff(flip(riffChunk("VP8L", vp8lPlain(9, 9, 7)), 5)), ingest.ErrCorrupt},
		{"webp between key frames", riff(riffChunk("VP8 ", []byte("\x01\x00\x00\x9d\x01\x2a\x09\x00\x09\x00"))), ingest.ErrCorrupt},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, _, _, err := probeFile(Limits{}, tc.file); !errors.Is(err, tc.want) {
				t.Errorf("%v, want %v", err, tc.want)
			}
		})
	}
}

// TestRareVariantsAreKept tells what no decoder here knows from what is broken:
// it is said to be an image, of its size, that cannot be shown.
func TestRareVariantsAreKept(t *testing.T) {
	twelve := sofJPEG(markerSOF1, 9, 9, 0x11)
	twelve[bytes.Index(twelve, []byte{0xff, markerSOF1})+4] = 12
	scan := bytes.Index(twelve, []byte{0xff, markerSOS})
	late := sofJPEG(markerSOF0, 9, 9, 0x11)
	late = join(late[:scan], segment(markerDNL, "\x00\x09"), late[scan:])
	arithmetic := sofJPEG(0xc9, 9, 9, 0x11)
	arithmetic = join(arithmetic[:scan], segment(markerDAC, "\x00\x10\x10\x05"), arithmetic[scan:]) // as libjpeg writes it
	bitmap := encodeBMP(t, scene(9, 9))
	for name, file := range map[string][]byte{
		"jpeg of 12 bits":                 twelve,
		"jpeg lossless":                   sofJPEG(0xc3, 9, 9, 0x11),
		"jpeg arithmetic":                 sofJPEG(0xc9, 9, 9, 0x11),
		"jpeg arithmetic, conditioned":    arithmetic,
		"jpeg of two components":          sofJPEG(markerSOF0, 9, 9, 0x11, 0x11),
		"jpeg sampled by three":           sofJPEG(markerSOF0, 9, 9, 0x31, 0x11, 0x11),
		"jpeg of four unknown components": sofJPEG(markerSOF0, 9, 9, 0x11, 0x11, 0x11, 0x11),
		"jpeg with a late height":         late,
		"bmp of run lengths":              withBytes(bitmap, 30, 1),
		"bmp of 16 bits":                  withBytes(bitmap, 28, 16),
		"tiff of Lab":                     tiffFile{bits: 8, photometric: 8}.encode(scene(9, 9)),
		"tiff of floating point":          tiffFile{bits: 32}.encode(scene(9, 9)),
		"tiff with JPEG within":           tiffFile{bits: 8, claims: 7}.encode(scene(9, 9)),
	} {
		t.Run(name, func(t *testing.T) {
			p := mustProbe(t, file)
			if !p.Unavailable || p.Width != 9 || p.Height != 9 || p.ContentType == "" || p.Extension == "" {
				t.Errorf("%+v, want an image of 9 x 9 that cannot be shown", p)
			}
			if _, err := New(unhurried).Derive(t.Context(), source(file), p, standardSpecs); err == nil {
				t.Error("it was decoded all the same")
			}
		})
	}
}

// withBytes is a copy of a file with some bytes replaced.
func withBytes(file []byte, at int, b ...byte) []byte {
	out := bytes.Clone(file)
	copy(out[at:], b)
	return out
}

func flip(file []byte, at int) []byte {
	out := bytes.Clone(file)
	out[at] ^= 0x55
	return out
}
