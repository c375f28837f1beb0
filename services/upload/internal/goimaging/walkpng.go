package goimaging

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

// The colour types of PNG.
const (
	pngGray      = 0
	pngRGB       = 2
	pngPalette   = 3
	pngGrayAlpha = 4
	pngRGBA      = 6
)

// pngDepths are the bit depths that each colour type may have.
var pngDepths = map[byte]string{
	pngGray:      "\x01\x02\x04\x08\x10",
	pngRGB:       "\x08\x10",
	pngPalette:   "\x01\x02\x04\x08",
	pngGrayAlpha: "\x08\x10",
	pngRGBA:      "\x08\x10",
}

const (
	pngSignatureBytes = 8
	pngHeadBytes      = 8  // length and type of a chunk
	pngHeaderBytes    = 13 // the data of IHDR
)

// pngWalk is a walk over the chunks of a PNG.
type pngWalk struct {
	w           *window
	limits      Limits
	h           header
	depth       byte
	colour      byte
	interlaced  bool
	transparent bool
	pixels      bool // IDAT was seen
	frames      int
}

// walkPNG reads the chunks from IHDR to IEND. An animated PNG shows its default
// image, which every decoder takes for the whole.
func walkPNG(w *window, limits Limits) (header, error) {
	p := pngWalk{w: w, limits: limits}
	p.h.Orientation = 1
	if err := p.ihdr(); err != nil {
		return header{}, err
	}
	for pos := int64(pngSignatureBytes + pngHeadBytes + pngHeaderBytes + 4); ; {
		head, err := w.at(pos, pngHeadBytes)
		if err != nil {
			return header{}, err
		}
		kind := string(head[4:])
		data := extent{pos + pngHeadBytes, int64(binary.BigEndian.Uint32(head))}
		pos = data.off + data.size + 4
		if kind == "IEND" {
			return p.finish(pos)
		}
		if err := p.chunk(kind, data); err != nil {
			return header{}, err
		}
	}
}

// ihdr reads the first chunk. Its checksum is verified here, since everything
// that is decided from the header hangs on it; the decoder verifies the others.
func (p *pngWalk) ihdr() error {
	b, err := p.w.at(pngSignatureBytes, pngHeadBytes+pngHeaderBytes+4)
	if err != nil {
		return err
	}
	body := b[4 : pngHeadBytes+pngHeaderBytes]
	if binary.BigEndian.Uint32(b) != pngHeaderBytes || string(body[:4]) != "IHDR" {
		return corrupt("a PNG that does not begin with IHDR")
	}
	if crc32.ChecksumIEEE(body) != binary.BigEndian.Uint32(b[pngHeadBytes+pngHeaderBytes:]) {
		return corrupt("the checksum of IHDR")
	}
	width, height := binary.BigEndian.Uint32(body[4:]), binary.BigEndian.Uint32(body[8:])
	p.depth, p.colour, p.interlaced = body[12], body[13], body[16] == 1
	if bytes.IndexByte([]byte(pngDepths[p.colour]), p.depth) < 0 || body[14] != 0 || body[15] != 0 || body[16] > 1 {
		return corrupt("an impossible IHDR: % x", body[12:])
	}
	if width > 1<<31-1 || height > 1<<31-1 {
		return corrupt("a PNG of %d x %d", width, height)
	}
	p.h.Width, p.h.Height = int(width), int(height)
	return p.limits.checkSize(p.h.Width, p.h.Height)
}

func (p *pngWalk) chunk(kind string, data extent) error {
	switch kind {
	case "IDAT":
		p.pixels = true
	case "tRNS":
		p.transparent = true
	case "fcTL":
		p.frames++
		return p.limits.checkFrames(p.frames)
	case "eXIf":
		p.h.Orientation = orientationAt(p.w, data)
	case "iCCP":
		return p.iccp(data)
	}
	return nil
}

// iccp finds the deflated profile: a name of 1 to 79 bytes, a zero, and the
// compression method, which is 0, come before it.
func (p *pngWalk) iccp(data extent) error {
	b, err := p.w.at(data.off, int(min(data.size, 79+2)))
	if err != nil {
		return err
	}
	if i := bytes.IndexByte(b, 0); i >= 0 && i+1 < len(b) && b[i+1] == 0 {
		skip := int64(i + 2)
		p.h.profile = profile{parts: []extent{{data.off + skip, data.size - skip}}, deflated: true}
	}
	return nil
}

// finish checks what only the end of the walk can know; end is after IEND.
func (p *pngWalk) finish(end int64) (header, error) {
	if end > p.w.src.Size {
		return header{}, corrupt("it ends within IEND")
	}
	if !p.pixels {
		return header{}, corrupt("a PNG without pixels")
	}
	p.h.Frames = max(1, p.frames)
	pixels := int64(p.h.Width) * int64(p.h.Height)
	decoded := pixels * p.pixelBytes()
	if p.interlaced {
		decoded += decoded / 2 // the last of the seven passes has half the pixels
	}
	p.h.MemoryBytes = decoded + planeBytes(p.h.Width, p.h.Height) + workBytes(p.h.Width, p.h.Height)
	return p.h, nil
}

// pixelBytes is how many bytes image/png makes of one pixel.
func (p *pngWalk) pixelBytes() int64 {
	deep := int64(1)
	if p.depth == 16 {
		deep = 2
	}
	switch {
	case p.colour == pngPalette:
		return 1
	case p.colour == pngGray && !p.transparent:
		return deep
	default:
		return 4 * deep
	}
}
