package goimaging

import "image"

// plane is one component of a picture: h rows of w samples. A row may be
// followed by padding up to the stride.
type plane struct {
	pix    []byte
	stride int
	w, h   int
}

// lane is how many samples the resizer takes at once; rows are padded to it.
const lane = 8

func newPlane(w, h int) plane {
	stride := (w + lane - 1) / lane * lane
	return plane{pix: make([]byte, stride*h), stride: stride, w: w, h: h}
}

func (p plane) row(y int) []byte { return p.pix[y*p.stride:][:p.w] }

// isPadded reports whether the resizer may read every row in whole lanes.
func (p plane) isPadded() bool {
	return len(p.pix) >= (p.h-1)*p.stride+ceilDiv(p.w, lane)*lane
}

func (p plane) fill(v byte) {
	for i := range p.pix {
		p.pix[i] = v
	}
}

// picture is an image as JPEG has it: full-range luma, and two chroma planes of
// which one sample covers hs x vs pixels, centred, the first from the top left
// corner. A grey picture has luma alone.
type picture struct {
	w, h      int
	y, cb, cr plane
	hs, vs    int
	grey      bool
}

// newPicture is a picture with chroma at half the size (4:2:0), or a grey one.
func newPicture(w, h int, grey bool) picture {
	p := picture{w: w, h: h, y: newPlane(w, h), hs: 2, vs: 2, grey: grey}
	if !grey {
		p.cb, p.cr = newPlane(ceilDiv(w, 2), ceilDiv(h, 2)), newPlane(ceilDiv(w, 2), ceilDiv(h, 2))
	}
	return p
}

// planeBytes is what the planes of a picture with chroma at half the size take.
func planeBytes(w, h int) int64 {
	pixels := int64(w) * int64(h)
	return pixels + 2*int64(ceilDiv(w, 2))*int64(ceilDiv(h, 2))
}

// planes are the components in the order of a JPEG.
func (p *picture) planes() []*plane {
	if p.grey {
		return []*plane{&p.y}
	}
	return []*plane{&p.y, &p.cb, &p.cr}
}

// fromGray takes a grey image's samples as they are, without a copy.
func fromGray(m *image.Gray) (picture, bool) {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	y := plane{m.Pix, m.Stride, w, h}
	return picture{w: w, h: h, y: y, hs: 2, vs: 2, grey: true}, y.isPadded()
}

// fromYCbCr takes an image's planes as they are, without a copy.
func fromYCbCr(m *image.YCbCr) (picture, bool) {
	sub, ok := map[image.YCbCrSubsampleRatio][2]int{
		image.YCbCrSubsampleRatio444: {1, 1},
		image.YCbCrSubsampleRatio440: {1, 2},
		image.YCbCrSubsampleRatio422: {2, 1},
		image.YCbCrSubsampleRatio420: {2, 2},
		image.YCbCrSubsampleRatio411: {4, 1},
		image.YCbCrSubsampleRatio410: {4, 2},
	}[m.SubsampleRatio]
	w, h := m.Rect.Dx(), m.Rect.Dy()
	if !ok || m.Rect.Min != (image.Point{}) {
		return picture{}, false
	}
	cw, ch := ceilDiv(w, sub[0]), ceilDiv(h, sub[1])
	p := picture{
		w: w, h: h, hs: sub[0], vs: sub[1],
		y:  plane{m.Y, m.YStride, w, h},
		cb: plane{m.Cb, m.CStride, cw, ch},
		cr: plane{m.Cr, m.CStride, cw, ch},
	}
	return p, p.y.isPadded() && p.cb.isPadded() && p.cr.isPadded()
}

// toImage shows a 4:2:0 or grey picture to the packages that take an image.
func (p *picture) toImage() image.Image {
	rect := image.Rect(0, 0, p.w, p.h)
	if p.grey {
		return &image.Gray{Pix: p.y.pix, Stride: p.y.stride, Rect: rect}
	}
	return &image.YCbCr{
		Y: p.y.pix, Cb: p.cb.pix, Cr: p.cr.pix, YStride: p.y.stride, CStride: p.cb.stride,
		SubsampleRatio: image.YCbCrSubsampleRatio420, Rect: rect,
	}
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
