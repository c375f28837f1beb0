package goimaging

import (
	"cmp"
	"encoding/binary"
	"io"
	"slices"
	"strings"

	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// The bounds of the search for the JPEG in a raw file. Cameras write up to
// four, in as many directories.
const (
	rawMaxDirs     = 16
	rawMaxPreviews = 8
)

// rawJPEG is the tag that Panasonic keeps the JPEG in.
const rawJPEG = 46

// rawKinds are the raw files that are structured like a TIFF, by the extension
// that people know them by.
var rawKinds = map[string]string{
	".dng": "image/x-adobe-dng",
	".cr2": "image/x-canon-cr2",
	".nef": "image/x-nikon-nef",
	".arw": "image/x-sony-arw",
	".orf": "image/x-olympus-orf",
	".rw2": "image/x-panasonic-rw2",
}

// raw is the extension of a raw file, empty for a TIFF that is an image itself.
func (d tiffDir) raw() (string, error) {
	b, err := d.w.at(0, 12)
	if err != nil {
		return "", err
	}
	magic, maker := string(b[2:4]), string(b[8:10])
	switch {
	case magic == "U\x00":
		return ".rw2", nil
	case magic != "*\x00" && magic != "\x00*":
		return ".orf", nil
	case d.has(tiffDNGVersion):
		return ".dng", nil
	case maker == "CR":
		return ".cr2", nil
	case d.first(tiffSubfile, 0)&1 == 0 || !d.has(tiffSubDirs):
		return "", nil
	case strings.HasPrefix(d.maker(), "NIKON"):
		return ".nef", nil
	case strings.HasPrefix(d.maker(), "SONY"):
		return ".arw", nil
	default:
		return "", nil
	}
}

// maker is the beginning of the camera's maker.
func (d tiffDir) maker() string {
	const tagMake, typeText = 271, 2
	e := d.entries[tagMake]
	if e.kind != typeText || e.count < 5 {
		return ""
	}
	b, err := d.w.at(e.off, 4) // where the text is
	if err != nil {
		return ""
	}
	if b, err = d.w.at(int64(d.order.Uint32(b)), 5); err != nil {
		return ""
	}
	return string(b)
}

// walkRaw looks for the JPEG that the camera made of its raw data. Without one
// the file is kept and cannot be shown.
func walkRaw(d tiffDir, extension string, limits Limits, err error) (header, error) {
	if err != nil {
		return header{}, err
	}
	dirs, err := d.family()
	if err != nil {
		return header{}, err
	}
	h, err := widest(d.w, rawPreviews(dirs), limits)
	if err != nil {
		return header{}, err
	}
	h.ContentType, h.Extension = rawKinds[extension], extension
	h.Orientation = d.orientation()
	return h, nil
}

// family is the directory with those that it names, and those that follow it.
func (d tiffDir) family() ([]tiffDir, error) {
	_, off, err := tiffOrder(d.w)
	if err != nil {
		return nil, err
	}
	subs, err := d.values(tiffSubDirs, rawMaxDirs)
	if err != nil {
		return nil, err
	}
	dirs := []tiffDir{d}
	for _, sub := range subs {
		if child, err := tiffDirAt(d.w, d.order, int64(sub)); err == nil {
			dirs = append(dirs, child)
		}
	}
	for n := len(d.entries); len(dirs) < 2*rawMaxDirs; {
		b, err := d.w.at(off+2+12*int64(n), 4)
		if err != nil || d.order.Uint32(b) == 0 {
			break
		}
		off = int64(d.order.Uint32(b))
		next, err := tiffDirAt(d.w, d.order, off)
		if err != nil {
			break
		}
		dirs, n = append(dirs, next), len(next.entries)
	}
	return dirs, nil
}

// rawPreviews are the places where directories may have a JPEG.
func rawPreviews(dirs []tiffDir) []extent {
	var out []extent
	for _, d := range dirs {
		if e := d.entries[rawJPEG]; e.kind == 7 {
			out = append(out, extent{e.off, int64(e.count)})
		}
		out = append(out, extent{int64(d.first(tiffPreviewOffset, 0)), int64(d.first(tiffPreviewBytes, 0))})
		if d.entries[tiffStripOffsets].count == 1 {
			out = append(out, extent{int64(d.first(tiffStripOffsets, 0)), int64(d.first(tiffStripBytes, 0))})
		}
	}
	return out
}

// widest is the header of the largest of the places that holds a JPEG. A lossless
// one, which the raw data itself may be, is none that can be shown.
func widest(w *window, places []extent, limits Limits) (header, error) {
	slices.SortFunc(places, func(a, b extent) int { return cmp.Compare(b.size, a.size) })
	best := header{}
	best.Orientation, best.Frames, best.Unavailable = 1, 1, true
	for _, e := range slices.Compact(places)[:min(len(places), rawMaxPreviews)] {
		if e.size < 4 || e.off < 0 || e.off > w.src.Size-e.size {
			continue
		}
		b, err := w.at(e.off, 3)
		if err != nil || string(b) != "\xff\xd8\xff" {
			continue
		}
		h, err := walkJPEG(newWindow(w.ctx, within(w.src, e)), limits)
		if w.ctx.Err() != nil {
			return header{}, w.ctx.Err()
		}
		if err == nil && !h.Unavailable && h.Width*h.Height > best.Width*best.Height && limits.checkMemory(h.MemoryBytes) == nil {
			best, best.inner, best.Motion = h, e, ingest.Motion{}
			for i := range best.profile.parts {
				best.profile.parts[i].off += e.off
			}
		}
	}
	return best, nil
}

// within is a part of a source as a source.
func within(src ingest.Source, e extent) ingest.Source {
	return ingest.Source{ReaderAt: io.NewSectionReader(src, e.off, e.size), Size: e.size}
}

// walkRAF reads Fujifilm's header, which says where the JPEG is.
func walkRAF(w *window, limits Limits) (header, error) {
	b, err := w.at(84, 8)
	if err != nil {
		return header{}, err
	}
	e := extent{int64(binary.BigEndian.Uint32(b)), int64(binary.BigEndian.Uint32(b[4:]))}
	if e.off+e.size > w.src.Size {
		return header{}, corrupt("it ends at %d, within the JPEG up to %d", w.src.Size, e.off+e.size)
	}
	h, err := widest(w, []extent{e}, limits)
	h.ContentType, h.Extension = "image/x-fuji-raf", ".raf"
	return h, err
}
