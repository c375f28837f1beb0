package goimaging

import (
	"context"
	"image"
	"image/draw"

	"go.n16f.net/thumbhash"
)

// placeholderEdge is the longest side that a thumbhash is made from.
const placeholderEdge = 100

// placeholder is the thumbhash of a picture that t makes upright.
func (r *resizer) placeholder(ctx context.Context, p picture, t turn) ([]byte, error) {
	w, h := fit(p.w, p.h, placeholderEdge)
	small, err := r.scale(ctx, p, w, h, t)
	if err != nil {
		return nil, err
	}
	small = t.apply(small)
	m := image.NewRGBA(image.Rect(0, 0, small.w, small.h))
	draw.Draw(m, m.Rect, small.toImage(), image.Point{}, draw.Src)
	return thumbhash.EncodeImage(m), nil
}
