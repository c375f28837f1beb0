package goimaging

import (
	"bytes"
	"image"
	"testing"
)

// TestProfilesSurvive: without its profile a Display P3 photograph is shown in
// wrong colours.
func TestProfilesSurvive(t *testing.T) {
	const limit = 200 << 10
	m := scene(64, 48)
	inJPEG := func(icc []byte) []byte {
		segments := appSegments(icc)[18:] // after JFIF
		return insertSegments(encodeJPEG(t, m, 80), segments)
	}
	inPNG := func(icc []byte) []byte {
		return insertChunks(encodePNG(t, m), pngChunk("iCCP", append([]byte("p3\x00\x00"), deflate(icc, 1)...)))
	}
	inWebP := func(icc []byte) []byte {
		return riff(vp8xChunk(1<<5, 64, 48), riffChunk("ICCP", icc), riffChunk("VP8L", vp8l(m)))
	}
	grey := image.NewGray(image.Rect(0, 0, 9, 9))
	small, large := iccProfile("RGB ", 548), iccProfile("RGB ", limit)
	twice := appSegments(small)[18:]
	for _, tc := range []struct {
		name string
		file []byte
		want []byte
	}{
		{"jpeg", inJPEG(small), small},
		{"jpeg, four pieces at the limit", inJPEG(large), large},
		{"jpeg, beyond the limit", inJPEG(iccProfile("RGB ", limit+1)), nil},
		{"jpeg, pieces out of order", insertSegments(encodeJPEG(t, m, 80), reversePieces(large)), large},
		{"jpeg, a piece missing", insertSegments(encodeJPEG(t, m, 80), appSegments(large)[18:18+65537]), nil},
		{"jpeg, a piece twice", insertSegments(encodeJPEG(t, m, 80), twice, twice), nil},
		{"jpeg, for inks", inJPEG(iccProfile("CMYK", 548)), nil},
		{"jpeg, no profile", inJPEG(bytes.Repeat([]byte("x"), 548)), nil},
		{"jpeg, too short", inJPEG(small[:127]), nil},
		{"png", inPNG(small), small},
		{"png, at the limit", inPNG(large), large},
		{"png, that inflates beyond the limit", inPNG(iccProfile("RGB ", limit+1)), nil},
		{"png, that inflates to much more", insertChunks(encodePNG(t, m), pngChunk("iCCP", append([]byte("p3\x00\x00"), deflate(make([]byte, 1<<20), 16)...))), nil},
		{"png, broken", insertChunks(encodePNG(t, m), pngChunk("iCCP", []byte("p3\x00\x00no zlib"))), nil},
		{"png, grey", insertChunks(encodePNG(t, grey), pngChunk("iCCP", append([]byte("g\x00\x00"), deflate(iccProfile("GRAY", 300), 1)...))), iccProfile("GRAY", 300)},
		{"png, grey for colours", insertChunks(encodePNG(t, m), pngChunk("iCCP", append([]byte("g\x00\x00"), deflate(iccProfile("GRAY", 300), 1)...))), nil},
		{"webp", inWebP(small), small},
		{"webp, beyond the limit", inWebP(iccProfile("RGB ", limit+1)), nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			imager := New(Limits{MaxProfileBytes: limit})
			d, err := imager.Derive(t.Context(), source(tc.file), mustProbe(t, tc.file), standardSpecs)
			if err != nil {
				t.Fatal(err)
			}
			h, err := walkJPEG(newWindow(t.Context(), source(d.Renditions[0].Data)), Limits{}.withDefaults())
			if err != nil {
				t.Fatal(err)
			}
			got := h.profile.load(newWindow(t.Context(), source(d.Renditions[0].Data)), 1<<20, h.jpeg.components)
			if !bytes.Equal(got, tc.want) {
				t.Errorf("a profile of %d bytes, want %d", len(got), len(tc.want))
			}
		})
	}
}

// reversePieces is the profile's segments, the last first.
func reversePieces(icc []byte) []byte {
	var out []byte
	for rest := appSegments(icc)[18:]; len(rest) > 0; {
		size := 2 + int(rest[2])<<8 + int(rest[3])
		out = append(bytes.Clone(rest[:size]), out...)
		rest = rest[size:]
	}
	return out
}
