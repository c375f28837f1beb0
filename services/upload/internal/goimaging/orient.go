package goimaging

// turn is what makes a picture upright: it is mirrored along its stored sides,
// then its sides are exchanged.
type turn struct {
	reverseX, reverseY bool
	transpose          bool
}

// turns are the EXIF orientations.
var turns = [9]turn{
	2: {reverseX: true},
	3: {reverseX: true, reverseY: true},
	4: {reverseY: true},
	5: {transpose: true},
	6: {reverseY: true, transpose: true},
	7: {reverseX: true, reverseY: true, transpose: true},
	8: {reverseX: true, transpose: true},
}

// size is the size of a w x h picture after the turn, or before it.
func (t turn) size(w, h int) (int, int) {
	if t.transpose {
		return h, w
	}
	return w, h
}

// movesChroma reports whether the turn shifts halved chroma against its luma.
func (t turn) movesChroma(w, h int) bool {
	return t.reverseX && w%2 == 1 || t.reverseY && h%2 == 1
}

// apply is the picture made upright.
func (t turn) apply(p picture) picture {
	if t == (turn{}) {
		return p
	}
	p.w, p.h = t.size(p.w, p.h)
	if t.transpose {
		p.hs, p.vs = p.vs, p.hs
	}
	for _, component := range p.planes() {
		*component = t.plane(*component)
	}
	return p
}

func (t turn) plane(src plane) plane {
	dst := newPlane(t.size(src.w, src.h))
	if t.transpose {
		t.transposePlane(dst, src)
		return dst
	}
	for y := range src.h {
		from := src.row(t.sourceRow(y, src.h))
		to := dst.row(y)
		if !t.reverseX {
			copy(to, from)
			continue
		}
		for x, v := range from {
			to[len(to)-1-x] = v
		}
	}
	return dst
}

// sourceRow is the row that comes to lie at y of h.
func (t turn) sourceRow(y, h int) int {
	if t.reverseY {
		return h - 1 - y
	}
	return y
}

// transposePlane writes the columns of src as the rows of dst, in tiles: a tile
// of both fits the cache, where a whole column does not.
func (t turn) transposePlane(dst, src plane) {
	const tile = 32
	for y0 := 0; y0 < src.h; y0 += tile {
		for x0 := 0; x0 < src.w; x0 += tile {
			for y := y0; y < min(y0+tile, src.h); y++ {
				from := src.row(y)
				column := t.sourceRow(y, src.h)
				for x := x0; x < min(x0+tile, src.w); x++ {
					row := x
					if t.reverseX {
						row = src.w - 1 - x
					}
					dst.pix[row*dst.stride+column] = from[x]
				}
			}
		}
	}
}
