package goimaging

import (
	"bufio"
	"compress/zlib"
	"context"
	"errors"
	"io"

	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
	"golang.org/x/image/ccitt"
	"golang.org/x/image/tiff/lzw"
)

// decodeTIFF reads the pixels row by row, so that it holds no more of them than
// a row of tiles. golang.org/x/image/tiff, whose decompressors it uses, holds
// the picture several times over, and knows neither CMYK nor separate planes.
func decodeTIFF(ctx context.Context, src ingest.Source, h header) (picture, error) {
	r := &tiffRows{ctx: ctx, src: src, t: h.tiff, width: h.Width, height: h.Height}
	r.samples = make([]byte, h.Width*h.tiff.samples)
	p := newPicture(h.Width, h.Height, h.tiff.colours() == 1 && h.tiff.photometric != tiffPalette && h.tiff.samples == 1)
	if p.grey {
		for y := range p.h {
			r.grey(y, p.y.row(y))
		}
		return p, r.err
	}
	if err := fillColour(ctx, p, r.rgb); err != nil {
		return p, err
	}
	return p, r.err
}

// tiffRows reads the rows of a TIFF from the first to the last. After an error
// they are black.
type tiffRows struct {
	ctx           context.Context
	src           ingest.Source
	t             tiffHeader
	width, height int
	samples       []byte   // of a row, 8 bits each, those of a pixel together
	bands         [][]byte // the row of tiles, or the row of a strip, that is read; one for each plane
	strips        []io.Reader
	err           error
}

// row brings samples to row y.
func (r *tiffRows) row(y int) {
	if r.err == nil && y%rowsPerCheck == 0 {
		r.err = r.ctx.Err()
	}
	planes := 1
	if r.t.planar {
		planes = r.t.samples
	}
	for plane := 0; plane < planes && r.err == nil; plane++ {
		row, err := r.planeRow(plane, y)
		if err != nil {
			r.err = err
			return
		}
		r.unpack(row, plane)
	}
}

// planeRow is row y of a plane, as bytes of the file.
func (r *tiffRows) planeRow(plane, y int) ([]byte, error) {
	if r.bands == nil {
		r.bands, r.strips = make([][]byte, r.t.samples), make([]io.Reader, r.t.samples)
	}
	if r.t.tiled {
		return r.tileRow(plane, y)
	}
	size := int(r.t.rowBytes(r.width))
	if y%r.t.blockHeight == 0 {
		rows := min(r.t.blockHeight, r.height-y)
		strip, err := r.open(plane, y/r.t.blockHeight, r.width, rows)
		if err != nil {
			return nil, err
		}
		r.strips[plane], r.bands[plane] = strip, make([]byte, size)
	}
	if _, err := io.ReadFull(r.strips[plane], r.bands[plane]); err != nil {
		return nil, endsEarly(err)
	}
	r.undoPredictor(r.bands[plane])
	return r.bands[plane], nil
}

// tileRow is row y of a plane that is stored in tiles; those beside each other
// are read together.
func (r *tiffRows) tileRow(plane, y int) ([]byte, error) {
	size := int(r.t.rowBytes(r.t.blockWidth))
	stride := size * r.t.across
	if y%r.t.blockHeight == 0 {
		if r.bands[plane] == nil {
			r.bands[plane] = make([]byte, stride*r.t.blockHeight)
		}
		for x := range r.t.across {
			tile, err := r.open(plane, y/r.t.blockHeight*r.t.across+x, r.t.blockWidth, r.t.blockHeight)
			if err != nil {
				return nil, err
			}
			for line := range min(r.t.blockHeight, r.height-y) {
				row := r.bands[plane][line*stride+x*size:][:size]
				if _, err := io.ReadFull(tile, row); err != nil {
					return nil, endsEarly(err)
				}
				r.undoPredictor(row)
			}
		}
	}
	return r.bands[plane][y%r.t.blockHeight*stride:][:stride], nil
}

// endsEarly makes of the end of the pixels what it is: damage.
func endsEarly(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// open is what a strip or tile of a plane holds, decompressed.
func (r *tiffRows) open(plane, index, width, height int) (io.Reader, error) {
	if r.t.planar {
		index += plane * (len(r.t.blocks) / r.t.samples)
	}
	raw := newStream(r.ctx, r.src, r.t.blocks[index])
	switch r.t.compression {
	case tiffLZW:
		return lzw.NewReader(raw, lzw.MSB, 8), nil
	case tiffDeflate, tiffDeflateOld:
		return zlib.NewReader(raw)
	case tiffPackBits:
		return &packBits{r: bufio.NewReader(raw)}, nil
	case tiffGroup3, tiffGroup4:
		format := ccitt.Group3
		if r.t.compression == tiffGroup4 {
			format = ccitt.Group4
		}
		order := ccitt.MSB
		if r.t.fillOrder == 2 {
			order = ccitt.LSB
		}
		return ccitt.NewReader(raw, order, format, width, height, &ccitt.Options{Invert: r.t.photometric == tiffWhiteIsZero}), nil
	default:
		return raw, nil
	}
}

// undoPredictor makes samples of their differences to those on the left.
func (r *tiffRows) undoPredictor(row []byte) {
	if r.t.predictor != 2 {
		return
	}
	step := r.t.samples
	if r.t.planar {
		step = 1
	}
	if r.t.bits == 8 {
		for i := step; i < len(row); i++ {
			row[i] += row[i-step]
		}
		return
	}
	for i := 2 * step; i+1 < len(row); i += 2 {
		r.t.order.PutUint16(row[i:], r.t.order.Uint16(row[i:])+r.t.order.Uint16(row[i-2*step:]))
	}
}

// unpack puts the samples of a row in their places, 8 bits of each.
func (r *tiffRows) unpack(row []byte, plane int) {
	step, perPixel := r.t.samples, r.t.samples
	if r.t.planar {
		perPixel = 1
	}
	out := r.samples[plane:]
	switch {
	case r.t.bits == 8 && perPixel == step:
		copy(r.samples, row)
	case r.t.bits == 8:
		for x := range r.width {
			out[x*step] = row[x]
		}
	case r.t.bits == 16:
		for i := range r.width * perPixel {
			at := i
			if perPixel == 1 {
				at = i * step
			}
			out[at] = byte(r.t.order.Uint16(row[2*i:]) >> 8)
		}
	default:
		r.unpackBits(row)
	}
}

// unpackBits spreads samples of less than 8 bits: grey ones over the whole
// range, indices as they are.
func (r *tiffRows) unpackBits(row []byte) {
	most, scale := byte(1)<<r.t.bits-1, byte(1)
	if r.t.photometric != tiffPalette {
		scale = 255 / most
	}
	for x := range r.width {
		bit := x * r.t.bits
		r.samples[x] = row[bit/8] >> (8 - r.t.bits - bit%8) & most * scale
	}
}

func (r *tiffRows) grey(y int, out []byte) {
	r.row(y)
	copy(out, r.samples)
	if r.t.photometric == tiffWhiteIsZero {
		for x := range out {
			out[x] = 255 - out[x]
		}
	}
}

// rgb is a row as red, green and blue, on white.
func (r *tiffRows) rgb(y int, out []byte) {
	r.row(y)
	colours, step := r.t.colours(), r.t.samples
	for x := range r.width {
		c, to := r.samples[x*step:][:step], out[3*x:][:3]
		switch {
		case r.t.photometric == tiffPalette:
			n := len(r.t.palette) / 3
			for i := range to {
				to[i] = byte(r.t.palette[i*n+int(c[0])] >> 8)
			}
			continue
		case r.t.photometric == tiffCMYK:
			inksToRGB(to, c)
			continue
		case colours == 1:
			v := c[0]
			if r.t.photometric == tiffWhiteIsZero {
				v = 255 - v
			}
			to[0], to[1], to[2] = v, v, v
		default:
			copy(to, c)
		}
		if step > colours {
			r.layOnWhite(to, c[colours])
		}
	}
}

// layOnWhite goes by what the first extra sample is: 1 is alpha that colours
// are multiplied with, 2 is alpha beside them, and 0 means nothing.
func (r *tiffRows) layOnWhite(rgb []byte, alpha byte) {
	for i, v := range rgb {
		switch r.t.alpha {
		case 1:
			rgb[i] = byte(min(255, int(v)+255-int(alpha)))
		case 2:
			rgb[i] = onWhite(v, alpha)
		}
	}
}

// packBits reads Apple's run lengths.
type packBits struct {
	r     *bufio.Reader
	left  int // of the run
	value byte
	plain bool // the run is of bytes as they are
}

func (p *packBits) Read(out []byte) (int, error) {
	for i := range out {
		for p.left == 0 {
			b, err := p.r.ReadByte()
			if err != nil {
				return i, err
			}
			if err := p.begin(int8(b)); err != nil {
				return i, err
			}
		}
		if p.plain {
			b, err := p.r.ReadByte()
			if err != nil {
				return i, err
			}
			p.value = b
		}
		out[i] = p.value
		p.left--
	}
	return len(out), nil
}

func (p *packBits) begin(n int8) (err error) {
	switch {
	case n >= 0:
		p.left, p.plain = int(n)+1, true
	case n != -128:
		p.left, p.plain = 1-int(n), false
		p.value, err = p.r.ReadByte()
	}
	return err
}
