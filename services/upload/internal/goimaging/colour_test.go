package goimaging

import (
	"bytes"
	"compress/zlib"
	"image"
	"image/color"
	"image/gif"
	"os"
	"testing"
)

// TestColours plants patches in every format and variant, and finds them again
// in each rendition.
func TestColours(t *testing.T) {
	const w, h = 385, 217 // the ratio of the fixtures
	rgb := patches(w, h)
	grey := image.NewGray(rgb.Rect)
	for i := range grey.Pix {
		grey.Pix[i] = color.GrayModel.Convert(rgb.At(i%w, i/w)).(color.Gray).Y
	}
	var greys [8]color.RGBA
	for i, c := range patchColours {
		v := color.GrayModel.Convert(c).(color.Gray).Y
		greys[i] = color.RGBA{v, v, v, 255}
	}
	cases := []struct {
		name      string
		file      []byte
		want      [8]color.RGBA
		tolerance int
	}{
		{"jpeg 4:2:0 by the standard library", encodeJPEG(t, rgb, 95), patchColours, 4},
		{"png", encodePNG(t, rgb), patchColours, 4},
		{"png of 16 bits", encodePNG(t, deepCopy(rgb)), patchColours, 4},
		{"png grey", encodePNG(t, grey), greys, 3},
		{"png interlaced", interlacedPNG(rgb), patchColours, 4},
		{"png animated", insertChunks(encodePNG(t, rgb), pngChunk("acTL", []byte("\x00\x00\x00\x02\x00\x00\x00\x00")),
			pngChunk("fcTL", make([]byte, 26)), pngChunk("fcTL", make([]byte, 26))), patchColours, 4},
		{"png with a palette", encodePNG(t, palettedCopy(rgb)), patchColours, 4},
		{"gif", encodeGIF(t, palettedCopy(rgb)), patchColours, 4},
		{"webp lossless", riff(riffChunk("VP8L", vp8l(rgb))), patchColours, 4},
		{"webp lossless, extended", riff(vp8xChunk(0, w, h), riffChunk("VP8L", vp8l(rgb))), patchColours, 4},
		{"webp lossy", fixture(t, "patches.webp"), patchColours, 6},
		{"webp lossy with alpha", fixture(t, "patches-alpha.webp"), patchColours, 6},
		{"webp animated", fixture(t, "patches-animated.webp"), patchColours, 6},
	}
	for _, f := range tiffForms {
		want := patchColours
		if f.photometric == tiffBlackIsZero || f.photometric == tiffWhiteIsZero && f.grey {
			want = greys
		}
		cases = append(cases, struct {
			name      string
			file      []byte
			want      [8]color.RGBA
			tolerance int
		}{"tiff " + f.name, f.encode(rgb), want, 4})
	}
	for _, f := range bmpForms {
		cases = append(cases, struct {
			name      string
			file      []byte
			want      [8]color.RGBA
			tolerance int
		}{"bmp " + f.name, f.encode(t, rgb), patchColours, 4})
	}
	for _, f := range jpegForms {
		want := patchColours
		if len(f.sampling) == 1 {
			want = greys
		}
		cases = append(cases, struct {
			name      string
			file      []byte
			want      [8]color.RGBA
			tolerance int
		}{"jpeg " + f.name, f.encode(rgb), want, 6})
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			d := mustDerive(t, tc.file, standardSpecs...)
			if d.Width*h != d.Height*w {
				t.Fatalf("size %d x %d", d.Width, d.Height)
			}
			for _, r := range d.Renditions {
				checkPatches(t, decodeRendition(t, r), tc.want, tc.tolerance)
			}
		})
	}
}

// jpegForms are the ways to store a JPEG that cameras and programs use.
var jpegForms = []jpegForm{
	{name: "4:4:4", sampling: [][2]int{{1, 1}, {1, 1}, {1, 1}}, adobe: -1},
	{name: "4:2:2", sampling: [][2]int{{2, 1}, {1, 1}, {1, 1}}, adobe: -1},
	{name: "4:4:0", sampling: [][2]int{{1, 2}, {1, 1}, {1, 1}}, adobe: -1},
	{name: "4:1:1", sampling: [][2]int{{4, 1}, {1, 1}, {1, 1}}, adobe: -1},
	{name: "4:1:0", sampling: [][2]int{{4, 2}, {1, 1}, {1, 1}}, adobe: -1},
	{name: "factors that are not the least", sampling: [][2]int{{2, 2}, {2, 1}, {2, 1}}, adobe: -1},
	{name: "grey", sampling: [][2]int{{1, 1}}, adobe: -1},
	{name: "grey with factors", sampling: [][2]int{{2, 2}}, adobe: -1},
	{name: "progressive grey", sampling: [][2]int{{1, 1}}, progressive: true, adobe: -1},
	{name: "progressive 4:2:0", sampling: [][2]int{{2, 2}, {1, 1}, {1, 1}}, progressive: true, adobe: -1},
	{name: "progressive 4:4:4", sampling: [][2]int{{1, 1}, {1, 1}, {1, 1}}, progressive: true, adobe: 1},
	{name: "extended sequential", sampling: [][2]int{{2, 2}, {1, 1}, {1, 1}}, extended: true, adobe: -1},
	{name: "a scan for each component", sampling: [][2]int{{2, 2}, {1, 1}, {1, 1}}, apart: true, adobe: -1},
	{name: "RGB by its names", sampling: [][2]int{{1, 1}, {1, 1}, {1, 1}}, ids: "RGB", adobe: -1},
	{name: "RGB by Adobe", sampling: [][2]int{{1, 1}, {1, 1}, {1, 1}}, adobe: 0},
	{name: "CMYK", sampling: [][2]int{{1, 1}, {1, 1}, {1, 1}, {1, 1}}, adobe: 0},
	{name: "YCCK", sampling: [][2]int{{1, 1}, {1, 1}, {1, 1}, {1, 1}}, adobe: 2},
	{name: "YCCK 4:2:0", sampling: [][2]int{{2, 2}, {1, 1}, {1, 1}, {2, 2}}, adobe: 2},
	{name: "CMYK progressive", sampling: [][2]int{{1, 1}, {1, 1}, {1, 1}, {1, 1}}, progressive: true, adobe: 0},
}

// TestTransparencyIsLaidOnWhite gives each format half-transparent patches.
func TestTransparencyIsLaidOnWhite(t *testing.T) {
	const w, h = 400, 240
	half := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := patchColours[x*4/w+4*(y*2/h)]
			half.SetNRGBA(x, y, color.NRGBA{c.R, c.G, c.B, 128})
		}
	}
	var onWhite, white [8]color.RGBA
	for i, c := range patchColours {
		mix := func(v uint8) uint8 { return uint8((int(v)*128 + 255*127) / 255) }
		onWhite[i] = color.RGBA{mix(c.R), mix(c.G), mix(c.B), 255}
		white[i] = color.RGBA{255, 255, 255, 255}
	}
	transparent := image.NewPaletted(half.Rect, color.Palette{color.NRGBA{200, 0, 0, 0}, color.Black})
	for _, tc := range []struct {
		name string
		file []byte
		want [8]color.RGBA
	}{
		{"png", encodePNG(t, half), onWhite},
		{"png of 16 bits", encodePNG(t, deepCopy(half)), onWhite},
		{"png with a palette", encodePNG(t, transparent), white},
		{"gif", encodeGIF(t, transparent), white},
		{"webp lossless", riff(riffChunk("VP8L", vp8l(half))), onWhite},
		{"webp lossy", fixture(t, "patches-half.webp"), onWhite},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := mustDerive(t, tc.file, standardSpecs...)
			checkPatches(t, decodeRendition(t, d.Renditions[0]), tc.want, 6)
		})
	}
}

// fixture is a small file of testdata, which says there where it is from.
func fixture(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// deepCopy is m with 16 bits a channel.
func deepCopy(m image.Image) image.Image {
	deep := image.NewNRGBA64(m.Bounds())
	for y := range deep.Rect.Dy() {
		for x := range deep.Rect.Dx() {
			deep.Set(x, y, m.At(x, y))
		}
	}
	return deep
}

// palettedCopy is m in the colours of the patches.
func palettedCopy(m image.Image) *image.Paletted {
	var palette color.Palette
	for _, c := range patchColours {
		palette = append(palette, c)
	}
	p := image.NewPaletted(m.Bounds(), palette)
	for y := range p.Rect.Dy() {
		for x := range p.Rect.Dx() {
			p.Set(x, y, m.At(x, y))
		}
	}
	return p
}

func encodeGIF(t testing.TB, m *image.Paletted) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, &gif.GIF{Image: []*image.Paletted{m}, Delay: []int{0}}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// interlacedPNG is m in the seven passes of Adam7.
func interlacedPNG(m *image.RGBA) []byte {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	for _, pass := range [7][4]int{{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}} {
		for y := pass[1]; y < m.Rect.Dy(); y += pass[3] {
			row := []byte{0}
			for x := pass[0]; x < m.Rect.Dx(); x += pass[2] {
				row = append(row, m.Pix[y*m.Stride+4*x:][:3]...)
			}
			if len(row) > 1 {
				_, _ = z.Write(row) // a bytes.Buffer takes everything
			}
		}
	}
	_ = z.Close()
	return append(append(pngHeader(uint32(m.Rect.Dx()), uint32(m.Rect.Dy()), 8, pngRGB, 1),
		pngChunk("IDAT", b.Bytes())...), pngChunk("IEND", nil)...)
}
