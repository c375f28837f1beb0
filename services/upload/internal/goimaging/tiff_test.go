package goimaging

import (
	"encoding/binary"
	"image"
	"image/color"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// TestTIFFIsUpright turns by the directory's own orientation.
func TestTIFFIsUpright(t *testing.T) {
	d := mustDerive(t, tiffFile{bits: 8, orientation: 6}.encode(patches(400, 200)), standardSpecs...)
	if d.Width != 200 || d.Height != 400 {
		t.Fatalf("%d x %d, want 200 x 400", d.Width, d.Height)
	}
	m := decodeRendition(t, d.Renditions[0])
	// The stored top left patch, white, comes to the top right; black is below it.
	for _, at := range []struct {
		x, y int
		want color.RGBA
	}{{150, 50, patchColours[0]}, {150, 150, patchColours[1]}, {50, 50, patchColours[4]}} {
		r, g, b, _ := m.At(at.x*m.Bounds().Dx()/200, at.y*m.Bounds().Dy()/400).RGBA()
		if max(distance(r>>8, at.want.R), distance(g>>8, at.want.G), distance(b>>8, at.want.B)) > 6 {
			t.Errorf("at %d %d is %d %d %d, want %v", at.x, at.y, r>>8, g>>8, b>>8, at.want)
		}
	}
}

// TestTIFFAlphaIsLaidOnWhite knows the two kinds of alpha.
func TestTIFFAlphaIsLaidOnWhite(t *testing.T) {
	for alpha, want := range map[int]color.RGBA{1: {255, 187, 187, 255}, 2: {217, 157, 157, 255}} {
		m := image.NewRGBA(image.Rect(0, 0, 40, 40))
		for i := range 40 * 40 {
			m.SetRGBA(i%40, i/40, color.RGBA{180, 60, 60, 255})
		}
		file := tiffFile{bits: 8, alpha: alpha}.encode(m)
		for i := 8 + 3; i < 8+4*1600; i += 4 {
			file[i] = 128
		}
		r, g, b, _ := decodeRendition(t, mustDerive(t, file, standardSpecs...).Renditions[0]).At(20, 20).RGBA()
		got := [3]int{int(r >> 8), int(g >> 8), int(b >> 8)}
		if max(distance(r>>8, want.R), distance(g>>8, want.G), distance(b>>8, want.B)) > 6 {
			t.Errorf("alpha of kind %d: %v, want %v", alpha, got, want)
		}
	}
}

// rawFile is a camera's raw file of a kind, with the JPEG that the camera made.
func rawFile(t testing.TB, extension string, m *image.RGBA) []byte {
	t.Helper()
	jpeg := encodeJPEG(t, m, 90)
	f := tiffFile{bits: 8}
	tags := []tiffTag{
		{tiffSubfile, 4, []uint32{1}},
		{271, 2, text(map[string]string{".nef": "NIKON CORPORATION\x00", ".arw": "SONY\x00"}[extension])},
		{tiffOrientation, 3, []uint32{6}},
		{tiffSubDirs, 4, []uint32{0}},
	}
	if extension == ".dng" {
		tags = append(tags, tiffTag{tiffDNGVersion, 1, []uint32{1, 4, 0, 0}})
	}
	const start = 16
	main := len(f.directory(tags, start))
	sub := []tiffTag{{tiffPreviewOffset, 4, []uint32{0}}, {tiffPreviewBytes, 4, []uint32{uint32(len(jpeg))}}}
	tags[3].values[0] = uint32(start + main)
	sub[0].values[0] = uint32(start + main + len(f.directory(sub, 0)))
	head := "II*\x00\x10\x00\x00\x00"
	switch extension {
	case ".cr2":
		head += "CR\x02\x00"
	case ".orf":
		head = strings.Replace(head, "II*\x00", "IIRO", 1)
	case ".rw2":
		head = strings.Replace(head, "II*\x00", "IIU\x00", 1)
	}
	return join([]byte(head), make([]byte, start-len(head)), f.directory(tags, start), f.directory(sub, start+main), jpeg)
}

func text(s string) (out []uint32) {
	for _, c := range []byte(s + "\x00\x00\x00\x00\x00") {
		out = append(out, uint32(c))
	}
	return out
}

// rafFile is Fujifilm's.
func rafFile(t testing.TB, m *image.RGBA) []byte {
	t.Helper()
	jpeg := encodeJPEG(t, m, 90)
	head := make([]byte, 160)
	copy(head, "FUJIFILMCCD-RAW 0201FF129502X-T1")
	binary.BigEndian.PutUint32(head[84:], uint32(len(head)))
	binary.BigEndian.PutUint32(head[88:], uint32(len(jpeg)))
	return join(head, jpeg)
}

// TestRawFilesShowTheirPreview shows the JPEG of the camera, upright.
func TestRawFilesShowTheirPreview(t *testing.T) {
	for extension, contentType := range rawKinds {
		t.Run(extension, func(t *testing.T) {
			file := rawFile(t, extension, patches(400, 200))
			p := mustProbe(t, file)
			if p.ContentType != contentType || p.Extension != extension || p.Orientation != 6 || p.Unavailable {
				t.Fatalf("%+v", p)
			}
			if d := mustDerive(t, file, standardSpecs...); d.Width != 200 || d.Height != 400 {
				t.Errorf("%d x %d, want 200 x 400", d.Width, d.Height)
			}
		})
	}
	d := mustDerive(t, rafFile(t, patches(400, 200)), standardSpecs...)
	checkPatches(t, decodeRendition(t, d.Renditions[0]), patchColours, 6)
}

// TestRawFilesWithoutAPreviewAreKept: what the camera wrote is not lost because
// there is nothing to show.
func TestRawFilesWithoutAPreviewAreKept(t *testing.T) {
	file := rawFile(t, ".nef", patches(40, 20))
	file = append(file[:len(file)-2], 0, 0) // the JPEG has no end
	p := mustProbe(t, file)
	if !p.Unavailable || p.ContentType != "image/x-nikon-nef" {
		t.Errorf("%+v", p)
	}
	if _, err := New(Limits{}).Derive(t.Context(), source(file), p, []ingest.Spec{{Name: "a", LongEdge: 9, Quality: 80}}); err == nil {
		t.Error("it was decoded")
	}
}
