package goimaging

import "encoding/binary"

// The boxes by which Canon marks its own in a CR3 file, a film's structure
// otherwise. The first holds what EXIF says, in the film's header; the second a
// small JPEG, beside it.
const (
	cr3Tags    = "\x85\xc0\xb6\x87\x82\x0f\x11\xe0\x81\x11\xf4\xce\x46\x2b\x6a\x48"
	cr3Preview = "\xea\xf4\x2b\x5e\x1c\x98\x4b\x88\xb9\xfb\xb7\xdc\x40\x6e\x4d\x16"
)

// cr3 is what is found in the boxes of a CR3 file.
type cr3 struct {
	w      *window
	tags   extent   // a TIFF
	jpegs  []extent // where a JPEG may be
	tracks int
}

// walkCR3 looks for the JPEGs that a newer Canon camera made of its raw data:
// one as large as the picture is the only sample of a track. Without any the
// file is kept and cannot be shown.
func walkCR3(w *window, limits Limits) (header, error) {
	c := &cr3{w: w}
	if err := boxes(w, extent{0, w.src.Size}, c.top); err != nil {
		return header{}, err
	}
	h, err := widest(w, c.jpegs, limits)
	if err != nil {
		return header{}, err
	}
	h.ContentType, h.Extension = "image/x-canon-cr3", ".cr3"
	h.Orientation = c.orientation()
	return h, nil
}

func (c *cr3) top(b box) error {
	switch b.kind {
	case "moov":
		return boxes(c.w, b.body, c.movie)
	case "uuid":
		if id, err := c.w.at(b.body.off, 16); err == nil && string(id) == cr3Preview {
			c.preview(b.body)
		}
	}
	return nil
}

// preview reads Canon's box: an id, a head of 8 bytes, and a box whose own head
// of 16 bytes is followed by a JPEG to its end.
func (c *cr3) preview(e extent) {
	const head = 16 + 8
	if e.size <= head {
		return
	}
	_ = boxes(c.w, extent{e.off + head, e.size - head}, func(b box) error {
		if b.kind == "PRVW" && b.body.size > 16 {
			c.jpegs = append(c.jpegs, extent{b.body.off + 16, b.body.size - 16})
		}
		return nil
	}) // what is damaged of it is only not shown
}

func (c *cr3) movie(b box) error {
	switch b.kind {
	case "uuid":
		if id, err := c.w.at(b.body.off, 16); err != nil || string(id) != cr3Tags {
			return nil
		}
		return boxes(c.w, extent{b.body.off + 16, b.body.size - 16}, func(b box) error {
			if b.kind == "CMT1" {
				c.tags = b.body
			}
			return nil
		})
	case "trak":
		if c.tracks++; c.tracks > rawMaxDirs {
			return corrupt("more than %d tracks", rawMaxDirs)
		}
		sample, err := c.track(b.body, 0)
		c.jpegs = append(c.jpegs, sample)
		return err
	}
	return nil
}

// cr3MaxDepth is how deep a track's boxes may lie in each other; a camera's are
// three deep.
const cr3MaxDepth = 8

// track is where the first sample of a track is.
func (c *cr3) track(e extent, depth int) (sample extent, err error) {
	if depth > cr3MaxDepth {
		return sample, corrupt("boxes more than %d deep", cr3MaxDepth)
	}
	err = boxes(c.w, e, func(b box) error {
		switch b.kind {
		case "mdia", "minf", "stbl":
			inner, err := c.track(b.body, depth+1)
			if inner.off > 0 {
				sample.off = inner.off
			}
			if inner.size > 0 {
				sample.size = inner.size
			}
			return err
		case "stsz": // the size of all samples, their number, or else a table of sizes
			if sample.size, err = c.number(b.body, 4, 4); err != nil || sample.size > 0 {
				return err
			}
			sample.size, err = c.number(b.body, 12, 4)
			return err
		case "stco", "co64": // the number of places, and a table of them
			size := int64(4)
			if b.kind == "co64" {
				size = 8
			}
			sample.off, err = c.number(b.body, 8, size)
			return err
		}
		return nil
	})
	return sample, err
}

// number reads a number of 4 or 8 bytes in a box; what is beyond its end is 0.
func (c *cr3) number(e extent, at, size int64) (int64, error) {
	if at+size > e.size {
		return 0, nil
	}
	b, err := c.w.at(e.off+at, int(size))
	if err != nil {
		return 0, err
	}
	if size == 8 {
		return max(0, int64(binary.BigEndian.Uint64(b))), nil
	}
	return int64(binary.BigEndian.Uint32(b)), nil
}

// orientation is the one that EXIF says; 1 where that cannot be read.
func (c *cr3) orientation() int {
	if c.tags.size == 0 {
		return 1
	}
	w := newWindow(c.w.ctx, within(c.w.src, c.tags))
	order, off, err := tiffOrder(w)
	if err != nil {
		return 1
	}
	d, err := tiffDirAt(w, order, off)
	if err != nil {
		return 1
	}
	return d.orientation()
}
