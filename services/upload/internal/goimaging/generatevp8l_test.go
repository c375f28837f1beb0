package goimaging

import (
	"image"
	"image/color"
)

// bitWriter writes bits from the lowest up, as VP8L has them.
type bitWriter struct {
	out   []byte
	bits  uint64
	count uint
}

func (b *bitWriter) put(value uint64, count uint) {
	b.bits |= value << b.count
	for b.count += count; b.count >= 8; b.count -= 8 {
		b.out = append(b.out, byte(b.bits))
		b.bits >>= 8
	}
}

// vp8l is a lossless bitstream of m without transforms: every channel is written
// in eight bits.
func vp8l(m image.Image) []byte {
	size := m.Bounds().Size()
	b := vp8lHeader(size.X, size.Y)
	for channel := range 4 {
		b.flatCode(channel == 0)
	}
	b.singleCode(0) // distances
	for y := range size.Y {
		for x := range size.X {
			c := color.NRGBAModel.Convert(m.At(x, y)).(color.NRGBA)
			for _, v := range []uint8{c.G, c.R, c.B, c.A} {
				b.put(reverse8(v), 8)
			}
		}
	}
	b.put(0, 7)
	return b.out
}

// vp8lPlain is a lossless bitstream of one grey, whatever its size: each code has
// one symbol, which takes no bits.
func vp8lPlain(w, h int, grey uint8) []byte {
	b := vp8lHeader(w, h)
	for range 3 {
		b.singleCode(grey)
	}
	b.singleCode(255)
	b.singleCode(0)
	b.put(0, 7)
	return b.out
}

// vp8lHeader writes the size, and that there are no transforms, no colour cache
// and no meta codes.
func vp8lHeader(w, h int) *bitWriter {
	b := &bitWriter{}
	b.put(0x2f, 8)
	b.put(uint64(w-1), 14)
	b.put(uint64(h-1), 14)
	b.put(1, 1) // alpha is used
	b.put(0, 3) // version
	b.put(0, 3) // no transform, no cache, no meta codes
	return b
}

// singleCode is a code of one symbol.
func (b *bitWriter) singleCode(symbol uint8) {
	b.put(1, 1) // simple
	b.put(0, 1) // one symbol
	b.put(1, 1) // of eight bits
	b.put(uint64(symbol), 8)
}

// flatCode is a code of eight bits for each of 256 symbols; green has 24 more,
// the lengths of references, which get none.
func (b *bitWriter) flatCode(green bool) {
	b.put(0, 1)    // not simple
	b.put(12-4, 4) // twelve lengths of code lengths follow:
	b.put(0, 6)    // none for 17 and 18
	b.put(1, 3)    // one bit for 0
	b.put(0, 24)   // none for 1 2 3 4 5 16 6 7
	b.put(1, 3)    // one bit for 8
	b.put(0, 1)    // all symbols follow
	for range 256 {
		b.put(1, 1)
	}
	if green {
		b.put(0, 24)
	}
}

func reverse8(v uint8) uint64 {
	var r uint64
	for i := range 8 {
		r |= uint64(v>>i&1) << (7 - i)
	}
	return r
}
