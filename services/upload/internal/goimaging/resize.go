package goimaging

import (
	"context"
	"encoding/binary"
)

// resizer resizes planes. It holds the buffers of one Derive, so that a chain of
// resizes allocates only its results.
type resizer struct {
	even, odd []uint64 // one combined row, see combineRows
	lines     []uint64 // two combined rows, see pack
}

// rowsPerCheck is how many rows are made between two looks at the context; it is
// even.
const rowsPerCheck = 32

// resize is dst filled with src, sample by sample as the axes say. Two rows of
// dst at a time are first combined from rows of src and then, while they are in
// the cache, from columns: there is no picture in between.
func (r *resizer) resize(ctx context.Context, dst, src plane, across, down axis) error {
	if across == (axis{scale: 1}) && down == across && dst.w == src.w && dst.h == src.h {
		copyPlane(dst, src)
		return nil
	}
	columns := newKernel(dst.w, src.w, across, columnScale)
	rows := newKernel(dst.h, src.h, down, rowScale)
	r.grow(src.w, columns.taps)
	for y := 0; y < dst.h; y += 2 {
		if y%rowsPerCheck == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		second := min(y+1, dst.h-1)
		r.combineRows(src, rows, y)
		pack(r.lines, r.even, r.odd, 0)
		r.combineRows(src, rows, second)
		pack(r.lines, r.even, r.odd, 32)
		columns.combine(dst.row(y), dst.row(second), r.lines)
	}
	return nil
}

// grow makes the buffers fit a source of w samples a row. The lines have room
// for a kernel longer than the row; its weights there are zero.
func (r *resizer) grow(w, taps int) {
	words := ceilDiv(w, lane)
	if cap(r.even) < words {
		r.even, r.odd = make([]uint64, words), make([]uint64, words)
	}
	length := max(words*lane, taps)
	if cap(r.lines) < length {
		r.lines = make([]uint64, length)
	}
	r.even, r.odd, r.lines = r.even[:words], r.odd[:words], r.lines[:length]
	clear(r.lines)
}

// combineRows leaves the rows of src, weighted for row y of the result, in
// r.even and r.odd.
//
// Four lanes of 16 bits lie in one word, samples 0, 2, 4, 6 of every eight in
// even, the others in odd. A weight below zero borrows from the lane above while
// the sum is under way, but arithmetic modulo 2^64 is exact: once every lane is
// back within its 16 bits, as bias and scale see to, so is the word.
func (r *resizer) combineRows(src plane, k kernel, y int) {
	const bias = rowBias * 0x0001_0001_0001_0001
	for i := range r.even {
		r.even[i], r.odd[i] = bias, bias
	}
	weights := k.weights[y*k.taps:][:k.taps]
	for i := 0; i < len(weights); i += 4 {
		w := weights[i : i+4 : i+4]
		if w[0]|w[1]|w[2]|w[3] == 0 {
			continue
		}
		start, last := int(k.start[y])+i, src.h-1 // rows beyond the last have no weight
		addFour(r.even, r.odd,
			src.padded(min(start, last)), src.padded(min(start+1, last)),
			src.padded(min(start+2, last)), src.padded(min(start+3, last)),
			uint64(int64(w[0])), uint64(int64(w[1])), uint64(int64(w[2])), uint64(int64(w[3])))
	}
}

// addFour adds four weighted rows to the lanes.
func addFour(even, odd []uint64, a, b, c, d []byte, wa, wb, wc, wd uint64) {
	const lanes = 0x00ff_00ff_00ff_00ff
	odd = odd[:len(even)]
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

// pack spreads a combined row over the words of lines, a sample to each: at shift
// 0 it begins a new pair of rows, at 32 it is the second row of the pair.
func pack(lines, even, odd []uint64, shift uint) {
	keep := uint64(1)<<shift - 1
	odd = odd[:len(even)]
	for i, e := range even {
		o := odd[i]
		out := lines[i*lane:][:lane:lane]
		out[0] = out[0]&keep | e&0xffff<<(shift&63)
		out[1] = out[1]&keep | o&0xffff<<(shift&63)
		out[2] = out[2]&keep | e>>16&0xffff<<(shift&63)
		out[3] = out[3]&keep | o>>16&0xffff<<(shift&63)
		out[4] = out[4]&keep | e>>32&0xffff<<(shift&63)
		out[5] = out[5]&keep | o>>32&0xffff<<(shift&63)
		out[6] = out[6]&keep | e>>48<<(shift&63)
		out[7] = out[7]&keep | o>>48<<(shift&63)
	}
}

// combine is two rows of samples out of the lines of both: a multiplication
// serves the two, each in a lane of 32 bits.
func (k *kernel) combine(upper, lower []byte, lines []uint64) {
	const bias = columnBias<<32 | columnBias
	const back = columnBias + rowBias*columnScale - 1<<(columnShift-1)
	taps := k.taps
	lower = lower[:len(upper)]
	for x := range upper {
		from := lines[k.start[x]:][:taps]
		weights := k.weights[x*taps:][:taps]
		sum := uint64(bias)
		switch taps {
		case 12:
			sum += sum12((*[12]uint64)(from), (*[12]int16)(weights))
		case 16:
			sum += sum12((*[12]uint64)(from), (*[12]int16)(weights)) + sum4((*[4]uint64)(from[12:]), (*[4]int16)(weights[12:]))
		default:
			for len(from) >= 4 && len(weights) >= 4 {
				sum += sum4((*[4]uint64)(from), (*[4]int16)(weights))
				from, weights = from[4:], weights[4:]
			}
		}
		upper[x] = clampByte((int32(uint32(sum)) - back) >> columnShift)
		lower[x] = clampByte((int32(sum>>32) - back) >> columnShift)
	}
}

// sum4 and sum12 are weighted sums of lines. The sizes of a gallery need kernels
// of 12 and 16, which take a quarter less without a loop.
func sum4(f *[4]uint64, w *[4]int16) uint64 {
	return f[0]*uint64(int64(w[0])) + f[1]*uint64(int64(w[1])) + f[2]*uint64(int64(w[2])) + f[3]*uint64(int64(w[3]))
}

func sum12(f *[12]uint64, w *[12]int16) uint64 {
	return f[0]*uint64(int64(w[0])) + f[1]*uint64(int64(w[1])) + f[2]*uint64(int64(w[2])) + f[3]*uint64(int64(w[3])) +
		f[4]*uint64(int64(w[4])) + f[5]*uint64(int64(w[5])) + f[6]*uint64(int64(w[6])) + f[7]*uint64(int64(w[7])) +
		f[8]*uint64(int64(w[8])) + f[9]*uint64(int64(w[9])) + f[10]*uint64(int64(w[10])) + f[11]*uint64(int64(w[11]))
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
