package goimaging

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"

	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
	"golang.org/x/image/bmp"
)

// decodeBMP decodes the pixels behind a header that is made for them: the
// decoder knows one form of each kind, where programs have written many.
func decodeBMP(ctx context.Context, src ingest.Source, h header) (picture, error) {
	head, err := plainBMP(newWindow(ctx, src), h)
	if err != nil {
		return picture{}, err
	}
	m, err := bmp.Decode(io.MultiReader(bytes.NewReader(head), newStream(ctx, src, h.bmp.pixels)))
	if err != nil {
		return picture{}, err
	}
	return fromImage(ctx, m)
}

// plainBMP is the header and the palette of an uncompressed BMP.
func plainBMP(w *window, h header) ([]byte, error) {
	size := bmpInfoBytes
	if h.bmp.alpha {
		size = bmpV4Bytes
	}
	b := make([]byte, bmpFileBytes+size)
	info := b[bmpFileBytes:]
	binary.LittleEndian.PutUint32(info, uint32(size))
	binary.LittleEndian.PutUint32(info[4:], uint32(h.Width))
	binary.LittleEndian.PutUint32(info[8:], uint32(h.bmpRows()))
	info[12], info[14] = 1, byte(h.bmp.bits)
	if h.bmp.alpha {
		info[16] = bmpBitFields
		copy(info[bmpInfoBytes:], "\x00\x00\xff\x00\x00\xff\x00\x00\xff\x00\x00\x00\x00\x00\x00\xff")
	}
	if h.bmp.bits <= 8 {
		raw, err := w.read(h.bmp.palette)
		if err != nil {
			return nil, err
		}
		b = append(b, fullPalette(raw, int(h.bmp.entryBytes), 1<<h.bmp.bits)...)
	}
	copy(b, "BM")
	binary.LittleEndian.PutUint32(b[10:], uint32(len(b)))
	return b, nil
}

func (h *header) bmpRows() int {
	if h.bmp.topDown {
		return -h.Height
	}
	return h.Height
}

// fullPalette has a colour for every value of a pixel; those that the file does
// not define are black.
func fullPalette(raw []byte, entry, colours int) []byte {
	out := make([]byte, 4*colours)
	for i := 0; i < colours && (i+1)*entry <= len(raw); i++ {
		copy(out[4*i:4*i+3], raw[i*entry:])
	}
	return out
}
