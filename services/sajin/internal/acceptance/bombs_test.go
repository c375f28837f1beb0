package acceptance

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/color/palette"
	"image/gif"
	"image/png"
	"strings"
	"testing"
)

// The generators of files that are small to send and large, or endless, to read.

func be16(n int) string { return string(binary.BigEndian.AppendUint16(nil, uint16(n))) }
func be32(n int) string { return string(binary.BigEndian.AppendUint32(nil, uint32(n))) }
func le16(n int) string { return string(binary.LittleEndian.AppendUint16(nil, uint16(n))) }
func le32(n int) string { return string(binary.LittleEndian.AppendUint32(nil, uint32(n))) }

func pngChunk(kind, data string) string {
	return be32(len(data)) + kind + data + be32(int(crc32.ChecksumIEEE([]byte(kind+data))))
}

// zeroPNG is a whole PNG whose pixels are all zero, deflated as they stream.
func zeroPNG(w, h, depth, colour, rowBytes int) []byte {
	var data bytes.Buffer
	z := zlib.NewWriter(&data)
	row := make([]byte, rowBytes+1)
	for range h {
		_, _ = z.Write(row) // a bytes.Buffer takes everything
	}
	_ = z.Close()
	return []byte("\x89PNG\r\n\x1a\n" + pngChunk("IHDR", be32(w)+be32(h)+string([]byte{byte(depth), byte(colour), 0, 0, 0})) +
		pngChunk("IDAT", data.String()) + pngChunk("IEND", ""))
}

// smallPNG is a picture of 60 x 40 that no other seed makes.
func smallPNG(t *testing.T, seed uint64) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 60, 40))
	for i := range 8 {
		img.Set(i, 0, color.RGBA{byte(seed >> (8 * i)), 0, 0, 255})
	}
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// smallGIF is the same as a GIF, with a comment that says the seed.
func smallGIF(t *testing.T, comment string) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := gif.Encode(&out, image.NewPaletted(image.Rect(0, 0, 60, 40), palette.Plan9), nil); err != nil {
		t.Fatal(err)
	}
	block := "!\xfe" + string([]byte{byte(len(comment))}) + comment + "\x00"
	return []byte(strings.Replace(out.String(), ",\x00\x00\x00\x00", block+",\x00\x00\x00\x00", 1))
}

// smallWebP is the smallest lossless WebP.
func smallWebP(t *testing.T) []byte {
	t.Helper()
	data, err := base64.StdEncoding.DecodeString("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// gifOf is a GIF of n frames of w x h, each of a single code.
func gifOf(canvasW, canvasH, w, h, n int) []byte {
	frame := "," + le16(0) + le16(0) + le16(w) + le16(h) + "\x00\x02\x02\x44\x01\x00"
	return []byte("GIF89a" + le16(canvasW) + le16(canvasH) + "\x80\x00\x00\x00\x00\x00\xff\xff\xff" + strings.Repeat(frame, n) + ";")
}

// fullFrames is a GIF of n frames that really hold all their pixels.
func fullFrames(t *testing.T, side, n int) []byte {
	t.Helper()
	frame := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.Black, color.White})
	var one bytes.Buffer
	if err := gif.EncodeAll(&one, &gif.GIF{Image: []*image.Paletted{frame, frame}, Delay: []int{1, 1}}); err != nil {
		t.Fatal(err)
	}
	// The second frame, from its graphic control extension to the trailer.
	data := one.Bytes()
	at := bytes.LastIndex(data, []byte("!\xf9\x04"))
	out := bytes.Clone(data[:len(data)-1])
	for range n - 2 {
		out = append(out, data[at:len(data)-1]...)
	}
	return append(out, ';')
}

func riff(chunks string) []byte { return []byte("RIFF" + le32(len(chunks)+4) + "WEBP" + chunks) }

func riffChunk(kind, data string) string {
	return kind + le32(len(data)) + data + strings.Repeat("\x00", len(data)%2)
}

// lossless is the header of a lossless WebP of that size.
func lossless(w, h int) string {
	return riffChunk("VP8L", "\x2f"+le32((w-1)|(h-1)<<14)+"\x88\x88\x08")
}

func le24(n int) string { return le32(n)[:3] }

// webpFrames is an animation of n frames.
func webpFrames(n int) []byte {
	frame := riffChunk("ANMF", le24(0)+le24(0)+le24(15)+le24(15)+le24(1)+"\x00"+lossless(16, 16))
	return riff(riffChunk("VP8X", "\x02\x00\x00\x00"+le24(15)+le24(15)) + strings.Repeat(frame, n))
}

// canvas is a WebP whose canvas is much larger than what is in it.
func canvas(w, h int) []byte {
	return riff(riffChunk("VP8X", "\x00\x00\x00\x00"+le24(w-1)+le24(h-1)) + lossless(1, 1))
}

// resized overwrites the size in the frame header of a baseline JPEG.
func resized(jpg []byte, w, h int) []byte {
	out := bytes.Clone(jpg)
	at := bytes.Index(out, []byte{0xff, 0xc0})
	copy(out[at+5:], be16(h)+be16(w))
	return out
}

// scanBomb is a progressive JPEG of n scans, each of which a decoder has to go
// through all blocks for.
func scanBomb(side, n int) []byte {
	marker := func(m byte, data string) string { return "\xff" + string([]byte{m}) + be16(len(data)+2) + data }
	table := func(class byte) string { // one code of one bit: an end of block
		return string([]byte{class}) + "\x01" + strings.Repeat("\x00", 15) + "\x00"
	}
	head := "\xff\xd8" + marker(0xdb, "\x00"+strings.Repeat("\x01", 64)) +
		marker(0xc2, "\x08"+be16(side)+be16(side)+"\x01\x01\x11\x00") + marker(0xc4, table(0x00)+table(0x10))
	scan := strings.Repeat("\x00", 60)
	out := head + marker(0xda, "\x01\x01\x00\x00\x00\x00") + scan
	return []byte(out + strings.Repeat(marker(0xda, "\x01\x01\x00\x01\x3f\x00")+scan, n-1) + "\xff\xd9")
}
