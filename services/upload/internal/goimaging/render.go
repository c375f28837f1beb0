package goimaging

import (
	"cmp"
	"context"
	"slices"

	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// rendering makes the renditions of one picture.
type rendering struct {
	resizer
	turn turn
	icc  []byte
}

// render makes each rendition from the next larger one, which costs half of
// starting over and loses nothing that can be seen. The first is turned after it
// was made small.
func (r *rendering) render(ctx context.Context, decoded picture, specs []ingest.Spec) (ingest.Derived, error) {
	var d ingest.Derived
	d.Width, d.Height = r.turn.size(decoded.w, decoded.h)
	wanted := targets(d.Width, d.Height, specs)
	current, turn := decoded, r.turn
	for _, t := range slices.Backward(wanted) {
		w, h := turn.size(t.width, t.height)
		scaled, err := r.scale(ctx, current, w, h, turn)
		if err != nil {
			return ingest.Derived{}, err
		}
		current, turn = turn.apply(scaled), turns[1]
		rendition, err := r.encode(ctx, current, t.spec)
		if err != nil {
			return ingest.Derived{}, err
		}
		d.Renditions = append(d.Renditions, rendition)
	}
	order := func(rendition ingest.Rendition) int {
		return slices.IndexFunc(specs, func(s ingest.Spec) bool { return s.Name == rendition.Name })
	}
	slices.SortStableFunc(d.Renditions, func(a, b ingest.Rendition) int { return cmp.Compare(order(a), order(b)) })
	var err error
	d.Placeholder, err = r.placeholder(ctx, current, turn)
	return d, err
}

func (r *rendering) encode(ctx context.Context, p picture, spec ingest.Spec) (ingest.Rendition, error) {
	if err := ctx.Err(); err != nil {
		return ingest.Rendition{}, err
	}
	return ingest.Rendition{
		Name: spec.Name, Width: p.w, Height: p.h,
		ContentType: "image/jpeg", Extension: ".jpg", Data: encode(p, spec.Quality, r.icc),
	}, nil
}
