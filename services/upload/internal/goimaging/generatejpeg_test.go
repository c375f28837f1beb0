package goimaging

import (
	"image"
	"image/color"
)

// jpegForm is a way to store a picture as JPEG that the standard library cannot
// write.
type jpegForm struct {
	name        string
	sampling    [][2]int // of each component; one is grey, four are CMYK
	progressive bool
	extended    bool // SOF1
	apart       bool // a scan for each component
	adobe       int  // the transform of an Adobe segment; -1 for none
	ids         string
}

// sampled is a channel of m, averaged over dx by dy pixels.
func sampled(m image.Image, channel func(color.Color) uint8, dx, dy int) plane {
	size := m.Bounds().Size()
	p := newPlane(ceilDiv(size.X, dx), ceilDiv(size.Y, dy))
	for y := range p.h {
		for x := range p.w {
			sum, n := 0, 0
			for j := y * dy; j < min((y+1)*dy, size.Y); j++ {
				for i := x * dx; i < min((x+1)*dx, size.X); i++ {
					sum += int(channel(m.At(i, j)))
					n++
				}
			}
			p.row(y)[x] = uint8((sum + n/2) / n)
		}
	}
	return p
}

// channels are what the components of a form hold.
func (f jpegForm) channels() []func(color.Color) uint8 {
	ycbcr := func(c color.Color) color.YCbCr { return color.YCbCrModel.Convert(c).(color.YCbCr) }
	rgba := func(c color.Color) color.RGBA { return color.RGBAModel.Convert(c).(color.RGBA) }
	cmyk := func(c color.Color) color.CMYK { return color.CMYKModel.Convert(c).(color.CMYK) }
	luma := func(c color.Color) uint8 { return ycbcr(c).Y }
	switch {
	case len(f.sampling) == 4 && f.adobe == 2: // YCCK: the inks as if they were RGB; both inversions cancel
		inks := func(c color.Color) color.YCbCr {
			k := cmyk(c)
			y, cb, cr := color.RGBToYCbCr(k.C, k.M, k.Y)
			return color.YCbCr{Y: y, Cb: cb, Cr: cr}
		}
		return []func(color.Color) uint8{
			func(c color.Color) uint8 { return inks(c).Y },
			func(c color.Color) uint8 { return inks(c).Cb },
			func(c color.Color) uint8 { return inks(c).Cr },
			func(c color.Color) uint8 { return 255 - cmyk(c).K },
		}
	case len(f.sampling) == 4:
		return []func(color.Color) uint8{
			func(c color.Color) uint8 { return 255 - cmyk(c).C },
			func(c color.Color) uint8 { return 255 - cmyk(c).M },
			func(c color.Color) uint8 { return 255 - cmyk(c).Y },
			func(c color.Color) uint8 { return 255 - cmyk(c).K },
		}
	case f.ids == "RGB" || f.adobe == 0:
		return []func(color.Color) uint8{
			func(c color.Color) uint8 { return rgba(c).R },
			func(c color.Color) uint8 { return rgba(c).G },
			func(c color.Color) uint8 { return rgba(c).B },
		}
	case len(f.sampling) == 1:
		return []func(color.Color) uint8{luma}
	default:
		return []func(color.Color) uint8{
			luma,
			func(c color.Color) uint8 { return ycbcr(c).Cb },
			func(c color.Color) uint8 { return ycbcr(c).Cr },
		}
	}
}

// encode writes m in this form, at quality 95.
func (f jpegForm) encode(m image.Image) []byte {
	size := m.Bounds().Size()
	w := formWriter{form: f, w: size.X, h: size.Y}
	for _, s := range f.sampling {
		w.maxH, w.maxV = max(w.maxH, s[0]), max(w.maxV, s[1])
	}
	for i, channel := range f.channels() {
		w.planes = append(w.planes, sampled(m, channel, w.maxH/f.sampling[i][0], w.maxV/f.sampling[i][1]))
	}
	return w.file()
}

// formWriter writes one file with the pieces of the encoder.
type formWriter struct {
	encoder
	form       jpegForm
	w, h       int
	maxH, maxV int
	planes     []plane
}

func (w *formWriter) file() []byte {
	w.out = append(w.out, 0xff, markerSOI)
	if w.form.adobe >= 0 {
		w.out = append(w.out, segment(markerAPP14, "Adobe\x00\x64\x00\x00\x00\x00"+string(rune(w.form.adobe)))...)
	}
	steps := quantisers(95)
	w.setSteps(0, &steps[0])
	w.setSteps(1, &steps[0]) // one table for all: its number is below
	w.tables(steps, false)
	w.startOfFrame()
	all := make([]int, len(w.planes))
	for i := range all {
		all[i] = i
	}
	switch {
	case w.form.progressive:
		w.scan(all, 0, 0)
		for i := range all {
			w.scan(all[i:i+1], 1, 63)
		}
	case w.form.apart:
		for i := range all {
			w.scan(all[i:i+1], 0, 63)
		}
	default:
		w.scan(all, 0, 63)
	}
	return append(w.out, 0xff, markerEOI)
}

func (w *formWriter) id(i int) byte {
	if w.form.ids != "" {
		return w.form.ids[i]
	}
	return byte(i + 1)
}

func (w *formWriter) startOfFrame() {
	marker := byte(markerSOF0)
	if w.form.progressive {
		marker = markerSOF2
	} else if w.form.extended {
		marker = markerSOF1
	}
	body := []byte{8, byte(w.h >> 8), byte(w.h), byte(w.w >> 8), byte(w.w), byte(len(w.planes))}
	for i, s := range w.form.sampling {
		body = append(body, w.id(i), byte(s[0]<<4|s[1]), 0)
	}
	w.out = append(w.out, segment(marker, string(body))...)
}

// scan writes coefficients first to last of the components.
func (w *formWriter) scan(components []int, first, last int) {
	body := []byte{byte(len(components))}
	for _, i := range components {
		body = append(body, w.id(i), 0)
	}
	w.out = append(w.out, segment(markerSOS, string(append(body, byte(first), byte(last), 0)))...)
	var previous [4]int32
	if len(components) == 1 { // in whole blocks of its own
		p := w.planes[components[0]]
		for y := 0; y < p.h; y += 8 {
			for x := 0; x < p.w; x += 8 {
				w.part(p, x, y, &previous[0], first, last)
			}
		}
	} else {
		w.interleaved(components, &previous, first, last)
	}
	w.flush()
	w.pending, w.count = 0, 0
}

func (w *formWriter) interleaved(components []int, previous *[4]int32, first, last int) {
	for y := range ceilDiv(w.h, 8*w.maxV) {
		for x := range ceilDiv(w.w, 8*w.maxH) {
			for _, i := range components {
				s := w.form.sampling[i]
				for b := range s[0] * s[1] {
					w.part(w.planes[i], 8*(x*s[0]+b%s[0]), 8*(y*s[1]+b/s[0]), &previous[i], first, last)
				}
			}
		}
	}
}

// part writes coefficients first to last of the block at x, y.
func (w *formWriter) part(p plane, x, y int, previous *int32, first, last int) {
	w.block.load(p, x, y)
	w.block.fdct()
	c, _ := w.block.quantise(&w.inverse[0])
	if first == 0 {
		w.value(&huffmanTables[0], 0, int32(c[0])-*previous)
		*previous = int32(c[0])
	}
	run := 0
	for k := max(first, 1); k <= last; k++ {
		if c[k] == 0 {
			run++
			continue
		}
		for ; run >= 16; run -= 16 {
			w.code(huffmanTables[1][0xf0])
		}
		w.value(&huffmanTables[1], run<<4, int32(c[k]))
		run = 0
	}
	if run > 0 {
		w.code(huffmanTables[1][0])
	}
}
