package httpapi_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"
)

// corners is a picture whose four quarters differ: red, green, blue, white,
// clockwise from the top left.
func corners(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.Set(x, y, quarters[quarter(x, y, w, h)])
		}
	}
	return img
}

var quarters = []color.RGBA{{200, 0, 0, 255}, {0, 200, 0, 255}, {0, 0, 200, 255}, {250, 250, 250, 255}}

func quarter(x, y, w, h int) int {
	switch {
	case y < h/2 && x < w/2:
		return 0
	case y < h/2:
		return 1
	case x >= w/2:
		return 2
	default:
		return 3
	}
}

func jpegOf(t testing.TB, img image.Image) string {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 90}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func pngOf(t testing.TB, img image.Image) string {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func gifOf(t testing.TB, img image.Image) string {
	t.Helper()
	var b bytes.Buffer
	if err := gif.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// webpOnePixel is the smallest lossless WebP.
func webpOnePixel(t testing.TB) string {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func formats(t testing.TB) map[string]string {
	img := corners(64, 48)
	return map[string]string{
		"image/jpeg": jpegOf(t, img), "image/png": pngOf(t, img), "image/gif": gifOf(t, img), "image/webp": webpOnePixel(t),
		"image/bmp": bmpOf(64, 48), "image/tiff": tiffOf(64, 48),
	}
}

// bmpOf is a black bitmap.
func bmpOf(w, h int) string {
	size := (3*w + 3) / 4 * 4 * h
	return "BM" + le32(54+size) + le32(0) + le32(54) + le32(40) + le32(w) + le32(h) + le32(1|24<<16) + strings.Repeat(le32(0), 6) +
		strings.Repeat("\x00", size)
}

// tiffOf is the header of a grey TIFF, with black pixels for a small one.
func tiffOf(w, h int) string {
	entry := func(tag, value int) string { return le16(tag) + le16(4) + le32(1) + le32(value) }
	const entries = 6
	head := "II*\x00" + le32(8) + le16(entries) + entry(256, w) + entry(257, h) + entry(258, 8) + entry(262, 1)
	size := min(w*h, 1<<20)
	return head + entry(273, 8+2+12*entries+4) + entry(279, size) + le32(0) + strings.Repeat("\x00", size)
}

func be16(n int) string { return string(binary.BigEndian.AppendUint16(nil, uint16(n))) }
func be32(n int) string { return string(binary.BigEndian.AppendUint32(nil, uint32(n))) }
func le16(n int) string { return string(binary.LittleEndian.AppendUint16(nil, uint16(n))) }
func le32(n int) string { return string(binary.LittleEndian.AppendUint32(nil, uint32(n))) }

func pngChunk(typ, data string) string {
	return be32(len(data)) + typ + data + be32(int(crc32.ChecksumIEEE([]byte(typ+data))))
}

// pngHeader is a PNG of the given size with hardly any data.
func pngHeader(w, h, depth, colour int) string {
	return "\x89PNG\r\n\x1a\n" + pngChunk("IHDR", be32(w)+be32(h)+string([]byte{byte(depth), byte(colour), 0, 0, 0})) +
		pngChunk("IDAT", "\x78\x9c\x03\x00\x00\x00\x00\x01") + pngChunk("IEND", "")
}

// gifFrames is a GIF of n frames of one pixel on a canvas of the given size.
func gifFrames(w, h, n int) string {
	out := bytes.NewBufferString("GIF89a" + le16(w) + le16(h) + "\x80\x00\x00\x00\x00\x00\xff\xff\xff")
	for range n {
		out.WriteString("," + le16(0) + le16(0) + le16(1) + le16(1) + "\x00\x02\x02\x44\x01\x00")
	}
	return out.String() + ";"
}

// jpegMarker is a segment with its length.
func jpegMarker(marker byte, data string) string {
	return string([]byte{0xff, marker}) + be16(len(data)+2) + data
}

// withSize overwrites the size in the frame header of a JPEG.
func withSize(raw string, w, h int) string {
	at := bytes.Index([]byte(raw), []byte{0xff, 0xc0})
	return raw[:at+5] + be16(h) + be16(w) + raw[at+9:]
}

// afterSOI puts segments at the front of a JPEG.
func afterSOI(raw string, segments ...string) string {
	out := raw[:2]
	for _, s := range segments {
		out += s
	}
	return out + raw[2:]
}

// scans is a progressive JPEG of n empty scans.
func scans(n int) string {
	out := "\xff\xd8" + jpegMarker(0xc2, "\x08"+be16(64)+be16(64)+"\x01\x01\x11\x00")
	for range n {
		out += jpegMarker(0xda, "\x01\x01\x00\x00\x00\x00") + "\x00"
	}
	return out + "\xff\xd9"
}

// exif is an APP1 segment with an orientation and a maker's note.
func exif(orientation int) string {
	note := "SECRET-SERIAL-4711\x00"
	ifd := le16(2) +
		le16(0x0112) + le16(3) + le32(1) + le16(orientation) + le16(0) +
		le16(0x010f) + le16(2) + le32(len(note)) + le32(8+2+24+4) + le32(0)
	return jpegMarker(0xe1, "Exif\x00\x00II*\x00"+le32(8)+ifd+note)
}

func riff(chunks string) string { return "RIFF" + le32(len(chunks)+4) + "WEBP" + chunks }

func webpChunk(typ, data string) string {
	if len(data)%2 == 1 {
		return typ + le32(len(data)) + data + "\x00"
	}
	return typ + le32(len(data)) + data
}

// webpLossless is a header of a lossless WebP of the given size.
func webpLossless(w, h int) string {
	return riff(webpChunk("VP8L", "\x2f"+le32((w-1)|(h-1)<<14)+"\x88\x88\x08"))
}
