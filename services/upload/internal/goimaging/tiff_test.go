package goimaging

import (
	"encoding/binary"
	"errors"
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
	if _, err := New(unhurried).Derive(t.Context(), source(file), p, []ingest.Spec{{Name: "a", LongEdge: 9, Quality: 80}}); err == nil {
		t.Error("it was decoded")
	}
}

// cr3File is Canon's newer form: a film of the JPEG that the camera made, as
// large as the picture, and of the raw data; and a smaller JPEG beside it.
func cr3File(full, small []byte) []byte {
	number := func(v int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(v)) }
	start := boxOf("ftyp", []byte("crx "), zeros(12))
	movie := func(at int) []byte {
		track := func(place, size int) []byte {
			return boxOf("trak", boxOf("mdia", boxOf("minf", boxOf("stbl",
				boxOf("stsz", zeros(8), number(1), number(size)), boxOf("co64", zeros(4), number(1), number(0), number(place))))))
		}
		return boxOf("moov", boxOf("uuid", []byte(cr3Tags), boxOf("CMT1", []byte(exifTIFF(6)))), track(at, len(full)), track(at+len(full), 9))
	}
	preview := boxOf("uuid", []byte(cr3Preview), zeros(8), boxOf("PRVW", zeros(16), small))
	at := len(start) + len(movie(0)) + len(preview) + 8
	return join(start, movie(at), preview, boxOf("mdat", full, []byte("raw data.")))
}

// TestCR3HasABottom: boxes within each other are followed no deeper than a
// camera nests them. Each costs a file eight bytes, and the stack hundreds.
func TestCR3HasABottom(t *testing.T) {
	head, stbl := boxOf("ftyp", []byte("crx "), zeros(4)), boxOf("stbl")
	for depth, want := range map[int]error{3: nil, 8: nil, 9: ingest.ErrCorrupt, 10_000: ingest.ErrCorrupt} {
		heads := make([]byte, 0, boxHeadBytes*depth)
		for left := depth - 1; left > 0; left-- {
			heads = append(append(heads, be32(boxHeadBytes*left+len(stbl))...), "mdia"...)
		}
		file := join(head, boxOf("moov", boxOf("trak", heads, stbl)))
		if _, _, _, err := probeFile(Limits{}, file); !errors.Is(err, want) {
			t.Errorf("%d deep: %v, want %v", depth, err, want)
		}
	}
}

// TestCR3ShowsItsLargestPreview, and is kept where it has none that is whole.
func TestCR3ShowsItsLargestPreview(t *testing.T) {
	full, small := encodeJPEG(t, patches(400, 200), 90), encodeJPEG(t, patches(80, 40), 90)
	for name, tc := range map[string]struct {
		full, small []byte
		width       int
	}{
		"as the camera writes it": {full, small, 400},
		"the large one damaged":   {full[:len(full)-2], small, 80},
		"both damaged":            {full[:len(full)-2], small[:len(small)-2], 0},
	} {
		t.Run(name, func(t *testing.T) {
			file := cr3File(tc.full, tc.small)
			p := mustProbe(t, file)
			if p.ContentType != "image/x-canon-cr3" || p.Extension != ".cr3" || p.Width != tc.width || p.Unavailable != (tc.width == 0) || p.Orientation != 6 {
				t.Fatalf("%+v", p)
			}
			if tc.width == 0 {
				return
			}
			if d := mustDerive(t, file, standardSpecs...); d.Height != tc.width || d.Width != tc.width/2 {
				t.Errorf("%d x %d, want it upright", d.Width, d.Height)
			}
			if _, _, _, err := probeFile(Limits{}, file[:len(file)-1]); !errors.Is(err, ingest.ErrCorrupt) {
				t.Errorf("cut off: %v", err)
			}
		})
	}
}

// TestJPEGXLIsKept in both its forms, with its size.
func TestJPEGXLIsKept(t *testing.T) {
	// By hand: not in eighths, 10-bit height 300-1, no ratio, 10-bit width; then
	// metadata that is not the default, and says orientation 6.
	var head uint64
	at := 0
	put := func(v uint64, bits int) { head |= v << at; at += bits }
	for _, f := range [][2]uint64{{0, 1}, {0, 2}, {299, 9}, {0, 3}, {0, 2}, {399, 9}, {0, 1}, {1, 1}, {5, 3}} {
		put(f[0], int(f[1]))
	}
	stream := binary.LittleEndian.AppendUint64([]byte("\xff\x0a"), head)
	start := []byte("\x00\x00\x00\x0cJXL \r\n\x87\n")
	typed := boxOf("ftyp", []byte("jxl "), zeros(4), []byte("jxl "))
	for name, file := range map[string][]byte{
		"codestream": stream,
		"boxes":      join(start, typed, boxOf("jxlc", stream)),
		"in parts":   join(start, typed, boxOf("jxlp", zeros(4), stream), boxOf("jxlp", []byte("\x80\x00\x00\x01more"))),
	} {
		p := mustProbe(t, file)
		want := ingest.Probe{Format: "jxl", ContentType: "image/jxl", Extension: ".jxl", Width: 400, Height: 300, Orientation: 6, Frames: 1, Unavailable: true}
		if p != want {
			t.Errorf("%s: %+v, want %+v", name, p, want)
		}
	}
	square := mustProbe(t, []byte("\xff\x0a\x47\x02")) // in eighths: 8 * (1+3), as wide as high
	if square.Width != 32 || square.Height != 32 || square.Orientation != 1 {
		t.Errorf("%+v, want 32 x 32", square)
	}
	for name, file := range map[string][]byte{
		"too short":            stream[:4],
		"boxes cut off":        join(start, typed, boxOf("jxlc", stream))[:49],
		"without a codestream": join(start, typed),
		"of something else":    join(start, typed, boxOf("jxlc", zeros(20))),
	} {
		if _, _, _, err := probeFile(Limits{}, file); !errors.Is(err, ingest.ErrCorrupt) {
			t.Errorf("%s: %v, want it to be damaged", name, err)
		}
	}
}
