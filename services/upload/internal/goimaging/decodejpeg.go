package goimaging

import (
	"context"
	"image/jpeg"

	"github.com/gen2brain/jpegn"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// maxAtOnce is the greatest number of pixels times scans that a decoder which
// cannot be stopped may take, about a second's work.
const maxAtOnce = 300e6

// decodeJPEG decodes with jpegn, which is twice as fast as image/jpeg but fills
// up what a broken scan lacks and does not say so. The standard decoder, which
// does, takes every picture that jpegn refuses or that looks filled up, so the
// verdict is always its own; and what must be possible to stop, since jpegn
// reads a file as a whole before it decodes.
func decodeJPEG(ctx context.Context, src ingest.Source, h header) (picture, error) {
	file := extent{0, h.jpeg.end}
	if h.suitsJpegn() {
		if p, err := decodeFast(ctx, src, file); err == nil && !p.looksFilledUp() {
			return p, nil
		}
	}
	m, err := jpeg.Decode(newStream(ctx, src, file))
	if err != nil {
		return picture{}, err
	}
	return fromImage(ctx, m)
}

// suitsJpegn reports whether jpegn knows the form (it makes a black picture of
// four components) and is done with it soon.
func (h *header) suitsJpegn() bool {
	work := int64(h.Width) * int64(h.Height) * int64(h.jpeg.scans)
	return h.jpeg.components != 4 && !h.jpeg.extended && work <= maxAtOnce
}

func decodeFast(ctx context.Context, src ingest.Source, e extent) (picture, error) {
	m, err := jpegn.Decode(newFile(ctx, src, e), &jpegn.Options{UpsampleMethod: jpegn.CatmullRom})
	if err != nil {
		return picture{}, err
	}
	return fromImage(ctx, m)
}

// looksFilledUp reports whether jpegn may have given up on a broken scan. Where
// data ends before the picture does, the last value is repeated to the end, the
// whole of the last row included; where it makes no sense, memory is left zero,
// which is the chroma of no colour.
func (p *picture) looksFilledUp() bool {
	const block = 8
	for y := 0; y < p.cb.h; y += block {
		cb, cr := p.cb.row(y), p.cr.row(y)
		for x := 0; x < len(cb); x += block {
			if cb[x]|cr[x] == 0 {
				return true
			}
		}
	}
	for _, component := range p.planes() {
		if !isFlat(component.row(component.h - 1)) {
			return false
		}
	}
	return true
}

// isFlat reports whether all samples are the same.
func isFlat(samples []byte) bool {
	for _, v := range samples {
		if v != samples[0] {
			return false
		}
	}
	return true
}
