package goimaging

import "errors"

// heifHeader is what decoding a HEIF picture needs beside the probe.
type heifHeader struct {
	av1    bool // else HEVC
	colour heifLayer
	alpha  *heifLayer
	nclx   *nclx // what the samples mean; nil where the file does not say
	nclxAt extent
}

// nclx is how samples become colours (ITU-T H.273).
type nclx struct {
	primaries, transfer, matrix uint64
	full                        bool
}

// heifLayer is a picture of tiles; one that is not divided has one.
type heifLayer struct {
	width, height int
	columns       int
	tileWidth     int
	tileHeight    int
	tiles         []heifTile
}

// heifTile is a coded picture: its bitstream, and how to read it.
type heifTile struct {
	data   extent
	config extent
}

// errHEIFRare: the file is whole, as far as can be seen, and of a form that is
// not decoded here.
var errHEIFRare = errors.New("a rare form of HEIF")

// walkHEIF reads what HEIC and AVIF have in common: a table of items, of which
// one is the picture. Its orientation is in the table; what EXIF says of it is
// for readers that ignore the table, and would turn it twice.
func walkHEIF(w *window, limits Limits) (header, error) {
	f, err := readHEIF(w)
	if err != nil {
		return header{}, err
	}
	h := header{}
	h.Orientation, h.Frames = 1, 1
	h.ContentType, h.Extension = "image/heic", ".heic"
	if f.brand == "avif" || f.brand == "avis" {
		h.ContentType, h.Extension = "image/avif", ".avif"
		if f.moves {
			h.Frames = 2 // or more: they are not decoded here
		}
	}
	if f.motion.size > 0 {
		if h.Motion, err = motionAfter(newWindow(w.ctx, within(w.src, f.motion)), 0); err != nil {
			return header{}, err
		}
		if h.Motion.Length > 0 {
			h.Motion.Offset += f.motion.off
		}
	}
	err = h.readHEIF(f, limits)
	if errors.Is(err, errHEIFRare) {
		h.Unavailable = true
		return h, nil
	}
	if err != nil {
		return header{}, err
	}
	if h.heif.av1 { // whatever the file's brand
		h.ContentType, h.Extension = "image/avif", ".avif"
	}
	h.MemoryBytes = h.heif.memory() + workBytes(h.Width, h.Height)
	if limits.checkMemory(h.MemoryBytes) != nil {
		h.Unavailable, h.MemoryBytes = true, 0
	}
	return h, nil
}

func (h *header) readHEIF(f *heifFile, limits Limits) error {
	item := f.items[f.primary]
	if item == nil {
		return corrupt("no picture among %d items", len(f.items))
	}
	var err error
	if h.Width, h.Height, err = f.size(item); err != nil {
		return err
	}
	if err := limits.checkSize(h.Width, h.Height); err != nil {
		return err
	}
	h.Orientation = f.orientation(item)
	if h.heif.colour, h.heif.av1, err = f.layer(f.primary, limits); err != nil {
		return err
	}
	for _, i := range item.props {
		if i >= 0 && i < len(f.props) && f.props[i].kind == "colr" {
			if err := h.readColour(f.w, f.props[i].body); err != nil {
				return err
			}
		}
	}
	h.Width, h.Height = f.cropped(item, h.Width, h.Height)
	for _, id := range f.auxiliary(f.primary) {
		if aux := f.items[id]; aux != nil && f.isAlpha(aux) {
			alpha, av1, err := f.layer(id, limits)
			if err == nil && av1 == h.heif.av1 && alpha.width == h.heif.colour.width && alpha.height == h.heif.colour.height {
				h.heif.alpha = &alpha
			}
		}
	}
	return nil
}

// size is what an item says of its size.
func (f *heifFile) size(item *heifItem) (width, height int, err error) {
	p, ok := f.prop(item, "ispe")
	if !ok {
		return 0, 0, corrupt("a picture without a size")
	}
	t, err := table(f.w, p.body)
	if err != nil {
		return 0, 0, err
	}
	t.version()
	return int(t.number(4)), int(t.number(4)), nil
}

// orientation is the rotation and then the mirror of an item, as EXIF says it.
func (f *heifFile) orientation(item *heifItem) int {
	read := func(kind string) (byte, bool) {
		p, ok := f.prop(item, kind)
		if !ok {
			return 0, false
		}
		b, err := f.w.at(p.body.off, 1)
		if err != nil || p.body.size < 1 {
			return 0, false
		}
		return b[0] & 3, true
	}
	angle, _ := read("irot")
	axis, mirrored := read("imir")
	switch {
	case !mirrored:
		return [4]int{1, 8, 3, 6}[angle]
	case axis&1 == 0: // top and bottom exchanged
		return [4]int{4, 5, 2, 7}[angle]
	default:
		return [4]int{2, 7, 4, 5}[angle]
	}
}

// cropped is the size without the padding that encoders add at the right and
// the bottom. A crop of another kind is a person's wish, and is not applied.
func (f *heifFile) cropped(item *heifItem, width, height int) (int, int) {
	p, ok := f.prop(item, "clap")
	if !ok || p.body.size < 32 {
		return width, height
	}
	t, err := table(f.w, p.body)
	if err != nil {
		return width, height
	}
	var v [8]int64
	for i := range v {
		v[i] = int64(int32(t.number(4)))
	}
	if v[1] != 1 || v[3] != 1 || v[5] <= 0 || v[7] <= 0 {
		return width, height
	}
	// The offset is of the centres: (w - width) / 2 where only the end is cut.
	fits := func(size int64, full int, off, by int64) bool {
		return size > 0 && size <= int64(full) && 2*off == (size-int64(full))*by
	}
	if fits(v[0], width, v[4], v[5]) && fits(v[2], height, v[6], v[7]) {
		return int(v[0]), int(v[2])
	}
	return width, height
}

// readColour takes a profile, or the meaning of the samples.
func (h *header) readColour(w *window, e extent) error {
	t, err := table(w, extent{e.off, min(e.size, 11)})
	if err != nil {
		return err
	}
	switch t.text(4) {
	case "prof", "rICC":
		h.profile = profile{parts: []extent{{e.off + 4, e.size - 4}}}
	case "nclx":
		h.heif.nclx = &nclx{primaries: t.number(2), transfer: t.number(2), matrix: t.number(2), full: t.number(1)>>7 == 1}
		h.heif.nclxAt = e
	}
	return nil
}

func (f *heifFile) isAlpha(item *heifItem) bool {
	p, ok := f.prop(item, "auxC")
	if !ok || p.body.size > 256 {
		return false
	}
	t, err := table(f.w, p.body)
	if err != nil {
		return false
	}
	t.version()
	name := string(t.b)
	return len(name) > 0 && (name[:len(name)-1] == "urn:mpeg:mpegB:cicp:systems:auxiliary:alpha" || name[:len(name)-1] == "urn:mpeg:hevc:2015:auxid:1")
}

// layer finds the tiles of a picture.
func (f *heifFile) layer(id uint32, limits Limits) (heifLayer, bool, error) {
	item := f.items[id]
	width, height, err := f.size(item)
	if err != nil {
		return heifLayer{}, false, err
	}
	if err := limits.checkSize(width, height); err != nil {
		return heifLayer{}, false, err
	}
	l := heifLayer{width: width, height: height, columns: 1, tileWidth: width, tileHeight: height}
	ids := []uint32{id}
	if item.kind == "grid" {
		ids = f.referred("dimg", id)
		if err := f.grid(&l, item, ids); err != nil {
			return heifLayer{}, false, err
		}
	}
	av1, err := f.tiles(&l, ids)
	return l, av1, err
}

// grid reads the recipe of a picture that is put together from tiles.
func (f *heifFile) grid(l *heifLayer, item *heifItem, ids []uint32) error {
	e, ok, err := f.place(item)
	if err != nil || !ok {
		return errors.Join(err, errHEIFRare)
	}
	t, err := table(f.w, e)
	if err != nil {
		return err
	}
	t.number(1)
	wide := t.number(1)&1 != 0
	rows := int(t.number(1)) + 1
	l.columns = int(t.number(1)) + 1
	width, height := int(t.wide(wide)), int(t.wide(wide))
	if t.short || len(ids) != rows*l.columns || width != l.width || height != l.height {
		return corrupt("a grid of %d x %d with %d tiles, of %d x %d pixels", l.columns, rows, len(ids), width, height)
	}
	first := f.items[ids[0]]
	if first == nil {
		return corrupt("a tile that is not there")
	}
	if l.tileWidth, l.tileHeight, err = f.size(first); err != nil {
		return err
	}
	if l.tileWidth < 1 || l.tileHeight < 1 || l.tileWidth*l.columns < width || l.tileHeight*rows < height ||
		l.tileWidth*(l.columns-1) >= width || l.tileHeight*(rows-1) >= height {
		return corrupt("%d x %d tiles of %d x %d", l.columns, rows, l.tileWidth, l.tileHeight)
	}
	if len(ids) > 1 && (l.tileWidth%2 != 0 || l.tileHeight%2 != 0) {
		return errHEIFRare
	}
	return nil
}

// tiles finds the bitstreams, all of one codec and one size.
func (f *heifFile) tiles(l *heifLayer, ids []uint32) (av1 bool, err error) {
	kind := ""
	for _, id := range ids {
		item := f.items[id]
		if item == nil {
			return false, corrupt("a tile that is not there")
		}
		width, height, err := f.size(item)
		if err != nil {
			return false, err
		}
		data, ok, err := f.place(item)
		if err != nil {
			return false, err
		}
		config, found := f.prop(item, map[string]string{"hvc1": "hvcC", "av01": "av1C"}[item.kind])
		if !ok || !found || kind != "" && kind != item.kind || width != l.tileWidth || height != l.tileHeight {
			return false, errHEIFRare
		}
		kind = item.kind
		tile := heifTile{data, config.body}
		if err := tile.check(f.w, kind == "av01", width, height); err != nil {
			return false, err
		}
		l.tiles = append(l.tiles, tile)
	}
	return kind == "av01", nil
}

// memory is what decoding holds. The decoders run in a sandbox whose memory
// grows by doubling, and keep the planes several times over: this is what was
// measured, and some.
func (h *heifHeader) memory() int64 {
	const sandbox, perPixel = 24 << 20, 44
	tile := int64(h.colour.tileWidth) * int64(h.colour.tileHeight)
	total := sandbox + perPixel*tile + planeBytes(h.colour.width, h.colour.height)
	if h.alpha != nil {
		total += int64(h.colour.width) * int64(h.colour.height)
	}
	return total
}
