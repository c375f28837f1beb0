package goimaging

// iccPrefix begins a piece of a colour profile in a JPEG segment; the number of
// the piece, from 1, and the count of pieces follow it.
const iccPrefix = "ICC_PROFILE\x00"

// iccChunks collects the pieces of a JPEG's colour profile.
type iccChunks struct {
	parts [256]extent
	count int
	bad   bool
}

// add takes the piece in an APP2 segment, if it is one. Pieces that contradict
// each other make the whole profile unusable, not the image.
func (c *iccChunks) add(w *window, body extent) error {
	const head = len(iccPrefix) + 2
	if body.size < int64(head) {
		return nil
	}
	b, err := w.at(body.off, head)
	if err != nil || string(b[:len(iccPrefix)]) != iccPrefix {
		return err
	}
	number, count := int(b[head-2]), int(b[head-1])
	if number < 1 || number > count || c.count != 0 && c.count != count || c.parts[number].size != 0 {
		c.bad = true
		return nil
	}
	c.count = count
	c.parts[number] = extent{body.off + int64(head), body.size - int64(head)}
	return nil
}

// profile is the profile in order, none unless every piece is there.
func (c *iccChunks) profile() profile {
	if c.bad {
		return profile{}
	}
	for i := 1; i <= c.count; i++ {
		if c.parts[i].size == 0 {
			return profile{}
		}
	}
	return profile{parts: c.parts[1 : c.count+1]}
}
