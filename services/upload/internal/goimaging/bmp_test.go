package goimaging

import (
	"bytes"
	"encoding/binary"
	"image"
	"testing"

	"golang.org/x/image/bmp"
)

func encodeBMP(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := bmp.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// bmpForms are the ways that programs store a BMP.
var bmpForms = []struct {
	name   string
	encode func(testing.TB, *image.RGBA) []byte
}{
	{"of 24 bits", func(t testing.TB, m *image.RGBA) []byte { return encodeBMP(t, m) }},
	{"with a palette", func(t testing.TB, m *image.RGBA) []byte { return encodeBMP(t, palettedCopy(m)) }},
	{"of 24 bits from the top", func(_ testing.TB, m *image.RGBA) []byte { return plain32(m, 40, -1, 24) }},
	{"of OS/2", func(_ testing.TB, m *image.RGBA) []byte { return plain32(m, 12, 1, 24) }},
	{"of 32 bits", func(_ testing.TB, m *image.RGBA) []byte { return plain32(m, 40, 1, 32) }},
	{"of 32 bits with masks", func(_ testing.TB, m *image.RGBA) []byte { return plain32(m, 124, -1, 32) }},
	{"with a gap before the pixels", func(t testing.TB, m *image.RGBA) []byte {
		file := encodeBMP(t, m)
		file = join(file[:54], make([]byte, 100), file[54:])
		return withBytes(file, 10, 154)
	}},
}

// plain32 writes what the library's encoder does not.
func plain32(m *image.RGBA, header, direction, bits int) []byte {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	b := make([]byte, 14+header)
	copy(b, "BM")
	le := binary.LittleEndian
	le.PutUint32(b[10:], uint32(len(b)))
	le.PutUint32(b[14:], uint32(header))
	if header == 12 {
		le.PutUint16(b[18:], uint16(w))
		le.PutUint16(b[20:], uint16(h))
		b[22], b[24] = 1, byte(bits)
	} else {
		le.PutUint32(b[18:], uint32(w))
		le.PutUint32(b[22:], uint32(int32(direction*h)))
		b[26], b[28] = 1, byte(bits)
	}
	if header > 40 {
		b[30] = 3
		copy(b[54:], "\x00\x00\xff\x00\x00\xff\x00\x00\xff\x00\x00\x00\x00\x00\x00\xff")
	}
	for y := range h {
		if direction > 0 {
			y = h - 1 - y
		}
		for x := range w {
			c := m.RGBAAt(x, y)
			b = append(b, c.B, c.G, c.R)
			if bits == 32 {
				b = append(b, c.A)
			}
		}
		for (len(b)-14-header)%4 != 0 {
			b = append(b, 0)
		}
	}
	return b
}
