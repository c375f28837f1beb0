package goimaging

import "encoding/binary"

const (
	bmpFileBytes = 14 // before the header that says its own size
	bmpCoreBytes = 12 // OS/2 1.x: sizes of 16 bits
	bmpInfoBytes = 40
	bmpMaskBytes = 56  // from here on there is a mask for alpha
	bmpV4Bytes   = 108 // what is written for pixels with alpha
	bmpBitFields = 3

	bmpAlphaMask = 0xff000000
)

// bmpHeader is what decoding a BMP needs beside the probe.
type bmpHeader struct {
	bits       int // of a pixel
	topDown    bool
	alpha      bool
	palette    extent
	entryBytes int64 // of a colour in the palette
	pixels     extent
}

// walkBMP reads the headers. There is nothing behind them but the palette and
// the pixels, whose size they determine.
func walkBMP(w *window, limits Limits) (header, error) {
	b, err := w.at(0, bmpFileBytes+4)
	if err != nil {
		return header{}, err
	}
	pixels := int64(binary.LittleEndian.Uint32(b[10:]))
	size := int64(binary.LittleEndian.Uint32(b[14:]))
	h := header{}
	h.Orientation, h.Frames = 1, 1
	switch {
	case size == bmpCoreBytes:
		err = h.bmpCore(w)
	case size >= bmpInfoBytes && size <= windowBytes/2:
		err = h.bmpInfo(w, size)
	default:
		err = corrupt("a BMP header of %d bytes", size)
	}
	if err == nil {
		err = limits.checkSize(h.Width, h.Height)
	}
	if err != nil {
		return header{}, err
	}
	return h.finishBMP(w, pixels)
}

// bmpCore reads the oldest header.
func (h *header) bmpCore(w *window) error {
	b, err := w.at(bmpFileBytes, bmpCoreBytes)
	if err != nil {
		return err
	}
	h.Width, h.Height = int(binary.LittleEndian.Uint16(b[4:])), int(binary.LittleEndian.Uint16(b[6:]))
	h.bmp.bits = int(binary.LittleEndian.Uint16(b[10:]))
	h.bmp.palette, h.bmp.entryBytes = extent{bmpFileBytes + bmpCoreBytes, 3 << h.bmp.bits}, 3
	return h.checkBMP(0)
}

// bmpInfo reads the header of Windows 3 and its successors, which begin alike.
func (h *header) bmpInfo(w *window, size int64) error {
	b, err := w.at(bmpFileBytes, int(size))
	if err != nil {
		return err
	}
	width, height := int64(int32(binary.LittleEndian.Uint32(b[4:]))), int64(int32(binary.LittleEndian.Uint32(b[8:])))
	h.bmp.topDown = height < 0
	h.Width, h.Height = int(width), int(max(height, -height))
	h.bmp.bits = int(binary.LittleEndian.Uint16(b[14:]))
	compression, used := binary.LittleEndian.Uint32(b[16:]), int64(binary.LittleEndian.Uint32(b[32:]))
	if used == 0 || used > 1<<8 {
		used = 1 << min(h.bmp.bits, 8)
	}
	h.bmp.palette, h.bmp.entryBytes = extent{bmpFileBytes + size, 4 * used}, 4
	if compression == bmpBitFields && h.bmp.bits == 32 {
		masks, err := w.at(bmpFileBytes+bmpInfoBytes, 16) // they follow a short header, and belong to a long one
		if err != nil {
			return err
		}
		if string(masks[:12]) == "\x00\x00\xff\x00\x00\xff\x00\x00\xff\x00\x00\x00" {
			compression = 0
			h.bmp.alpha = size >= bmpMaskBytes && binary.LittleEndian.Uint32(masks[12:]) == bmpAlphaMask
		}
	}
	return h.checkBMP(compression)
}

// checkBMP tells what is impossible from what cannot be shown: run lengths, 16
// bits a pixel, unusual masks, embedded JPEG and PNG.
func (h *header) checkBMP(compression uint32) error {
	switch h.bmp.bits {
	case 1, 2, 4, 8, 24, 32:
		h.Unavailable = compression != 0
	case 16:
		h.Unavailable = true
	case 0: // the pixels are a JPEG or PNG
		h.Unavailable = compression > bmpBitFields
		if !h.Unavailable {
			return corrupt("a BMP of 0 bits a pixel")
		}
	default:
		return corrupt("a BMP of %d bits a pixel", h.bmp.bits)
	}
	return nil
}

// finishBMP places the pixels and sees that they are all there.
func (h *header) finishBMP(w *window, off int64) (header, error) {
	if off < bmpFileBytes+bmpCoreBytes || off >= w.src.Size {
		return header{}, corrupt("a BMP whose pixels begin at %d", off)
	}
	if h.Unavailable {
		return *h, nil
	}
	row := (int64(h.Width)*int64(h.bmp.bits) + 31) / 32 * 4
	h.bmp.pixels = extent{off, row * int64(h.Height)}
	if h.bmp.pixels.size > w.src.Size-off {
		return header{}, corrupt("a BMP that ends at %d, with pixels up to %d", w.src.Size, off+h.bmp.pixels.size)
	}
	decoded := int64(4)
	if h.bmp.bits <= 8 {
		decoded = 1
		h.bmp.palette.size = min(h.bmp.palette.size, max(0, off-h.bmp.palette.off), h.bmp.entryBytes<<h.bmp.bits)
	} else {
		h.bmp.palette = extent{}
	}
	h.MemoryBytes = decoded*int64(h.Width)*int64(h.Height) + planeBytes(h.Width, h.Height) + workBytes(h.Width, h.Height)
	return *h, nil
}
