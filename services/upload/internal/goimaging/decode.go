package goimaging

import (
	"context"
	"image/gif"
	"image/png"
	"io"

	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// decode is the picture as stored, before orientation. The decoders are called
// by name: jpegn registers itself as "jpeg", so image.Decode would depend on who
// imports what.
func decode(ctx context.Context, src ingest.Source, h header) (picture, error) {
	switch h.Format {
	case formatJPEG:
		return decodeJPEG(ctx, src, h)
	case formatPNG:
		m, err := png.Decode(newStream(ctx, src, extent{0, src.Size}))
		if err != nil {
			return picture{}, err
		}
		return fromImage(ctx, m)
	case formatGIF:
		return decodeGIF(ctx, src, h)
	case formatBMP:
		return decodeBMP(ctx, src, h)
	case formatHEIF:
		return decodeHEIF(ctx, src, h)
	case formatTIFF, formatRAF, formatCR3:
		if h.inner.size > 0 {
			return decodeJPEG(ctx, within(src, h.inner), h)
		}
		return decodeTIFF(ctx, src, h)
	default:
		return decodeWebP(ctx, src, h)
	}
}

// decodeGIF puts the first frame on a white canvas.
func decodeGIF(ctx context.Context, src ingest.Source, h header) (picture, error) {
	m, err := gif.Decode(newStream(ctx, src, extent{0, src.Size}))
	if err != nil {
		return picture{}, err
	}
	row, frame := rgbRows(m), m.Bounds()
	p := newPicture(h.Width, h.Height, false)
	return p, fillColour(ctx, p, func(y int, out []byte) {
		for i := range out {
			out[i] = 255
		}
		if y >= frame.Min.Y && y < frame.Max.Y {
			row(y-frame.Min.Y, out[3*frame.Min.X:3*frame.Max.X])
		}
	})
}

// streamBytes is the most that a stream gives at once: a decoder that a hostile
// file keeps busy asks for more often enough to be stopped within milliseconds.
const streamBytes = 512

// stream reads a stretch of a source for a decoder, checking the context.
type stream struct {
	ctx  context.Context
	src  ingest.Source
	rest extent
	buf  []byte // read and not yet given
	mem  []byte
}

func newStream(ctx context.Context, src ingest.Source, e extent) *stream {
	return &stream{ctx: ctx, src: src, rest: e, mem: make([]byte, min(windowBytes, e.size))}
}

func (s *stream) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	if len(s.buf) == 0 {
		if s.rest.size == 0 {
			return 0, io.EOF
		}
		s.buf = s.mem[:min(int64(len(s.mem)), s.rest.size)]
		if err := readFullAt(s.src, s.buf, s.rest.off); err != nil {
			return 0, err
		}
		s.rest.off += int64(len(s.buf))
		s.rest.size -= int64(len(s.buf))
	}
	n := copy(p[:min(len(p), streamBytes)], s.buf)
	s.buf = s.buf[n:]
	return n, nil
}

// file is a stretch of a source for jpegn, which takes a file as a whole and
// asks for its length first, so that it allocates once.
type file struct {
	ctx context.Context
	src ingest.Source
	extent
}

func newFile(ctx context.Context, src ingest.Source, e extent) *file { return &file{ctx, src, e} }

// Len is how many bytes are left.
func (f *file) Len() int { return int(f.size) }

func (f *file) Read(p []byte) (int, error) {
	if err := f.ctx.Err(); err != nil {
		return 0, err
	}
	if f.size == 0 {
		return 0, io.EOF
	}
	const most = 1 << 20
	p = p[:min(int64(len(p)), f.size, most)]
	if err := readFullAt(f.src, p, f.off); err != nil {
		return 0, err
	}
	f.off += int64(len(p))
	f.size -= int64(len(p))
	return len(p), nil
}
