package goimaging

import (
	"encoding/binary"
	"slices"
)

// The TIFF tags that matter here (TIFF 6.0; those of raw files in DNG 1.7).
const (
	tiffSubfile       = 254
	tiffWidth         = 256
	tiffHeight        = 257
	tiffBits          = 258
	tiffCompression   = 259
	tiffPhotometric   = 262
	tiffFillOrder     = 266
	tiffStripOffsets  = 273
	tiffOrientation   = 274
	tiffSamples       = 277
	tiffRowsPerStrip  = 278
	tiffStripBytes    = 279
	tiffPlanar        = 284
	tiffT4Options     = 292
	tiffPredictor     = 317
	tiffColourMap     = 320
	tiffTileWidth     = 322
	tiffTileHeight    = 323
	tiffTileOffsets   = 324
	tiffTileBytes     = 325
	tiffSubDirs       = 330
	tiffInkSet        = 332
	tiffExtraSamples  = 338
	tiffSampleFormat  = 339
	tiffPreviewOffset = 513
	tiffPreviewBytes  = 514
	tiffProfile       = 34675
	tiffDNGVersion    = 50706
)

// The limits of a directory. Cameras write some 60 entries.
const (
	tiffMaxEntries = 1000
	tiffMaxValues  = 1 << 20 // of one entry: strips or tiles
	tiffMaxSmall   = 16      // values of an entry that does not grow with the picture
)

// tiffEntry is where the values of a tag are.
type tiffEntry struct {
	kind  uint16 // 1 byte, 3 short, 4 long
	count uint32
	off   int64 // of the values in the file
}

// tiffDir is a directory of a TIFF file.
type tiffDir struct {
	w       *window
	order   binary.ByteOrder
	entries map[uint16]tiffEntry
}

// tiffKinds are the bytes of the types that hold whole numbers; 7 is the type
// of bytes that have a meaning of their own, such as a profile.
var tiffKinds = map[uint16]int64{1: 1, 3: 2, 4: 4, 7: 1, 13: 4}

// tiffOrder reads the byte order and the place of the first directory. Some
// cameras write a number of their own instead of 42.
func tiffOrder(w *window) (binary.ByteOrder, int64, error) {
	b, err := w.at(0, 8)
	if err != nil {
		return nil, 0, err
	}
	var order binary.ByteOrder = binary.LittleEndian
	if b[0] == 'M' {
		order = binary.BigEndian
	}
	return order, int64(order.Uint32(b[4:])), nil
}

// tiffDirAt reads the directory at off.
func tiffDirAt(w *window, order binary.ByteOrder, off int64) (tiffDir, error) {
	d := tiffDir{w: w, order: order, entries: map[uint16]tiffEntry{}}
	b, err := w.at(off, 2)
	if err != nil {
		return d, err
	}
	n := int(order.Uint16(b))
	if n == 0 || n > tiffMaxEntries {
		return d, corrupt("a directory of %d entries at %d", n, off)
	}
	b, err = w.at(off+2, 12*n)
	if err != nil {
		return d, err
	}
	for i := range n {
		e := b[12*i:]
		entry := tiffEntry{kind: order.Uint16(e[2:]), count: order.Uint32(e[4:]), off: off + 2 + 12*int64(i) + 8}
		if tiffKinds[entry.kind]*int64(entry.count) > 4 {
			entry.off = int64(order.Uint32(e[8:]))
		}
		d.entries[order.Uint16(e)] = entry
	}
	return d, nil
}

func (d tiffDir) has(tag uint16) bool { return d.entries[tag].count > 0 }

// values are the numbers of a tag, at most the given count; nothing where there
// are none.
func (d tiffDir) values(tag uint16, most int) ([]uint32, error) {
	e := d.entries[tag]
	size := tiffKinds[e.kind]
	n := min(int(e.count), most)
	if size == 0 || n <= 0 {
		return nil, nil
	}
	raw, err := d.w.read(extent{e.off, size * int64(n)})
	if err != nil {
		return nil, err
	}
	out := make([]uint32, n)
	for i := range out {
		switch size {
		case 1:
			out[i] = uint32(raw[i])
		case 2:
			out[i] = uint32(d.order.Uint16(raw[2*i:]))
		default:
			out[i] = d.order.Uint32(raw[4*i:])
		}
	}
	return out, nil
}

// first is a tag's first number, or what it is by default.
func (d tiffDir) first(tag uint16, otherwise uint32) uint32 {
	v, err := d.values(tag, 1)
	if err != nil || len(v) == 0 {
		return otherwise
	}
	return v[0]
}

// walkTIFF reads the first directory, which is the first page. A camera's raw
// file is one too, and shows the JPEG that the camera put into it.
func walkTIFF(w *window, limits Limits) (header, error) {
	order, off, err := tiffOrder(w)
	if err != nil {
		return header{}, err
	}
	d, err := tiffDirAt(w, order, off)
	if err != nil {
		return header{}, err
	}
	if raw, err := d.raw(); err != nil || raw != "" {
		return walkRaw(d, raw, limits, err)
	}
	h := header{}
	h.Orientation, h.Frames = d.orientation(), 1
	h.Width, h.Height = int(d.first(tiffWidth, 0)), int(d.first(tiffHeight, 0))
	if err := limits.checkSize(h.Width, h.Height); err != nil {
		return header{}, err
	}
	if err := h.tiff.read(d, h.Width, h.Height); err != nil {
		return header{}, err
	}
	if h.tiff.unsupported() {
		h.Unavailable = true
		return h, nil
	}
	if e := d.entries[tiffProfile]; tiffKinds[e.kind] == 1 {
		h.profile = profile{parts: []extent{{e.off, int64(e.count)}}}
	}
	h.MemoryBytes = h.tiff.memory(h.Width) + planeBytes(h.Width, h.Height) + workBytes(h.Width, h.Height)
	return h, nil
}

func (d tiffDir) orientation() int {
	if v := d.first(tiffOrientation, 1); v >= 1 && v <= 8 {
		return int(v)
	}
	return 1
}

// tiffHeader is what decoding a TIFF needs beside the probe.
type tiffHeader struct {
	order       binary.ByteOrder
	bits        int // of a sample
	samples     int // of a pixel
	uneven      bool
	photometric uint32
	compression uint32
	predictor   uint32
	alpha       uint32 // the kind of the first extra sample
	inkSet      uint32
	format      uint32
	fillOrder   uint32
	t4          uint32
	planar      bool
	palette     []uint32
	blockWidth  int // of a strip or tile
	blockHeight int
	across      int // blocks beside each other
	tiled       bool
	blocks      []extent
}

// read takes the fields of a directory, and checks what would make nonsense of
// them.
func (t *tiffHeader) read(d tiffDir, width, height int) error {
	bits, err := d.values(tiffBits, tiffMaxSmall)
	if err != nil {
		return err
	}
	if len(bits) == 0 {
		bits = []uint32{1}
	}
	t.order, t.bits, t.samples = d.order, int(bits[0]), int(d.first(tiffSamples, uint32(len(bits))))
	t.uneven = slices.ContainsFunc(bits, func(b uint32) bool { return b != bits[0] })
	if t.bits == 0 || t.bits > 64 || t.samples == 0 || t.samples > tiffMaxSmall {
		return corrupt("%d samples of %d bits", t.samples, t.bits)
	}
	t.photometric, t.compression = d.first(tiffPhotometric, tiffBlackIsZero), d.first(tiffCompression, tiffPlain)
	t.predictor, t.alpha = d.first(tiffPredictor, 1), d.first(tiffExtraSamples, 0)
	t.inkSet, t.format = d.first(tiffInkSet, 1), d.first(tiffSampleFormat, 1)
	t.fillOrder, t.t4 = d.first(tiffFillOrder, 1), d.first(tiffT4Options, 0)
	t.planar = d.first(tiffPlanar, 1) == 2 && t.samples > 1
	if t.photometric == tiffPalette {
		if t.palette, err = d.values(tiffColourMap, 3<<8); err != nil {
			return err
		}
	}
	return t.readBlocks(d, width, height)
}

// readBlocks finds the strips or tiles, all of which must be in the file.
func (t *tiffHeader) readBlocks(d tiffDir, width, height int) error {
	offsets, sizes := uint16(tiffStripOffsets), uint16(tiffStripBytes)
	t.blockWidth, t.blockHeight = width, int(min(d.first(tiffRowsPerStrip, uint32(height)), uint32(height)))
	if d.has(tiffTileWidth) {
		offsets, sizes, t.tiled = tiffTileOffsets, tiffTileBytes, true
		t.blockWidth, t.blockHeight = int(d.first(tiffTileWidth, 0)), int(d.first(tiffTileHeight, 0))
	}
	const mostTile = 1 << 13
	if t.blockWidth < 1 || t.blockHeight < 1 || t.tiled && (min(t.blockWidth, t.blockHeight) < 8 || max(t.blockWidth, t.blockHeight) > mostTile) {
		return corrupt("strips or tiles of %d x %d", t.blockWidth, t.blockHeight)
	}
	t.across = ceilDiv(width, t.blockWidth)
	n := t.across * ceilDiv(height, t.blockHeight)
	if t.planar {
		n *= t.samples
	}
	if n > tiffMaxValues {
		return corrupt("%d strips or tiles", n)
	}
	at, err := d.values(offsets, n)
	if err != nil {
		return err
	}
	lengths, err := d.values(sizes, n)
	if err != nil {
		return err
	}
	if len(at) < n || len(lengths) < n {
		return corrupt("%d strips or tiles where there must be %d", min(len(at), len(lengths)), n)
	}
	t.blocks = make([]extent, n)
	for i := range t.blocks {
		t.blocks[i] = extent{int64(at[i]), int64(lengths[i])}
		if end := t.blocks[i].off + t.blocks[i].size; end > d.w.src.Size {
			return corrupt("it ends at %d, within the pixels up to %d", d.w.src.Size, end)
		}
	}
	return nil
}

// memory is what the blocks that are open at one time take, and their places.
func (t *tiffHeader) memory(width int) int64 {
	const place, reader = 24, 64 << 10 // a place; a decompressor with its window
	total := int64(len(t.blocks))*place + reader*int64(t.samples)
	rows := int64(2)
	if t.tiled {
		rows = int64(t.blockHeight)
	}
	return total + rows*int64(t.across)*t.rowBytes(t.blockWidth)*int64(t.samples) + int64(width)*8
}
