package goimaging

import "encoding/binary"

// check sees that a tile's bitstream is of the size that the table says: the
// decoders allocate by the bitstream, and the limits are about the table.
func (t heifTile) check(w *window, av1 bool, width, height int) error {
	if t.config.size > maxBoxBytes/16 {
		return corrupt("a configuration of %d bytes", t.config.size)
	}
	if av1 {
		return t.checkAV1(w, width, height)
	}
	return t.checkHEVC(w, width, height)
}

// padding is how much larger than the picture its blocks may be.
const padding = 128

func checkCoded(width, height, codedWidth, codedHeight int) error {
	if codedWidth < width || codedHeight < height || codedWidth > width+padding || codedHeight > height+padding {
		return corrupt("a bitstream of %d x %d for %d x %d", codedWidth, codedHeight, width, height)
	}
	return nil
}

// heicLeast is the width from which the decoder's rows are as long as its
// caller takes them to be. It gives nothing for grey pictures.
const heicLeast = 128

// checkHEVC reads the parameters that come with the configuration (ISO/IEC
// 14496-15, 8.3.3.1). Others within the bitstream could say another size.
func (t heifTile) checkHEVC(w *window, width, height int) error {
	raw, err := w.read(t.config)
	if err != nil {
		return err
	}
	f := &fields{b: raw}
	f.text(21)
	lengthBytes := int(f.number(1)&3) + 1
	found := false
	for range f.number(1) {
		kind := f.number(1) & 0x3f
		for range f.number(2) {
			unit := f.text(int(f.number(2)))
			if f.short {
				return corrupt("a short configuration of HEVC")
			}
			const kindSPS = 33
			if kind != kindSPS {
				continue
			}
			found = true
			grey, codedWidth, codedHeight := sizeOfSPS(unit)
			if grey || width < heicLeast {
				return errHEIFRare
			}
			if err := checkCoded(width, height, codedWidth, codedHeight); err != nil {
				return err
			}
		}
	}
	if !found {
		return errHEIFRare
	}
	return t.checkUnits(w, lengthBytes)
}

// checkUnits walks the units of the bitstream.
func (t heifTile) checkUnits(w *window, lengthBytes int) error {
	for pos, end := t.data.off, t.data.off+t.data.size; pos < end; {
		b, err := w.at(pos, lengthBytes+1)
		if err != nil {
			return err
		}
		f := fields{b: b}
		size := int64(f.number(lengthBytes))
		const firstParameters, lastParameters = 32, 34
		if kind := f.number(1) >> 1; kind >= firstParameters && kind <= lastParameters {
			return errHEIFRare
		}
		if pos += int64(lengthBytes) + size; size < 2 || pos > end {
			return corrupt("a unit of %d bytes before %d", size, end)
		}
	}
	return nil
}

// bitReader reads single bits; beyond the end they are 0.
type bitReader struct {
	b   string
	pos int
}

func (r *bitReader) read(n int) (v int) {
	for range n {
		v <<= 1
		if r.pos/8 < len(r.b) {
			v |= int(r.b[r.pos/8]) >> (7 - r.pos%8) & 1
		}
		r.pos++
	}
	return v
}

// golomb is a number of Exp-Golomb's code (ITU-T H.265, 9.2), at most 2^31.
func (r *bitReader) golomb() int {
	zeros := 0
	for r.read(1) == 0 {
		if zeros++; zeros > 30 {
			return 1 << 31
		}
	}
	return 1<<zeros - 1 + r.read(zeros)
}

// sizeOfSPS reads as far as the size (ITU-T H.265, 7.3.2.2).
func sizeOfSPS(unit string) (grey bool, width, height int) {
	r := &bitReader{b: withoutEmulation(unit)}
	r.read(16 + 4)
	layers := r.read(3)
	r.read(1 + 96) // the nesting, and the general profile and level
	var present [8][2]int
	for i := range layers {
		present[i] = [2]int{r.read(1), r.read(1)}
	}
	if layers > 0 {
		r.read(2 * (8 - layers))
	}
	for i := range layers {
		r.read(88*present[i][0] + 8*present[i][1])
	}
	r.golomb()
	chroma := r.golomb()
	if chroma == 3 {
		r.read(1)
	}
	return chroma == 0, r.golomb(), r.golomb()
}

// withoutEmulation drops the bytes that keep start codes from appearing.
func withoutEmulation(unit string) string {
	out := make([]byte, 0, len(unit))
	for i := range len(unit) {
		if i > 1 && unit[i] == 3 && unit[i-1] == 0 && unit[i-2] == 0 {
			continue
		}
		out = append(out, unit[i])
	}
	return string(out)
}

// checkAV1 walks the units of the bitstream, and reads the sequence headers
// among them (AV1, 5.5).
func (t heifTile) checkAV1(w *window, width, height int) error {
	found := false
	for pos, end := t.data.off, t.data.off+t.data.size; pos < end; {
		b, err := w.at(pos, int(min(10, end-pos)))
		if err != nil {
			return err
		}
		kind, extended, sized := b[0]>>3&15, int(b[0]>>2&1), b[0]>>1&1 == 1
		head, size := 1+extended, end-pos-1-int64(extended)
		if sized {
			v, n := binary.Uvarint(b[min(head, len(b)):])
			if n <= 0 || v > uint64(end-pos) {
				return corrupt("a unit of AV1 without a size at %d", pos)
			}
			head, size = head+n, int64(v)
		}
		if size < 0 || pos+int64(head)+size > end {
			return corrupt("a unit of AV1 beyond %d", end)
		}
		const kindSequence = 1
		if kind == kindSequence {
			found = true
			if b, err = w.at(pos+int64(head), int(min(size, 64))); err != nil {
				return err
			}
			if err := checkSequence(string(b), width, height); err != nil {
				return err
			}
		}
		pos += int64(head) + size
	}
	if !found {
		return errHEIFRare
	}
	return nil
}

// checkSequence reads a sequence header as far as the size.
func checkSequence(unit string, width, height int) error {
	r := &bitReader{b: unit}
	r.read(3 + 1)
	if reduced := r.read(1); reduced == 1 {
		r.read(5)
	} else if !r.operatingPoints() {
		return errHEIFRare
	}
	wide, high := r.read(4)+1, r.read(4)+1
	codedWidth, codedHeight := r.read(wide)+1, r.read(high)+1
	if 1<<wide > 4*(width+padding) || 1<<high > 4*(height+padding) { // a frame may use all of the bits
		return errHEIFRare
	}
	return checkCoded(width, height, codedWidth, codedHeight)
}

// operatingPoints skips what a sequence of more than a still says, but for
// clocks, which no picture has.
func (r *bitReader) operatingPoints() bool {
	if r.read(1) == 1 {
		return false
	}
	delays := r.read(1)
	for range r.read(5) + 1 {
		r.read(12)
		if r.read(5) > 7 {
			r.read(1)
		}
		if delays == 1 && r.read(1) == 1 {
			r.read(4)
		}
	}
	return true
}
