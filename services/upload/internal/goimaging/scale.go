package goimaging

import (
	"context"
	"math"

	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// target is one rendition to be made.
type target struct {
	spec          ingest.Spec
	width, height int
}

// targets are the renditions of an upright w x h picture, from the smallest up.
// None is larger than the picture, and of specs that would give the same size
// only the smallest is kept.
func targets(w, h int, specs []ingest.Spec) []target {
	var out []target
	for _, spec := range bySize(specs) {
		tw, th := fit(w, h, spec.LongEdge)
		if n := len(out); n > 0 && out[n-1].width == tw && out[n-1].height == th {
			continue
		}
		out = append(out, target{spec, tw, th})
	}
	return out
}

// fit is the size of a w x h picture whose longer side is to be at most edge; at
// least one pixel, whatever the ratio.
func fit(w, h, edge int) (int, int) {
	long := max(w, h)
	if edge >= long {
		return w, h
	}
	shrink := func(side int) int {
		return max(1, int(math.Round(float64(side)*float64(edge)/float64(long))))
	}
	return shrink(w), shrink(h)
}

// scale is p at w x h, with chroma at half the size. Where turn reverses a side
// of an odd number of samples, chroma is placed so that it lies over its luma
// again afterwards.
func (r *resizer) scale(ctx context.Context, p picture, w, h int, t turn) (picture, error) {
	if p.w == w && p.h == h && (p.grey || p.hs == 2 && p.vs == 2 && !t.movesChroma(w, h)) {
		return p, nil
	}
	across, down := axis{scale: float64(p.w) / float64(w)}, axis{scale: float64(p.h) / float64(h)}
	out := newPicture(w, h, p.grey)
	if err := r.shrink(ctx, out.y, p.y, across, down); err != nil || p.grey {
		return out, err
	}
	across.scale *= 2 / float64(p.hs)
	down.scale *= 2 / float64(p.vs)
	if t.reverseX && w%2 == 1 {
		across.offset = -0.5
	}
	if t.reverseY && h%2 == 1 {
		down.offset = -0.5
	}
	if err := r.shrink(ctx, out.cb, p.cb, across, down); err != nil {
		return out, err
	}
	return out, r.shrink(ctx, out.cr, p.cr, across, down)
}

// maxScale is the reduction from which whole blocks are averaged first: the
// kernel would be long, and its weights too small to be told apart.
const maxScale = 8

// shrink is resize for any reduction.
func (r *resizer) shrink(ctx context.Context, dst, src plane, across, down axis) error {
	bx, by := blockFor(across.scale), blockFor(down.scale)
	if bx > 1 || by > 1 {
		src = averageBlocks(src, bx, by)
		across.scale /= float64(bx)
		down.scale /= float64(by)
	}
	return r.resize(ctx, dst, src, across, down)
}

// blockFor is the side of the blocks to average, so that a reduction of four or
// more is left to the kernel.
func blockFor(scale float64) int {
	if scale <= maxScale {
		return 1
	}
	return int(scale / 4)
}

// averageBlocks is src with every block of bx x by samples made one. The blocks
// at the right and lower edge may be cut.
func averageBlocks(src plane, bx, by int) plane {
	dst := newPlane(ceilDiv(src.w, bx), ceilDiv(src.h, by))
	sums := make([]uint32, dst.w)
	for y := range dst.h {
		clear(sums)
		rows := min(by, src.h-y*by)
		for i := range rows {
			addBlocks(sums, src.row(y*by+i), bx)
		}
		out := dst.row(y)
		for x := range out {
			n := uint32(rows * min(bx, src.w-x*bx))
			out[x] = byte((sums[x] + n/2) / n)
		}
	}
	return dst
}

func addBlocks(sums []uint32, row []byte, bx int) {
	for x := range sums {
		for _, v := range row[x*bx : min((x+1)*bx, len(row))] {
			sums[x] += uint32(v)
		}
	}
}
