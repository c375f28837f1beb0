package goimaging

import (
	"bytes"
	"compress/zlib"
	"io"
)

// profile says where a file keeps its ICC colour profile.
type profile struct {
	parts    []extent // in order
	deflated bool     // as in a PNG
}

// iccHeaderBytes is the fixed header of every ICC profile.
const iccHeaderBytes = 128

// load reads the profile for a rendition with the given number of components.
// A profile that is broken, greater than limit, or for another colour space (the
// renditions of a CMYK image are RGB) is left out: colours are then taken as
// sRGB.
func (p profile) load(w *window, limit int64, components int) []byte {
	var total int64
	for _, part := range p.parts {
		total += part.size
	}
	if total == 0 || total > limit {
		return nil
	}
	var data []byte
	for _, part := range p.parts {
		chunk, err := w.read(part)
		if err != nil {
			return nil
		}
		data = append(data, chunk...)
	}
	if p.deflated {
		data = inflate(data, limit)
	}
	if !fits(data, components) {
		return nil
	}
	return data
}

// colours is the profile for a rendition: the file's own, or one of what a HEIF
// says by numbers.
func (h *header) colours(w *window, limit int64, components int) []byte {
	if own := h.profile.load(w, limit, components); own != nil || components != 3 {
		return own
	}
	return h.heif.nclx.profile()
}

// inflate is the whole of a zlib stream, or nothing if it is broken or greater
// than limit.
func inflate(data []byte, limit int64) []byte {
	r, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil
	}
	defer func() { _ = r.Close() }() // reading from memory: nothing to lose
	out, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil || int64(len(out)) > limit {
		return nil
	}
	return out
}

// fits reports whether data looks like a profile for that many components.
func fits(data []byte, components int) bool {
	if len(data) < iccHeaderBytes || string(data[36:40]) != "acsp" {
		return false
	}
	space := string(data[16:20])
	return components == 3 && space == "RGB " || components == 1 && space == "GRAY"
}
