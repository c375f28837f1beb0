package goimaging

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"image"
	"image/color"
)

// tiffFile is a way to store a TIFF.
type tiffFile struct {
	name        string
	bits        int
	photometric int // 0 is RGB here, unless grey says that it is WhiteIsZero
	grey        bool
	compression int // 0 is none
	claims      int // a compression that is said and not done
	predictor   bool
	planar      bool
	big         bool // the byte order
	tile        int  // side; 0 for strips
	rows        int  // a strip; 0 for all
	alpha       int  // 1 associated, 2 not; 0 for none
	orientation int
	dirFirst    bool // before the pixels, so that a cut file lacks pixels
	width       uint32
	height      uint32
	extra       []tiffTag
}

type tiffTag struct {
	tag, kind uint16
	values    []uint32
}

// tiffForms are the ways that programs use.
var tiffForms = []tiffFile{
	{name: "plain", bits: 8},
	{name: "of the other byte order", bits: 8, big: true},
	{name: "in strips", bits: 8, rows: 7},
	{name: "LZW with differences", bits: 8, rows: 16, compression: tiffLZW, predictor: true},
	{name: "deflated", bits: 8, rows: 16, compression: tiffDeflate},
	{name: "deflated of 16 bits with differences", bits: 16, rows: 5, compression: tiffDeflateOld, predictor: true},
	{name: "of 16 bits, the other byte order, with differences", bits: 16, big: true, predictor: true},
	{name: "packed", bits: 8, rows: 3, compression: tiffPackBits},
	{name: "in tiles", bits: 8, tile: 64},
	{name: "in tiles, LZW, 16 bits", bits: 16, tile: 32, compression: tiffLZW, predictor: true},
	{name: "in planes", bits: 8, planar: true, rows: 9},
	{name: "in planes and tiles of 16 bits", bits: 16, planar: true, tile: 48, predictor: true},
	{name: "CMYK", bits: 8, photometric: tiffCMYK},
	{name: "CMYK of 16 bits in planes", bits: 16, photometric: tiffCMYK, planar: true},
	{name: "grey", bits: 8, photometric: tiffBlackIsZero, grey: true},
	{name: "grey of 16 bits", bits: 16, photometric: tiffBlackIsZero, grey: true, big: true},
	{name: "grey from white", bits: 8, photometric: tiffWhiteIsZero, grey: true},
	{name: "with a palette", bits: 8, photometric: tiffPalette},
	{name: "with a palette of 4 bits", bits: 4, photometric: tiffPalette},
	{name: "with alpha", bits: 8, alpha: 2},
}

// sampled are the samples of each pixel, 8 bits each.
func (f tiffFile) sampled(m *image.RGBA) (pixels [][]byte) {
	for y := range m.Rect.Dy() {
		for x := range m.Rect.Dx() {
			c := m.RGBAAt(x, y)
			v := []byte{c.R, c.G, c.B}
			luma := color.GrayModel.Convert(c).(color.Gray).Y
			switch {
			case f.photometric == tiffCMYK:
				v = []byte{255 - c.R, 255 - c.G, 255 - c.B, 0}
			case f.photometric == tiffPalette:
				for i, p := range patchColours {
					if p == c {
						v = []byte{byte(i)}
					}
				}
				v = v[:1]
			case f.grey && f.photometric == tiffBlackIsZero:
				v = []byte{luma}
			case f.grey:
				v = []byte{255 - luma}
			case f.alpha != 0:
				v = append(v, 255)
			}
			pixels = append(pixels, v)
		}
	}
	return pixels
}

func (f tiffFile) order() binary.AppendByteOrder {
	if f.big {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// encode stores m.
func (f tiffFile) encode(m *image.RGBA) []byte {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	pixels := f.sampled(m)
	samples := 3
	if len(pixels) > 0 {
		samples = len(pixels[0])
	}
	bw, bh := w, f.rows
	if bh == 0 {
		bh = max(h, 1)
	}
	if f.tile > 0 {
		bw, bh = f.tile, f.tile
	}
	planes := [][]int{nil}
	for i := range samples {
		planes[0] = append(planes[0], i)
	}
	if f.planar {
		planes = nil
		for i := range samples {
			planes = append(planes, []int{i})
		}
	}
	var blocks [][]byte
	for _, plane := range planes {
		for y := 0; y < h; y += bh {
			for x := 0; x < max(w, 1); x += max(bw, 1) {
				rows := bh
				if f.tile == 0 {
					rows = min(bh, h-y)
				}
				blocks = append(blocks, f.block(pixels, plane, image.Rect(x, y, x+bw, y+rows), w, h))
			}
		}
	}
	return f.assemble(w, h, samples, bw, bh, blocks)
}

func (f tiffFile) block(pixels [][]byte, plane []int, r image.Rectangle, w, h int) []byte {
	var raw []byte
	for y := r.Min.Y; y < r.Max.Y; y++ {
		var row []uint16
		for x := r.Min.X; x < r.Max.X; x++ {
			for _, s := range plane {
				v := uint16(0)
				if x < w && y < h {
					v = uint16(pixels[y*w+x][s])
				}
				if f.bits == 16 {
					v *= 257
				}
				row = append(row, v)
			}
		}
		if f.predictor {
			for i := len(row) - 1; i >= len(plane); i-- {
				row[i] -= row[i-len(plane)]
			}
		}
		raw = append(raw, f.pack(row)...)
	}
	return f.compress(raw)
}

func (f tiffFile) pack(row []uint16) (out []byte) {
	for i, v := range row {
		switch f.bits {
		case 16:
			out = f.order().AppendUint16(out, v)
		case 4:
			if i%2 == 0 {
				out = append(out, byte(v<<4))
			} else {
				out[len(out)-1] |= byte(v)
			}
		default:
			out = append(out, byte(v))
		}
	}
	return out
}

func (f tiffFile) compress(raw []byte) []byte {
	var b bytes.Buffer
	switch f.compression {
	case tiffLZW:
		return lzwLiterals(raw)
	case tiffDeflate, tiffDeflateOld:
		z := zlib.NewWriter(&b)
		_, _ = z.Write(raw) // a bytes.Buffer takes everything
		_ = z.Close()
		return b.Bytes()
	case tiffPackBits:
		for len(raw) > 0 {
			n := 1
			for n < min(128, len(raw)) && raw[n] == raw[0] {
				n++
			}
			if n > 1 {
				b.Write([]byte{byte(1 - n), raw[0]})
			} else {
				b.Write([]byte{0x80, 0, raw[0]}) // nothing, then one byte as it is
			}
			raw = raw[n:]
		}
		return b.Bytes()
	default:
		return raw
	}
}

// lzwLiterals is TIFF's LZW without a code for more than a byte: it clears the
// table before the codes grow.
func lzwLiterals(raw []byte) []byte {
	var out []byte
	var bits, n uint
	put := func(code uint) {
		bits, n = bits<<9|code, n+9
		for n >= 8 {
			out = append(out, byte(bits>>(n-8)))
			n -= 8
		}
		bits &= 1<<n - 1
	}
	for i, v := range raw {
		if i%200 == 0 {
			put(256)
		}
		put(uint(v))
	}
	put(257)
	put(0)
	return out
}

func (f tiffFile) assemble(w, h, samples, bw, bh int, blocks [][]byte) []byte {
	tags := f.tags(w, h, samples, bw, bh, len(blocks))
	size := len(f.directory(tags, 8))
	at := 8 + size
	if !f.dirFirst {
		at = 8
	}
	var offsets, sizes []uint32
	var data []byte
	for _, b := range blocks {
		offsets, sizes = append(offsets, uint32(at+len(data))), append(sizes, uint32(len(b)))
		data = append(data, b...)
	}
	for i := range tags {
		switch tags[i].tag {
		case tiffStripOffsets, tiffTileOffsets:
			tags[i].values = offsets
		case tiffStripBytes, tiffTileBytes:
			tags[i].values = sizes
		}
	}
	head := []byte("II*\x00")
	if f.big {
		head = []byte("MM\x00*")
	}
	if f.dirFirst {
		return join(f.order().AppendUint32(head, 8), f.directory(tags, 8), data)
	}
	return join(f.order().AppendUint32(head, uint32(8+len(data))), data, f.directory(tags, 8+len(data)))
}

func (f tiffFile) tags(w, h, samples, bw, bh, blocks int) []tiffTag {
	photometric, compression, bits := f.photometric, max(f.compression, 1), make([]uint32, samples)
	if photometric == 0 && !f.grey {
		photometric = tiffRGB
	}
	if f.claims != 0 {
		compression = f.claims
	}
	for i := range bits {
		bits[i] = uint32(f.bits)
	}
	width, height := uint32(w), uint32(h)
	if f.width != 0 {
		width, height = f.width, f.height
	}
	short := func(tag uint16, v int) tiffTag { return tiffTag{tag, 3, []uint32{uint32(v)}} }
	places := make([]uint32, blocks)
	tags := []tiffTag{
		{tiffWidth, 4, []uint32{width}},
		{tiffHeight, 4, []uint32{height}},
		{tiffBits, 3, bits},
		short(tiffCompression, compression),
		short(tiffPhotometric, photometric),
	}
	strips := []tiffTag{{tiffStripOffsets, 4, places}, short(tiffSamples, samples), short(tiffRowsPerStrip, bh), {tiffStripBytes, 4, places}}
	if f.tile > 0 {
		strips = []tiffTag{short(tiffSamples, samples)}
	}
	tags = append(tags, strips...)
	if f.orientation > 0 {
		tags = append(tags, short(tiffOrientation, f.orientation))
	}
	if f.planar {
		tags = append(tags, short(tiffPlanar, 2))
	}
	if f.predictor {
		tags = append(tags, short(tiffPredictor, 2))
	}
	if f.photometric == tiffPalette {
		tags = append(tags, tiffTag{tiffColourMap, 3, f.palette()})
	}
	if f.tile > 0 {
		tags = append(tags, short(tiffTileWidth, bw), short(tiffTileHeight, bh), tiffTag{tiffTileOffsets, 4, places}, tiffTag{tiffTileBytes, 4, places})
	}
	if f.alpha > 0 {
		tags = append(tags, short(tiffExtraSamples, f.alpha))
	}
	return append(tags, f.extra...)
}

func (f tiffFile) palette() []uint32 {
	n := 1 << f.bits
	out := make([]uint32, 3*n)
	for i, c := range patchColours {
		out[i], out[n+i], out[2*n+i] = uint32(c.R)*257, uint32(c.G)*257, uint32(c.B)*257
	}
	return out
}

// directory is a directory at off, with the values that do not fit behind it.
func (f tiffFile) directory(tags []tiffTag, off int) []byte {
	o := f.order()
	out := o.AppendUint16(nil, uint16(len(tags)))
	behind := off + 2 + 12*len(tags) + 4
	var values []byte
	for _, t := range tags {
		var raw []byte
		for _, v := range t.values {
			switch t.kind {
			case 3:
				raw = o.AppendUint16(raw, uint16(v))
			case 4:
				raw = o.AppendUint32(raw, v)
			default:
				raw = append(raw, byte(v))
			}
		}
		out = o.AppendUint16(o.AppendUint16(out, t.tag), t.kind)
		out = o.AppendUint32(out, uint32(len(t.values)))
		if len(raw) <= 4 {
			out = append(out, append(raw, 0, 0, 0, 0)[:4]...)
			continue
		}
		out = o.AppendUint32(out, uint32(behind+len(values)))
		values = append(values, raw...)
	}
	return append(append(out, 0, 0, 0, 0), values...)
}
