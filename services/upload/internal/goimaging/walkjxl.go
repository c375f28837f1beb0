package goimaging

// maxJXLHead is how much of a JPEG XL codestream tells its size.
const maxJXLHead = 32

// walkJXL reads the size of a JPEG XL picture (ISO/IEC 18181), which is kept and
// cannot be shown: a codestream, or boxes with one.
func walkJXL(w *window, limits Limits) (header, error) {
	stream, err := jxlStream(w)
	if err != nil {
		return header{}, err
	}
	head, err := w.read(extent{stream.off, min(stream.size, maxJXLHead)})
	if err != nil {
		return header{}, err
	}
	if len(head) < 2 || string(head[:2]) != "\xff\x0a" {
		return header{}, corrupt("no codestream at %d", stream.off)
	}
	h := header{}
	h.Frames, h.Unavailable = 1, true
	bits := &lowBits{b: head[2:]}
	h.Width, h.Height, h.Orientation = bits.jxlSize()
	if bits.short {
		return header{}, corrupt("only %d bytes of a codestream", stream.size)
	}
	return h, limits.checkSize(h.Width, h.Height)
}

// jxlStream is where the codestream is, or its first part. All boxes must be in
// the file, to its end.
func jxlStream(w *window) (extent, error) {
	all := extent{0, w.src.Size}
	if b, err := w.at(0, 2); err != nil || b[0] == 0xff {
		return all, err
	}
	stream := extent{}
	err := boxes(w, all, func(b box) error {
		switch {
		case stream.size > 0:
		case b.kind == "jxlc":
			stream = b.body
		case b.kind == "jxlp" && b.body.size > 4: // after its number
			stream = extent{b.body.off + 4, b.body.size - 4}
		}
		return nil
	})
	if err == nil && stream.size == 0 {
		err = corrupt("boxes without a codestream")
	}
	return stream, err
}

// lowBits reads numbers from the lowest bit up. Beyond the end they are 0, and
// short says so.
type lowBits struct {
	b     []byte
	at    int
	short bool
}

func (l *lowBits) number(n int) (v int) {
	for i := range n {
		if l.at >= 8*len(l.b) {
			l.short = true
			return 0
		}
		v |= int(l.b[l.at/8]>>(l.at%8)&1) << i
		l.at++
	}
	return v
}

// jxlRatios are the widths, as parts of the height, that need not be written.
var jxlRatios = [8][2]int{1: {1, 1}, {12, 10}, {4, 3}, {3, 2}, {16, 9}, {5, 4}, {2, 1}}

// jxlSize reads the size as stored and the orientation.
func (l *lowBits) jxlSize() (width, height, orientation int) {
	small := l.number(1) == 1
	side := func() int {
		if small {
			return 8 * (1 + l.number(5))
		}
		return 1 + l.number([]int{9, 13, 18, 30}[l.number(2)])
	}
	height = side()
	if ratio := l.number(3); ratio > 0 {
		width = height * jxlRatios[ratio][0] / jxlRatios[ratio][1]
	} else {
		width = side()
	}
	orientation = 1
	if byDefault := l.number(1) == 1; !byDefault {
		if more := l.number(1) == 1; more {
			orientation = 1 + l.number(3)
		}
	}
	return width, height, orientation
}
