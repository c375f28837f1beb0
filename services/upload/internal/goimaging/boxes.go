package goimaging

import "encoding/binary"

// The bounds of a walk over boxes, as ISO/IEC 14496-12 structures a file. A
// telephone's picture has some hundred of them, and a table of a few kilobytes.
const (
	maxBoxes     = 4096 // beside each other
	maxItems     = 4096
	maxEntries   = 1 << 16 // of all tables about items; each item has some ten
	maxBoxBytes  = 1 << 20 // of a table that is read
	boxHeadBytes = 8
)

// box is a box of a file: its kind and where its content is.
type box struct {
	kind string
	body extent
}

// boxes calls f with every box in e. A box that reaches beyond is damage.
func boxes(w *window, e extent, f func(box) error) error {
	end := e.off + e.size
	for n, pos := 0, e.off; pos < end; n++ {
		b, err := w.at(pos, boxHeadBytes)
		if err != nil || n == maxBoxes {
			return corrupt("a box at %d of at most %d: %w", pos, maxBoxes, err)
		}
		kind, size, head := string(b[4:8]), int64(binary.BigEndian.Uint32(b)), int64(boxHeadBytes)
		switch size {
		case 0: // to the end
			size = end - pos
		case 1:
			if b, err = w.at(pos+boxHeadBytes, 8); err != nil {
				return err
			}
			size, head = int64(binary.BigEndian.Uint64(b)), 2*boxHeadBytes
		}
		if size < head || size > end-pos {
			return corrupt("a box of %d bytes at %d, with %d left", size, pos, end-pos)
		}
		if err := f(box{kind, extent{pos + head, size - head}}); err != nil {
			return err
		}
		pos += size
	}
	return nil
}

// fields reads big-endian numbers from a table in memory. Beyond its end they
// are 0, and short says so.
type fields struct {
	b     []byte
	short bool
}

// table is the content of a box in memory.
func table(w *window, e extent) (*fields, error) {
	if e.size > maxBoxBytes {
		return nil, corrupt("a table of %d bytes", e.size)
	}
	b, err := w.read(e)
	return &fields{b: b}, err
}

// number is the next n bytes as a number; n is at most 8.
func (f *fields) number(n int) (v uint64) {
	if n > len(f.b) {
		f.short, f.b = true, nil
		return 0
	}
	for _, c := range f.b[:n] {
		v = v<<8 | uint64(c)
	}
	f.b = f.b[n:]
	return v
}

func (f *fields) text(n int) string {
	if n > len(f.b) {
		f.short, f.b = true, nil
		return ""
	}
	s := string(f.b[:n])
	f.b = f.b[n:]
	return s
}

// version reads the version and the flags of a box that has them.
func (f *fields) version() (version, flags uint64) {
	v := f.number(4)
	return v >> 24, v & 0xffffff
}

// wide is 4 bytes where wide is set, and else 2.
func (f *fields) wide(wide bool) uint32 {
	if wide {
		return uint32(f.number(4))
	}
	return uint32(f.number(2))
}
