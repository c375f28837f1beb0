package intake

import (
	"context"

	"github.com/sajin-gallery/sajin/pkg/fault"
)

var errNoPicture = fault.New(fault.Unprocessable, "companion_without_image",
	"The film of a live picture is only taken with its picture, and that was not taken.")

// withPictures picks the films whose pictures the gallery has, and says to whom
// they belong. Of the others it notes what becomes of them.
func (r *run) withPictures(ctx context.Context, films []*job) (out []*job) {
	pictures := map[string]Result{}
	for _, p := range r.results {
		pictures[p.Item.Key] = p
	}
	for _, j := range films {
		switch p := pictures[j.FilmOf]; {
		case p.Status == Left:
		case p.ID != "":
			j.File.CompanionOf = p.ID
			out = append(out, j)
		case p.Status == New && r.options.DryRun:
			r.done(ctx, j, Result{Status: New})
		default:
			r.fail(ctx, j, errNoPicture)
		}
	}
	return out
}
