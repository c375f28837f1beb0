package goimaging

import (
	"fmt"
	"image"
	"math"
	"testing"
)

// stored is how a camera that writes orientation o stores an upright picture.
func stored(upright *image.RGBA, o int) *image.RGBA {
	w, h := upright.Rect.Dx(), upright.Rect.Dy()
	sw, sh := w, h
	if o >= 5 {
		sw, sh = h, w
	}
	m := image.NewRGBA(image.Rect(0, 0, sw, sh))
	for y := range h {
		for x := range w {
			// EXIF 2.32, 4.6.5.1.6: which sides the 0th row and column are.
			at := [9]image.Point{
				1: {x, y}, 2: {w - 1 - x, y}, 3: {w - 1 - x, h - 1 - y}, 4: {x, h - 1 - y},
				5: {y, x}, 6: {y, w - 1 - x}, 7: {h - 1 - y, w - 1 - x}, 8: {h - 1 - y, x},
			}[o]
			m.SetRGBA(at.X, at.Y, upright.RGBAAt(x, y))
		}
	}
	return m
}

// TestOrientation stores one picture in all eight ways, in the three formats
// that know orientations, and compares every rendition with that of the upright
// picture. Odd sizes show chroma that was turned against its luma.
func TestOrientation(t *testing.T) {
	wraps := map[string]func(*image.RGBA, int) []byte{
		"jpeg": func(m *image.RGBA, o int) []byte {
			return insertSegments(encodeJPEG(t, m, 97), segment(markerAPP1, exifPrefix+exifTIFF(uint16(o))))
		},
		"png": func(m *image.RGBA, o int) []byte {
			return insertChunks(encodePNG(t, m), pngChunk("eXIf", []byte(exifTIFF(uint16(o)))))
		},
		"webp": func(m *image.RGBA, o int) []byte {
			size := m.Rect.Size()
			return riff(vp8xChunk(1<<3, size.X, size.Y), riffChunk("VP8L", vp8l(m)),
				riffChunk("EXIF", []byte(exifPrefix+exifTIFF(uint16(o)))))
		},
	}
	for _, size := range [][2]int{{160, 96}, {401, 299}, {333, 121}} {
		upright := scene(size[0], size[1])
		want := mustDerive(t, encodePNG(t, upright), standardSpecs...)
		for format, wrap := range wraps {
			for o := 1; o <= 8; o++ {
				t.Run(fmt.Sprintf("%s %dx%d %d", format, size[0], size[1], o), func(t *testing.T) {
					d := mustDerive(t, wrap(stored(upright, o), o), standardSpecs...)
					if d.Width != size[0] || d.Height != size[1] || len(d.Renditions) != len(want.Renditions) {
						t.Fatalf("%d x %d, %d renditions", d.Width, d.Height, len(d.Renditions))
					}
					for i, r := range d.Renditions {
						if db := psnr(decodeRendition(t, want.Renditions[i]), decodeRendition(t, r)); db < 36 {
							t.Errorf("%s: %.1f dB from the upright picture", r.Name, db)
						}
					}
				})
			}
		}
	}
}

// psnr compares the colours of two pictures of one size.
func psnr(a, b image.Image) float64 {
	size := a.Bounds().Size()
	if size != b.Bounds().Size() {
		return 0
	}
	var sum float64
	for y := range size.Y {
		for x := range size.X {
			ar, ag, ab, _ := a.At(x, y).RGBA()
			br, bg, bb, _ := b.At(x, y).RGBA()
			for _, d := range []float64{float64(ar) - float64(br), float64(ag) - float64(bg), float64(ab) - float64(bb)} {
				sum += d * d / (257 * 257)
			}
		}
	}
	return 10 * math.Log10(255*255/(sum/float64(3*size.X*size.Y)+1e-9))
}

func TestOrientationOfBrokenExif(t *testing.T) {
	valid := exifTIFF(6)
	little := "II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00"
	for _, tc := range []struct {
		name string
		data string
		want int
	}{
		{"big-endian", valid, 6},
		{"little-endian", little, 8},
		{"after its own prefix", exifPrefix + valid, 6},
		{"nothing", "", 1},
		{"zero", exifTIFF(0), 1},
		{"nine", exifTIFF(9), 1},
		{"65535", exifTIFF(65535), 1},
		{"another byte order", "XX" + valid[2:], 1},
		{"another type", valid[:12] + "\x00\x04" + valid[14:], 1},
		{"a directory at the end", valid[:4] + "\xff\xff\xff\xff" + valid[8:], 1},
		{"a directory in the header", valid[:4] + "\x00\x00\x00\x02" + valid[8:], 1},
		{"more entries than bytes", valid[:8] + "\xff\xff" + valid[10:], 6},
		{"cut in the entry", valid[:15], 1},
	} {
		if got := orientation([]byte(tc.data)); got != tc.want {
			t.Errorf("%s: %d, want %d", tc.name, got, tc.want)
		}
	}
}

// The first of two EXIF segments counts, as in every other reader.
func TestOrientationOfTwoExifs(t *testing.T) {
	file := insertSegments(encodeJPEG(t, scene(64, 48), 80),
		segment(markerAPP1, "http://ns.adobe.com/xap/1.0/\x00<x/>"),
		segment(markerAPP1, exifPrefix+exifTIFF(6)),
		segment(markerAPP1, exifPrefix+exifTIFF(3)))
	if p := mustProbe(t, file); p.Orientation != 6 {
		t.Errorf("orientation %d, want 6", p.Orientation)
	}
}
