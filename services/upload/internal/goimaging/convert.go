package goimaging

import (
	"context"
	"image"
	"image/color"
)

// rgbRow writes row y of an image, from its left edge, as red, green, blue. What
// is transparent is laid on white: the renditions are JPEG, and white is what
// most transparent pictures are drawn for.
type rgbRow func(y int, out []byte)

// fromImage makes a picture of a decoder's result. Grey images stay grey.
func fromImage(ctx context.Context, m image.Image) (picture, error) {
	switch m := m.(type) {
	case *image.YCbCr:
		if p, ok := fromYCbCr(m); ok {
			return p, nil
		}
	case *image.Gray:
		if p, ok := fromGray(m); ok {
			return p, nil
		}
	}
	bounds := m.Bounds()
	p := newPicture(bounds.Dx(), bounds.Dy(), isGrey(m))
	if p.grey {
		return p, fillGrey(ctx, p, m)
	}
	return p, fillColour(ctx, p, rgbRows(m))
}

func isGrey(m image.Image) bool {
	model := m.ColorModel()
	return model == color.GrayModel || model == color.Gray16Model
}

func fillGrey(ctx context.Context, p picture, m image.Image) error {
	for y := range p.h {
		if y%rowsPerCheck == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		out := p.y.row(y)
		switch m := m.(type) {
		case *image.Gray:
			copy(out, m.Pix[y*m.Stride:])
		case *image.Gray16:
			for x := range out {
				out[x] = m.Pix[y*m.Stride+2*x]
			}
		}
	}
	return nil
}

// fillColour fills the planes with an image of the same size.
func fillColour(ctx context.Context, p picture, row rgbRow) error {
	upper, lower := make([]byte, 3*p.w), make([]byte, 3*p.w)
	for y := 0; y < p.h; y += 2 {
		if y%rowsPerCheck == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		row(y, upper)
		lumaRow(p.y.row(y), upper)
		second := upper
		if y+1 < p.h {
			second = lower
			row(y+1, lower)
			lumaRow(p.y.row(y+1), lower)
		}
		chromaRow(p.cb.row(y/2), p.cr.row(y/2), upper, second)
	}
	return nil
}

// lumaRow is the luma of JFIF (ITU-R BT.601, full range), in 16-bit fractions.
func lumaRow(out, rgb []byte) {
	for x := range out {
		c := rgb[3*x : 3*x+3 : 3*x+3]
		out[x] = byte((19595*uint32(c[0]) + 38470*uint32(c[1]) + 7471*uint32(c[2]) + 1<<15) >> 16)
	}
}

// chromaRow is the chroma of two rows, each sample the mean of four pixels; a
// last column stands for the missing one beside it.
func chromaRow(cb, cr, upper, lower []byte) {
	for x := range cb {
		a := 6 * x
		b := min(a+3, len(upper)-3)
		red := int32(upper[a]) + int32(upper[b]) + int32(lower[a]) + int32(lower[b])
		green := int32(upper[a+1]) + int32(upper[b+1]) + int32(lower[a+1]) + int32(lower[b+1])
		blue := int32(upper[a+2]) + int32(upper[b+2]) + int32(lower[a+2]) + int32(lower[b+2])
		const middle = 128<<18 + 1<<17
		cb[x] = clampByte((-11059*red - 21709*green + 32768*blue + middle) >> 18)
		cr[x] = clampByte((32768*red - 27439*green - 5329*blue + middle) >> 18)
	}
}

// rgbRows reads the types that the decoders return, and any other one slowly.
func rgbRows(m image.Image) rgbRow {
	switch m := m.(type) {
	case *image.RGBA:
		return premultiplied(m.Pix, m.Stride, m.Rect.Dx(), 1)
	case *image.RGBA64:
		return premultiplied(m.Pix, m.Stride, m.Rect.Dx(), 2)
	case *image.NRGBA:
		return transparent(m.Pix, m.Stride, m.Rect.Dx(), 1)
	case *image.NRGBA64:
		return transparent(m.Pix, m.Stride, m.Rect.Dx(), 2)
	case *image.Paletted:
		return paletted(m)
	case *image.CMYK:
		return cmyk(m)
	default:
		return anyModel(m)
	}
}

// premultiplied reads four channels of depth bytes each, colours already
// multiplied by alpha. Of 16 bits the upper 8 are taken.
func premultiplied(pix []byte, stride, w, depth int) rgbRow {
	return func(y int, out []byte) {
		row := pix[y*stride:][:4*depth*w]
		for x := range w {
			c := row[4*depth*x:][:4*depth]
			white := 255 - c[3*depth]
			out[3*x], out[3*x+1], out[3*x+2] = c[0]+white, c[depth]+white, c[2*depth]+white
		}
	}
}

// transparent reads four channels of depth bytes each, colours independent of
// alpha.
func transparent(pix []byte, stride, w, depth int) rgbRow {
	return func(y int, out []byte) {
		row := pix[y*stride:][:4*depth*w]
		for x := range w {
			c := row[4*depth*x:][:4*depth]
			r, g, b, a := c[0], c[depth], c[2*depth], c[3*depth]
			if a != 255 {
				r, g, b = onWhite(r, a), onWhite(g, a), onWhite(b, a)
			}
			out[3*x], out[3*x+1], out[3*x+2] = r, g, b
		}
	}
}

// onWhite is a channel seen through alpha on white.
func onWhite(c, alpha byte) byte { return blend(c, 255, alpha) }

// blend is top where alpha is 255 and bottom where it is 0.
func blend(top, bottom, alpha byte) byte {
	a := uint32(alpha)
	return byte((uint32(top)*a + uint32(bottom)*(255-a) + 127) / 255)
}

// paletted looks colours up. An index beyond the palette, which a hostile file
// may hold, is white.
func paletted(m *image.Paletted) rgbRow {
	var table [256][3]byte
	for i := range table {
		table[i] = [3]byte{255, 255, 255}
	}
	for i, c := range m.Palette[:min(len(m.Palette), len(table))] {
		n := color.NRGBAModel.Convert(c).(color.NRGBA)
		table[i] = [3]byte{onWhite(n.R, n.A), onWhite(n.G, n.A), onWhite(n.B, n.A)}
	}
	w := m.Rect.Dx()
	return func(y int, out []byte) {
		for x, index := range m.Pix[y*m.Stride:][:w] {
			copy(out[3*x:3*x+3], table[index][:])
		}
	}
}

// cmyk takes the inks as ideal ones, as every reader without colour management
// does.
func cmyk(m *image.CMYK) rgbRow {
	w := m.Rect.Dx()
	return func(y int, out []byte) {
		row := m.Pix[y*m.Stride:][:4*w]
		for x := range w {
			inksToRGB(out[3*x:][:3], row[4*x:][:4])
		}
	}
}

// inksToRGB is the colour of cyan, magenta, yellow and black on white paper.
func inksToRGB(rgb, inks []byte) {
	light := 255 - uint32(inks[3])
	for i := range rgb {
		rgb[i] = byte(((255-uint32(inks[i]))*light + 127) / 255)
	}
}

// anyModel goes by the colour of each pixel.
func anyModel(m image.Image) rgbRow {
	bounds := m.Bounds()
	return func(y int, out []byte) {
		for x := range bounds.Dx() {
			n := color.NRGBAModel.Convert(m.At(bounds.Min.X+x, bounds.Min.Y+y)).(color.NRGBA)
			out[3*x], out[3*x+1], out[3*x+2] = onWhite(n.R, n.A), onWhite(n.G, n.A), onWhite(n.B, n.A)
		}
	}
}
