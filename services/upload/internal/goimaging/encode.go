package goimaging

import "math/bits"

// encode is a picture (4:2:0 or grey) as a baseline JPEG file with a colour
// profile, if there is one, and nothing else beside the pixels. It takes the
// planes as they are, which image/jpeg does not, and is three times as fast;
// TestEncodeAgreesWithImageJPEG holds the two together.
func encode(p picture, quality int, icc []byte) []byte {
	e := encoder{out: make([]byte, 0, 4096+len(icc)+p.w*p.h/4)}
	steps := quantisers(quality)
	e.out = append(e.out, 0xff, markerSOI)
	e.out = append(e.out, appSegments(icc)...)
	e.tables(steps, p.grey)
	e.frame(p)
	for i := range steps {
		e.setSteps(i, &steps[i])
	}
	if p.grey {
		e.greyScan(p.y)
	} else {
		e.colourScan(p)
	}
	e.flush()
	return append(e.out, 0xff, markerEOI)
}

// encoder writes one file.
type encoder struct {
	out     []byte
	pending uint64 // bits not yet written, the last ones lowest
	count   uint   // how many of them; fewer than 32 between two writes

	inverse  [2][64]float32 // of the steps and fdct's scale, in zigzag order
	previous [3]int32       // the DC of each component's last block
	block    block
}

// setSteps prepares the quantiser of luma (0) or chroma (1).
func (e *encoder) setSteps(i int, steps *[64]int) {
	for k, at := range zigzag {
		e.inverse[i][k] = float32(1 / (float64(steps[at]) * fdctScale(int(at)/8, int(at)%8)))
	}
}

// tables writes the quantisers and Huffman tables that the picture needs.
func (e *encoder) tables(steps [2][64]int, grey bool) {
	classes := 2
	if grey {
		classes = 1
	}
	e.out = append(e.out, 0xff, markerDQT, 0, byte(2+65*classes))
	for i := range classes {
		e.out = append(e.out, byte(i))
		for _, at := range zigzag {
			e.out = append(e.out, byte(steps[i][at]))
		}
	}
	for _, s := range huffmanSpecs[:2*classes] {
		e.out = append(e.out, 0xff, markerDHT, 0, byte(2+17+len(s.values)), s.class)
		e.out = append(append(e.out, s.counts[:]...), s.values...)
	}
}

// frame writes the headers of the frame and of its only scan.
func (e *encoder) frame(p picture) {
	components := len(p.planes())
	e.out = append(e.out, 0xff, markerSOF0, 0, byte(8+3*components), 8,
		byte(p.h>>8), byte(p.h), byte(p.w>>8), byte(p.w), byte(components))
	factors := [3]byte{0x22, 0x11, 0x11}
	if p.grey {
		factors[0] = 0x11
	}
	for i := range components {
		e.out = append(e.out, byte(i+1), factors[i], byte(min(i, 1)))
	}
	e.out = append(e.out, 0xff, markerSOS, 0, byte(6+2*components), byte(components))
	for i := range components {
		e.out = append(e.out, byte(i+1), byte(min(i, 1)*0x11))
	}
	e.out = append(e.out, 0, 63, 0)
}

func (e *encoder) greyScan(p plane) {
	for y := 0; y < p.h; y += 8 {
		for x := 0; x < p.w; x += 8 {
			e.encodeBlock(p, x, y, 0)
		}
	}
}

// colourScan writes the MCUs of 16 x 16 pixels: four blocks of luma, one of each
// chroma.
func (e *encoder) colourScan(p picture) {
	for y := 0; y < p.h; y += 16 {
		for x := 0; x < p.w; x += 16 {
			e.encodeBlock(p.y, x, y, 0)
			e.encodeBlock(p.y, x+8, y, 0)
			e.encodeBlock(p.y, x, y+8, 0)
			e.encodeBlock(p.y, x+8, y+8, 0)
			e.encodeBlock(p.cb, x/2, y/2, 1)
			e.encodeBlock(p.cr, x/2, y/2, 2)
		}
	}
}

// encodeBlock writes the block of a component whose first sample is at x, y.
func (e *encoder) encodeBlock(p plane, x, y, component int) {
	e.block.load(p, x, y)
	e.block.fdct()
	class := min(component, 1)
	coefficients, present := e.block.quantise(&e.inverse[class])

	dc := int32(coefficients[0])
	e.value(&huffmanTables[2*class], 0, dc-e.previous[component])
	e.previous[component] = dc

	ac := &huffmanTables[2*class+1]
	last := 0
	for present &^= 1; present != 0; present &= present - 1 {
		k := bits.TrailingZeros64(present)
		run := k - last - 1
		for ; run >= 16; run -= 16 {
			e.code(ac[0xf0])
		}
		e.value(ac, run<<4, int32(coefficients[k&63]))
		last = k
	}
	if last != 63 {
		e.code(ac[0])
	}
}

// load fills the block with samples around zero. Beyond the plane's edges its
// last samples are repeated, which costs the fewest bits.
func (b *block) load(p plane, x, y int) {
	if x+8 <= p.w && y+8 <= p.h {
		for row := range 8 {
			from := p.pix[(y+row)*p.stride+x:][:8:8]
			to := b[row*8:][:8:8]
			for i := range to {
				to[i] = float32(int32(from[i]) - 128)
			}
		}
		return
	}
	for row := range 8 {
		from := p.row(min(y+row, p.h-1))
		for i := range 8 {
			b[row*8+i] = float32(int32(from[min(x+i, p.w-1)]) - 128)
		}
	}
}

// quantise is the block's coefficients in zigzag order, and which of them are
// not zero.
func (b *block) quantise(inverse *[64]float32) (out [64]int16, present uint64) {
	for k, at := range zigzag {
		// Made positive, so that cutting off the fraction rounds to nearest.
		const positive = 1 << 13
		v := int32(b[at&63]*inverse[k]+(positive+0.5)) - positive
		out[k] = int16(v)
		// The sign bit of v | -v is set unless v is zero.
		present |= uint64(uint32(v|-v)>>31) << k
	}
	return out, present
}

// value writes a run of zeros and the number that ends it: the code of run and
// size, then the number's bits, those of a negative one less one.
func (e *encoder) value(table *huffmanTable, run int, v int32) {
	sign := v >> 31
	size := uint(bits.Len32(uint32((v ^ sign) - sign)))
	code := table[(run|int(size))&255]
	low := uint64(uint32(v+sign)) & (1<<size - 1)
	e.put(uint64(code>>8)<<size|low, uint(code&255)+size)
}

func (e *encoder) code(c huffmanCode) { e.put(uint64(c>>8), uint(c&255)) }

// put writes up to 27 bits.
func (e *encoder) put(value uint64, count uint) {
	e.pending = e.pending<<count | value
	e.count += count
	if e.count < 32 {
		return
	}
	e.count -= 32
	word := uint32(e.pending >> e.count)
	// The word holds 0xff if its complement holds a zero byte.
	if complement := ^word; (complement-0x0101_0101)&^complement&0x8080_8080 == 0 {
		e.out = append(e.out, byte(word>>24), byte(word>>16), byte(word>>8), byte(word))
		return
	}
	e.stuff(uint64(word), 32)
}

// stuff writes whole bytes, with a zero after each 0xff.
func (e *encoder) stuff(value uint64, count uint) {
	for count >= 8 {
		count -= 8
		b := byte(value >> count)
		e.out = append(e.out, b)
		if b == 0xff {
			e.out = append(e.out, 0)
		}
	}
}

// flush writes what is left, filled up with ones.
func (e *encoder) flush() {
	fill := -e.count & 7
	e.stuff(e.pending<<fill|(1<<fill-1), e.count+fill)
}

// appSegments are the segments that follow SOI: JFIF, which says how the colours
// are meant, and the profile in pieces of at most a segment each.
func appSegments(icc []byte) []byte {
	out := []byte{0xff, markerAPP0, 0, 16, 'J', 'F', 'I', 'F', 0, 1, 2, 0, 0, 1, 0, 1, 0, 0}
	const head = len(iccPrefix) + 2
	const most = 65533 - head
	count := ceilDiv(len(icc), most)
	for i := range count {
		piece := icc[i*most : min((i+1)*most, len(icc))]
		size := 2 + head + len(piece)
		out = append(out, 0xff, markerAPP2, byte(size>>8), byte(size))
		out = append(out, iccPrefix...)
		out = append(out, byte(i+1), byte(count))
		out = append(out, piece...)
	}
	return out
}
