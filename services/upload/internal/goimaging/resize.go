package goimaging

import (
	"context"
	"encoding/binary"
)

// resizer resizes planes. It holds the buffers of one Derive, so that a chain of
// resizes allocates only its results.
type resizer struct {
	even, odd []uint64
	line      []uint16
}

// rowsPerCheck is how many rows are made between two looks at the context.
const rowsPerCheck = 32

// resize is dst filled with src, sample by sample as the axes say. Every row of
// dst is first combined from rows of src and then, while it is in the cache,
// from columns: there is no picture in between.
func (r *resizer) resize(ctx context.Context, dst, src plane, across, down axis) error {
	if across == (axis{scale: 1}) && down == across && dst.w == src.w && dst.h == src.h {
		copyPlane(dst, src)
		return nil
	}
	columns := newKernel(dst.w, src.w, across, columnScale)
	rows := newKernel(dst.h, src.h, down, rowScale)
	r.grow(src.w, columns.taps)
	for y := range dst.h {
		if y%rowsPerCheck == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		r.combineRows(src, int(rows.start[y]), rows.weights[y*rows.taps:][:rows.taps])
		columns.combine(dst.row(y), r.line)
	}
	return nil
}

// grow makes the buffers fit a source of w samples a row. The line has room for
// a kernel longer than the row; its weights there are zero.
func (r *resizer) grow(w, taps int) {
	words := ceilDiv(w, lane)
	if cap(r.even) < words {
		r.even, r.odd = make([]uint64, words), make([]uint64, words)
	}
	length := max(words*lane, taps)
	if cap(r.line) < length {
		r.line = make([]uint16, length)
	}
	r.even, r.odd, r.line = r.even[:words], r.odd[:words], r.line[:length]
	clear(r.line)
}

// combineRows leaves in r.line the weighted sum of rows of src from start on.
//
// Four lanes of 16 bits lie in one word, samples 0, 2, 4, 6 of every eight in
// even, the others in odd. A weight below zero borrows from the lane above while
// the sum is under way, but arithmetic modulo 2^64 is exact: once every lane is
// back within its 16 bits, as bias and scale see to, so is the word.
func (r *resizer) combineRows(src plane, start int, weights []int32) {
	const bias = rowBias * 0x0001_0001_0001_0001
	for i := range r.even {
		r.even[i], r.odd[i] = bias, bias
	}
	for i := 0; i < len(weights); i += 4 {
		w := weights[i : i+4 : i+4]
		if w[0]|w[1]|w[2]|w[3] == 0 {
			continue
		}
		last := src.h - 1 // rows beyond it have no weight
		r.addFour(
			src.padded(min(start+i, last)), src.padded(min(start+i+1, last)),
			src.padded(min(start+i+2, last)), src.padded(min(start+i+3, last)),
			uint64(int64(w[0])), uint64(int64(w[1])), uint64(int64(w[2])), uint64(int64(w[3])))
	}
	for i, even := range r.even {
		odd := r.odd[i]
		out := r.line[i*lane:][:lane]
		out[0], out[1] = uint16(even), uint16(odd)
		out[2], out[3] = uint16(even>>16), uint16(odd>>16)
		out[4], out[5] = uint16(even>>32), uint16(odd>>32)
		out[6], out[7] = uint16(even>>48), uint16(odd>>48)
	}
}

// addFour adds four weighted rows to the lanes.
func (r *resizer) addFour(a, b, c, d []byte, wa, wb, wc, wd uint64) {
	const lanes = 0x00ff_00ff_00ff_00ff
	even := r.even
	odd := r.odd[:len(even)]
	size := len(even) * lane
	a, b, c, d = a[:size], b[:size], c[:size], d[:size]
	for i := range even {
		at := i * lane
		va, vb := binary.LittleEndian.Uint64(a[at:at+lane]), binary.LittleEndian.Uint64(b[at:at+lane])
		vc, vd := binary.LittleEndian.Uint64(c[at:at+lane]), binary.LittleEndian.Uint64(d[at:at+lane])
		even[i] += va&lanes*wa + vb&lanes*wb + vc&lanes*wc + vd&lanes*wd
		odd[i] += va>>8&lanes*wa + vb>>8&lanes*wb + vc>>8&lanes*wc + vd>>8&lanes*wd
	}
}

// combine is a row of samples out of a line of lanes.
func (k *kernel) combine(dst []byte, line []uint16) {
	const round = 1<<(columnShift-1) - rowBias*columnScale
	taps := k.taps
	for x := range dst {
		from := line[k.start[x]:][:taps]
		weights := k.weights[x*taps:][:taps]
		sum := int32(round)
		for len(from) >= 4 && len(weights) >= 4 {
			sum += int32(from[0])*weights[0] + int32(from[1])*weights[1] +
				int32(from[2])*weights[2] + int32(from[3])*weights[3]
			from, weights = from[4:], weights[4:]
		}
		dst[x] = clampByte(sum >> columnShift)
	}
}

// padded is a row with its padding, whole lanes long.
func (p plane) padded(y int) []byte { return p.pix[y*p.stride:] }

func copyPlane(dst, src plane) {
	for y := range dst.h {
		copy(dst.row(y), src.row(y))
	}
}

func clampByte(v int32) byte {
	if uint32(v) <= 255 {
		return byte(v)
	}
	return byte(^(v >> 31)) // 0 below, 255 above
}
