package goimaging

import (
	"errors"
	"reflect"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/services/upload/internal/imagertest"
)

// TestNoReadFailureIsTakenForTheFile fails every read of the source in turn.
// What can be done without, such as an orientation or a profile, may be missing
// in the file, but is not to be given up because it could not be read: the same
// file would be another picture the next time.
func TestNoReadFailureIsTakenForTheFile(t *testing.T) {
	m := scene(300, 200)
	gap := segment(0xe5, string(make([]byte, 60000))) // so that one window does not hold both
	jpeg := insertSegments(encodeJPEG(t, m, 90), gap, segment(markerAPP1, exifPrefix+exifTIFF(6)), gap,
		appSegments(iccProfile("RGB ", 40000))[18:])
	png := insertChunks(encodePNG(t, m), pngChunk("zzZz", make([]byte, 40000)), pngChunk("eXIf", []byte(exifTIFF(8))),
		pngChunk("iCCP", append([]byte("p\x00\x00"), deflate(iccProfile("RGB ", 200), 1)...)))
	down := fault.New(fault.Unavailable, "store_down", "The store is down.")
	for name, file := range map[string][]byte{
		"jpeg":      jpeg,
		"png":       png,
		"live jpeg": join(encodeJPEG(t, m, 90), make([]byte, 50000), film("mp42")),
		"bmp":       encodeBMP(t, m),
		"webp":      riff(vp8xChunk(0, 9, 7), riffChunk("VP8L", vp8l(scene(9, 7))), riffChunk("XYZ ", make([]byte, 40000)), riffChunk("EXIF", []byte(exifTIFF(6)))),
		"dng":       rawFile(t, ".dng", m),
		"nef":       rawFile(t, ".nef", m),
		"raf":       rafFile(t, m),
		"cr3":       cr3File(encodeJPEG(t, m, 80), encodeJPEG(t, scene(9, 7), 80)),
		"tiff":      tiffFile{bits: 8}.encode(m),
		"heic":      fixture(t, "tile-red.heic"),
		"jxl":       []byte("\xff\x0a\x47\x02\x00\x00"),
	} {
		t.Run(name, func(t *testing.T) {
			probe := mustProbe(t, file)
			for n, again := 1, true; again; n++ {
				src := imagertest.Stumbling(file, n, down)
				p, err := New(unhurried).Probe(t.Context(), src.Source())
				if again = src.Stumbled(); again && !errors.Is(err, down) || !again && p != probe {
					t.Errorf("Probe whose read %d fails: %+v, %v", n, p, err)
				}
			}
			if probe.Unavailable || probe.Format == formatHEIF { // the one cannot be decoded, the other takes a second each time
				return
			}
			derived, err := New(unhurried).Derive(t.Context(), source(file), probe, standardSpecs)
			if err != nil {
				t.Fatal(err)
			}
			for n, again := 1, true; again; n++ {
				src := imagertest.Stumbling(file, n, down)
				d, err := New(unhurried).Derive(t.Context(), src.Source(), probe, standardSpecs)
				if again = src.Stumbled(); again && !errors.Is(err, down) || !again && !reflect.DeepEqual(d, derived) {
					t.Errorf("Derive whose read %d fails: %v", n, err)
				}
			}
		})
	}
}
