package goimaging

import (
	"context"
	"image"
)

// The matrices of H.273 that pictures use.
const (
	matrixBT709  = 1
	matrixBT2020 = 9
)

// picture makes full-range BT.601 of a decoder's samples, which is what JPEG
// has. Where the file says nothing they are taken as that: telephones write it.
func (c *nclx) picture(ctx context.Context, m image.Image) (picture, error) {
	samples, ok := m.(*image.YCbCr)
	if !ok {
		return half(ctx, m)
	}
	if c != nil && (c.matrix == matrixBT709 || c.matrix == matrixBT2020) {
		p := newPicture(samples.Rect.Dx(), samples.Rect.Dy(), false)
		return p, fillColour(ctx, p, c.rows(samples))
	}
	if c != nil && !c.full {
		expandRange(samples)
	}
	return half(ctx, samples)
}

// half is a picture with chroma at half the size, or grey.
func half(ctx context.Context, m image.Image) (picture, error) {
	p, err := fromImage(ctx, m)
	if err != nil || p.grey || p.hs == 2 && p.vs == 2 {
		return p, err
	}
	out := newPicture(p.w, p.h, false)
	return out, fillColour(ctx, out, anyModel(m))
}

// rows makes red, green and blue of samples by the file's own matrix.
func (c *nclx) rows(m *image.YCbCr) rgbRow {
	kr, kb := float32(0.2126), float32(0.0722)
	if c.matrix == matrixBT2020 {
		kr, kb = 0.2627, 0.0593
	}
	if !c.full {
		expandRange(m)
	}
	kg := 1 - kr - kb
	return func(y int, out []byte) {
		for x := range m.Rect.Dx() {
			at := m.COffset(x, y)
			luma, cb, cr := float32(m.Y[y*m.YStride+x]), float32(m.Cb[at])-128, float32(m.Cr[at])-128
			red, blue := 2*(1-kr)*cr, 2*(1-kb)*cb
			out[3*x] = clampFloat(luma + red)
			out[3*x+1] = clampFloat(luma - (kr*red+kb*blue)/kg)
			out[3*x+2] = clampFloat(luma + blue)
		}
	}
}

func clampFloat(v float32) byte { return byte(min(max(v+0.5, 0), 255)) }
