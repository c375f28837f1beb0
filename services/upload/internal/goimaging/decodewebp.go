package goimaging

import (
	"bytes"
	"context"
	"encoding/binary"
	"image"
	"io"

	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
	"golang.org/x/image/webp"
)

// decodeWebP decodes the still picture, out of a file made for it: the decoder
// knows no animations, and refuses files whose extended header announces what is
// not there.
func decodeWebP(ctx context.Context, src ingest.Source, h header) (picture, error) {
	m, err := webp.Decode(stillWebP(ctx, src, h.webp))
	if err != nil {
		return picture{}, err
	}
	p, err := fromWebP(ctx, m)
	if err != nil || p.w == h.Width && p.h == h.Height {
		return p, err
	}
	return onCanvas(p, h), nil
}

// stillWebP is a WebP file of the frame's chunks alone.
func stillWebP(ctx context.Context, src ingest.Source, f webpFrame) io.Reader {
	var chunks []io.Reader
	size := uint32(4)
	add := func(kind string, body io.Reader, n int64) {
		head := binary.LittleEndian.AppendUint32([]byte(kind), uint32(n))
		chunks = append(chunks, bytes.NewReader(head), body, bytes.NewReader(make([]byte, n&1)))
		size += riffChunkBytes + uint32(n+n&1)
	}
	if f.alpha.size > 0 {
		canvas := make([]byte, vp8xBytes)
		canvas[0] = vp8xAlpha
		putUint24(canvas[4:], f.width-1)
		putUint24(canvas[7:], f.height-1)
		add("VP8X", bytes.NewReader(canvas), vp8xBytes)
		add("ALPH", newStream(ctx, src, f.alpha), f.alpha.size)
	}
	kind := "VP8 "
	if f.lossless {
		kind = "VP8L"
	}
	add(kind, newStream(ctx, src, f.pixels), f.pixels.size)
	head := binary.LittleEndian.AppendUint32([]byte("RIFF"), size)
	return io.MultiReader(append([]io.Reader{bytes.NewReader(append(head, "WEBP"...))}, chunks...)...)
}

func putUint24(b []byte, v int) { b[0], b[1], b[2] = byte(v), byte(v>>8), byte(v>>16) }

// fromWebP makes a picture of the decoder's result.
func fromWebP(ctx context.Context, m image.Image) (picture, error) {
	switch m := m.(type) {
	case *image.YCbCr:
		expandRange(m)
		return fromImage(ctx, m)
	case *image.NYCbCrA:
		expandRange(&m.YCbCr)
		p, err := fromImage(ctx, &m.YCbCr)
		if err == nil {
			p.layOnWhite(m.A, m.AStride)
		}
		return p, err
	default:
		return fromImage(ctx, m)
	}
}

// expandRange makes the limited range of VP8 (luma 16 to 235) the full one that
// image.YCbCr stands for. Without it a picture looks washed out.
func expandRange(m *image.YCbCr) {
	var luma, chroma [256]byte
	for i := range int32(256) {
		luma[i] = clampByte(((i-16)*255 + 109) / 219)
		chroma[i] = clampByte(128 + roundDiv((i-128)*255, 224))
	}
	for i, v := range m.Y {
		m.Y[i] = luma[v]
	}
	for _, plane := range [][]byte{m.Cb, m.Cr} {
		for i, v := range plane {
			plane[i] = chroma[v]
		}
	}
}

func roundDiv(a, b int32) int32 {
	if a < 0 {
		return -((-a + b/2) / b)
	}
	return (a + b/2) / b
}

// layOnWhite lays a 4:2:0 picture on white through alpha, one for each pixel.
func (p *picture) layOnWhite(alpha []byte, stride int) {
	for y := range p.h {
		row := p.y.row(y)
		for x, a := range alpha[y*stride:][:p.w] {
			row[x] = blend(row[x], 255, a)
		}
	}
	for y := range p.cb.h {
		upper := alpha[2*y*stride:][:p.w]
		lower := alpha[min(2*y+1, p.h-1)*stride:][:p.w]
		cb, cr := p.cb.row(y), p.cr.row(y)
		for x := range cb {
			a, b := 2*x, min(2*x+1, p.w-1)
			mean := byte((int(upper[a]) + int(upper[b]) + int(lower[a]) + int(lower[b]) + 2) / 4)
			cb[x], cr[x] = blend(cb[x], 128, mean), blend(cr[x], 128, mean)
		}
	}
}

// onCanvas puts the first frame of an animation on its canvas. Frames lie at
// even places, so that their chroma does, too.
func onCanvas(p picture, h header) picture {
	canvas := newPicture(h.Width, h.Height, false)
	canvas.y.fill(255)
	canvas.cb.fill(128)
	canvas.cr.fill(128)
	for i, from := range p.planes() {
		x, y := h.webp.x, h.webp.y
		if i > 0 {
			x, y = x/2, y/2
		}
		to := canvas.planes()[i]
		for row := range from.h {
			copy(to.row(y + row)[x:], from.row(row))
		}
	}
	return canvas
}
