package goimaging

import "encoding/binary"

const (
	riffHeaderBytes  = 12
	riffChunkBytes   = 8
	vp8xBytes        = 10
	vp8xAnimation    = 1 << 1
	vp8xAlpha        = 1 << 4
	anmfBytes        = 16 // the head of a frame, before its chunks
	webpMaxDimension = 1 << 14
)

// webpFrame is the still picture of a WebP file: its only one, or the first
// frame of an animation.
type webpFrame struct {
	x, y          int // on the canvas
	width, height int
	alpha         extent // the ALPH chunk's data; empty where there is none
	pixels        extent // the VP8 or VP8L chunk's data
	lossless      bool
}

// webpWalk is a walk over the chunks of a WebP.
type webpWalk struct {
	w        *window
	limits   Limits
	h        header
	extended bool // VP8X was seen; Width and Height are the canvas
	animated bool
}

// walkWebP reads the chunks to the end that RIFF declares. Of an animation it
// counts the frames and remembers where the first one is.
func walkWebP(w *window, limits Limits) (header, error) {
	b, err := w.at(0, riffHeaderBytes)
	if err != nil {
		return header{}, err
	}
	v := webpWalk{w: w, limits: limits}
	v.h.Orientation = 1
	end := riffChunkBytes + int64(binary.LittleEndian.Uint32(b[4:]))
	if end > w.src.Size {
		return header{}, corrupt("it ends at %d of %d", w.src.Size, end)
	}
	if err := v.chunks(extent{riffHeaderBytes, end - riffHeaderBytes}, v.chunk); err != nil {
		return header{}, err
	}
	return v.finish()
}

// chunks calls f with every chunk in e.
func (v *webpWalk) chunks(e extent, f func(kind string, data extent) error) error {
	for pos, end := e.off, e.off+e.size; end-pos >= riffChunkBytes; {
		b, err := v.w.at(pos, riffChunkBytes)
		if err != nil {
			return err
		}
		data := extent{pos + riffChunkBytes, int64(binary.LittleEndian.Uint32(b[4:]))}
		if data.size > end-data.off {
			return corrupt("a chunk of %d bytes at %d, and an end at %d", data.size, pos, end)
		}
		if err := f(string(b[:4]), data); err != nil {
			return err
		}
		pos = data.off + data.size + data.size&1
	}
	return nil
}

func (v *webpWalk) chunk(kind string, data extent) error {
	switch kind {
	case "VP8X":
		return v.vp8x(data)
	case "ANMF":
		return v.anmf(data)
	case "ICCP":
		v.h.profile = profile{parts: []extent{data}}
	case "EXIF":
		v.h.Orientation = orientationAt(v.w, data)
	case "VP8 ", "VP8L", "ALPH":
		if !v.animated {
			return v.bitstream(kind, data)
		}
	}
	return nil
}

// vp8x reads the extended header: the canvas, and whether it moves.
func (v *webpWalk) vp8x(data extent) error {
	if v.extended || v.h.webp.width != 0 || data.size < vp8xBytes {
		return corrupt("a second or short VP8X at %d", data.off)
	}
	b, err := v.w.at(data.off, vp8xBytes)
	if err != nil {
		return err
	}
	v.extended, v.animated = true, b[0]&vp8xAnimation != 0
	v.h.Width, v.h.Height = uint24(b[4:])+1, uint24(b[7:])+1
	return v.limits.checkSize(v.h.Width, v.h.Height)
}

// anmf reads one frame of an animation.
func (v *webpWalk) anmf(data extent) error {
	if !v.animated || data.size < anmfBytes {
		return corrupt("a frame at %d that no animation announces", data.off)
	}
	b, err := v.w.at(data.off, anmfBytes)
	if err != nil {
		return err
	}
	x, y := 2*uint24(b), 2*uint24(b[3:])
	width, height := uint24(b[6:])+1, uint24(b[9:])+1
	v.h.Frames++
	if x+width > v.h.Width || y+height > v.h.Height {
		return corrupt("frame %d reaches beyond the canvas", v.h.Frames)
	}
	if err := v.limits.checkFrames(v.h.Frames); err != nil || v.h.Frames > 1 {
		return err
	}
	v.h.webp.x, v.h.webp.y = x, y
	if err := v.chunks(extent{data.off + anmfBytes, data.size - anmfBytes}, v.bitstream); err != nil {
		return err
	}
	if f := v.h.webp; f.width != width || f.height != height {
		return corrupt("a frame of %d x %d that holds %d x %d", width, height, f.width, f.height)
	}
	return nil
}

// bitstream notes the chunks of the still picture.
func (v *webpWalk) bitstream(kind string, data extent) error {
	f := &v.h.webp
	switch {
	case kind == "ALPH" && f.width == 0:
		f.alpha = data
	case kind != "VP8 " && kind != "VP8L":
	case f.width != 0:
		return corrupt("a second picture at %d", data.off)
	case kind == "VP8 ":
		f.pixels = data
		return v.lossy(data)
	default:
		f.pixels, f.lossless, f.alpha = data, true, extent{}
		return v.lossless(data)
	}
	return nil
}

// lossy reads the frame header of VP8 (RFC 6386, 9.1).
func (v *webpWalk) lossy(data extent) error {
	if data.size < 10 {
		return corrupt("a VP8 frame of %d bytes", data.size)
	}
	b, err := v.w.at(data.off, 10)
	if err != nil {
		return err
	}
	if b[0]&1 != 0 || string(b[3:6]) != "\x9d\x01\x2a" {
		return corrupt("a VP8 frame that is no key frame")
	}
	v.h.webp.width = int(binary.LittleEndian.Uint16(b[6:])) & (webpMaxDimension - 1)
	v.h.webp.height = int(binary.LittleEndian.Uint16(b[8:])) & (webpMaxDimension - 1)
	return v.limits.checkSize(v.h.webp.width, v.h.webp.height)
}

// lossless reads the header of VP8L.
func (v *webpWalk) lossless(data extent) error {
	if data.size < 5 {
		return corrupt("a VP8L image of %d bytes", data.size)
	}
	b, err := v.w.at(data.off, 5)
	if err != nil {
		return err
	}
	bits := binary.LittleEndian.Uint32(b[1:])
	if b[0] != 0x2f || bits>>29 != 0 {
		return corrupt("a VP8L image without its signature")
	}
	v.h.webp.width = int(bits&(webpMaxDimension-1)) + 1
	v.h.webp.height = int(bits>>14&(webpMaxDimension-1)) + 1
	return v.limits.checkSize(v.h.webp.width, v.h.webp.height)
}

// finish checks what only the end of the walk can know.
func (v *webpWalk) finish() (header, error) {
	f := v.h.webp
	if f.width == 0 {
		return header{}, corrupt("a WebP without a picture")
	}
	if !v.extended {
		v.h.Width, v.h.Height = f.width, f.height
	}
	if !v.animated && (f.width != v.h.Width || f.height != v.h.Height) {
		return header{}, corrupt("a canvas of %d x %d and a picture of %d x %d", v.h.Width, v.h.Height, f.width, f.height)
	}
	v.h.Frames = max(1, v.h.Frames)
	v.h.MemoryBytes = f.memory() + planeBytes(v.h.Width, v.h.Height) + workBytes(v.h.Width, v.h.Height)
	return v.h, nil
}

// memory is what x/image/webp holds while it decodes: lossless pixels twice,
// since its transforms are not in place; lossy planes, and its alpha channel by
// way of a lossless image.
func (f webpFrame) memory() int64 {
	const lossless = 4 + 4
	pixels := int64(f.width) * int64(f.height)
	switch {
	case f.lossless:
		return lossless * pixels
	case f.alpha.size > 0:
		return planeBytes(f.width, f.height) + (lossless+1)*pixels
	default:
		return planeBytes(f.width, f.height)
	}
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }
