package goimaging

import (
	"bytes"
	"context"
	"encoding/binary"
	"image"

	"github.com/gen2brain/avif"
	"github.com/gen2brain/heic"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// decodeHEIF decodes tile after tile, each out of a file made for it, so that
// memory is needed for one: a telephone's 12 megapixels are 48 of them. The
// decoders are WebAssembly in a sandbox. They never see the file's own tables.
func decodeHEIF(ctx context.Context, src ingest.Source, h header) (picture, error) {
	d := &heifDecoder{ctx: ctx, w: newWindow(ctx, src), h: h.heif}
	p := newPicture(h.Width, h.Height, false)
	if err := d.layer(h.heif.colour, func(x, y int, tile picture) { paste(p, tile, x, y) }); err != nil {
		return picture{}, err
	}
	if h.heif.alpha == nil {
		return p, nil
	}
	alpha := newPicture(h.Width, h.Height, true)
	if err := d.layer(*h.heif.alpha, func(x, y int, tile picture) { pastePlane(alpha.y, tile.y, x, y) }); err != nil {
		return picture{}, err
	}
	p.layOnWhite(alpha.y.pix, alpha.y.stride)
	return p, nil
}

type heifDecoder struct {
	ctx context.Context
	w   *window
	h   heifHeader
}

// layer decodes the tiles of a layer from the top left.
func (d *heifDecoder) layer(l heifLayer, put func(x, y int, tile picture)) error {
	for i, t := range l.tiles {
		if err := d.ctx.Err(); err != nil {
			return err
		}
		file, err := d.file(t, l.tileWidth, l.tileHeight)
		if err != nil {
			return err
		}
		m, err := d.decode(file)
		if err != nil {
			return err
		}
		if m.Bounds().Dx() != l.tileWidth || m.Bounds().Dy() != l.tileHeight {
			return corrupt("a tile of %v instead of %d x %d", m.Bounds(), l.tileWidth, l.tileHeight)
		}
		tile, err := d.h.nclx.picture(d.ctx, m)
		if err != nil {
			return err
		}
		put(i%l.columns*l.tileWidth, i/l.columns*l.tileHeight, tile)
	}
	return nil
}

// decode runs the sandbox. A native library, which the packages use where they
// find one, is not for hostile input: then there is no picture.
func (d *heifDecoder) decode(file []byte) (image.Image, error) {
	if d.h.av1 {
		if avif.Dynamic() == nil {
			return nil, ingest.ErrVariant
		}
		return avif.Decode(bytes.NewReader(file))
	}
	if heic.Dynamic() == nil {
		return nil, ingest.ErrVariant
	}
	return heic.Decode(bytes.NewReader(file))
}

// paste puts a tile of a picture at an even place. What lies beyond is padding.
func paste(p, tile picture, x, y int) {
	pastePlane(p.y, tile.y, x, y)
	if tile.grey {
		fillPart(p.cb, x/2, y/2, ceilDiv(tile.w, 2), ceilDiv(tile.h, 2))
		fillPart(p.cr, x/2, y/2, ceilDiv(tile.w, 2), ceilDiv(tile.h, 2))
		return
	}
	pastePlane(p.cb, tile.cb, x/2, y/2)
	pastePlane(p.cr, tile.cr, x/2, y/2)
}

func pastePlane(to, from plane, x, y int) {
	for row := range min(from.h, to.h-y) {
		copy(to.row(y + row)[x:], from.row(row))
	}
}

// fillPart is chroma without colour.
func fillPart(to plane, x, y, w, h int) {
	for row := y; row < min(y+h, to.h); row++ {
		part := to.row(row)[x:min(x+w, to.w)]
		for i := range part {
			part[i] = 128
		}
	}
}

// file is a HEIF file of one tile and nothing else.
func (d *heifDecoder) file(t heifTile, width, height int) ([]byte, error) {
	data, err := d.w.read(t.data)
	if err != nil {
		return nil, err
	}
	config, err := d.w.read(t.config)
	if err != nil {
		return nil, err
	}
	brand, item, kind := "heic", "hvc1", "hvcC"
	if d.h.av1 {
		brand, item, kind = "avif", "av01", "av1C"
	}
	props := [][]byte{boxOf(kind, config), boxOf("ispe", zeros(4), be32(width), be32(height))}
	if d.h.av1 && d.h.nclx != nil {
		colour, err := d.w.read(d.h.nclxAt)
		if err != nil {
			return nil, err
		}
		props = append(props, boxOf("colr", colour))
	}
	count := byte(len(props))
	used := []byte{0, 0, 0, 0, 0, 0, 0, 1, 0, 1, count, 0x81, 2, 3}[:11+count]
	head := boxOf("ftyp", []byte(brand), zeros(4), []byte("mif1"+brand+"miaf"))
	meta := func(off int) []byte {
		return boxOf("meta", zeros(4),
			boxOf("hdlr", zeros(8), []byte("pict"), zeros(13)),
			boxOf("pitm", zeros(4), []byte{0, 1}),
			boxOf("iloc", zeros(4), []byte{0x44, 0, 0, 1, 0, 1, 0, 0, 0, 1}, be32(off), be32(len(data))),
			boxOf("iinf", zeros(4), []byte{0, 1}, boxOf("infe", []byte{2, 0, 0, 0, 0, 1, 0, 0}, []byte(item), zeros(1))),
			boxOf("iprp", boxOf("ipco", props...), boxOf("ipma", used)))
	}
	before := len(head) + len(meta(0)) + boxHeadBytes
	return bytes.Join([][]byte{head, meta(before), boxOf("mdat", data)}, nil), nil
}

func boxOf(kind string, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	return append(append(be32(boxHeadBytes+len(body)), kind...), body...)
}

func zeros(n int) []byte { return make([]byte, n) }

func be32(v int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(v)) }
