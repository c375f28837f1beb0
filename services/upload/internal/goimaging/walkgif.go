package goimaging

import "encoding/binary"

const (
	gifExtension   = 0x21
	gifImage       = 0x2c
	gifTrailer     = 0x3b
	gifHeaderBytes = 13
	gifImageBytes  = 9 // of an image descriptor, after its introducer
)

// walkGIF reads the blocks from the header to the trailer and counts the
// frames; it skips their pixels by the lengths of the sub-blocks.
func walkGIF(w *window, limits Limits) (header, error) {
	b, err := w.at(0, gifHeaderBytes)
	if err != nil {
		return header{}, err
	}
	h := header{}
	h.Orientation = 1
	h.Width, h.Height = int(binary.LittleEndian.Uint16(b[6:])), int(binary.LittleEndian.Uint16(b[8:]))
	if err := limits.checkSize(h.Width, h.Height); err != nil {
		return header{}, err
	}
	g := gifWalk{w: w, pos: gifHeaderBytes + gifTableBytes(b[10]), h: h}
	for {
		more, err := g.block()
		if err == nil {
			err = limits.checkFrames(g.h.Frames)
		}
		if err != nil {
			return header{}, err
		}
		if !more {
			return g.finish()
		}
	}
}

// gifWalk is a walk over the blocks of a GIF.
type gifWalk struct {
	w   *window
	pos int64
	h   header
}

// block reads one block and reports whether another can follow.
func (g *gifWalk) block() (bool, error) {
	b, err := g.w.at(g.pos, 1)
	if err != nil {
		return false, err
	}
	switch b[0] {
	case gifTrailer:
		return false, nil
	case gifExtension:
		g.pos += 2
		return true, g.skipSubBlocks()
	case gifImage:
		g.pos++
		return true, g.image()
	default:
		return false, corrupt("a GIF block of kind %#02x at %d", b[0], g.pos)
	}
}

// image reads an image descriptor and skips its pixels.
func (g *gifWalk) image() error {
	b, err := g.w.at(g.pos, gifImageBytes)
	if err != nil {
		return err
	}
	right := int(binary.LittleEndian.Uint16(b)) + int(binary.LittleEndian.Uint16(b[4:]))
	bottom := int(binary.LittleEndian.Uint16(b[2:])) + int(binary.LittleEndian.Uint16(b[6:]))
	if right > g.h.Width || bottom > g.h.Height {
		return corrupt("frame %d reaches to %d x %d, beyond %d x %d", g.h.Frames+1, right, bottom, g.h.Width, g.h.Height)
	}
	g.h.Frames++
	g.pos += gifImageBytes + gifTableBytes(b[8]) + 1 // and the code size
	return g.skipSubBlocks()
}

// skipSubBlocks skips blocks of up to 255 bytes until an empty one.
func (g *gifWalk) skipSubBlocks() error {
	for {
		b, err := g.w.at(g.pos, 1)
		if err != nil {
			return err
		}
		g.pos += 1 + int64(b[0])
		if b[0] == 0 {
			return nil
		}
	}
}

// finish checks what only the end of the walk can know.
func (g *gifWalk) finish() (header, error) {
	if g.h.Frames == 0 {
		return header{}, corrupt("a GIF without a frame")
	}
	// One byte a pixel, again while an interlaced frame is put in order.
	pixels := int64(g.h.Width) * int64(g.h.Height)
	g.h.MemoryBytes = 2*pixels + planeBytes(g.h.Width, g.h.Height) + workBytes(g.h.Width, g.h.Height)
	return g.h, nil
}

// gifTableBytes is the size of the colour table that packed fields announce.
func gifTableBytes(fields byte) int64 {
	if fields&0x80 == 0 {
		return 0
	}
	return 3 << (1 + fields&7)
}
