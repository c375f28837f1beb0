package goimaging

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// maxTrailer is how far behind a picture its film is looked for. A gain map and
// a maker's own data may come between.
const maxTrailer = 64 << 20

// maxFilms is how many places that begin like a film are looked at.
const maxFilms = 100

// filmBrands are those of the films that telephones put behind their pictures.
const filmBrands = "mp41mp42isomiso2iso4avc1qt  "

// filmBoxes are the boxes that a film has beside each other.
var filmBoxes = []string{"ftyp", "moov", "mdat", "free", "skip", "wide", "uuid", "meta", "moof", "mfra", "sidx"}

// motionAfter finds the film that follows a picture which ends at off, as
// Google's and Samsung's telephones write it. It goes by the film's own
// structure: where the metadata says it is, is wrong once a program has changed
// the metadata. What is no whole film is none.
func motionAfter(w *window, off int64) (ingest.Motion, error) {
	for end, tried := min(w.src.Size, off+maxTrailer), 0; off < end && tried < maxFilms; {
		chunk, err := w.from(off)
		if err != nil {
			return ingest.Motion{}, err
		}
		i := bytes.Index(chunk, []byte("ftyp"))
		if i < 0 {
			off += int64(max(1, len(chunk)-len("ftyp")+1))
			continue
		}
		film, err := filmAt(w, off+int64(i)-4)
		if err != nil || film.Length > 0 {
			return film, err
		}
		tried++
		off += int64(i) + 1
	}
	return ingest.Motion{}, nil
}

// filmAt is the film that begins at off, if there is one: its boxes up to the
// first that is none, among them the one that says what it is.
func filmAt(w *window, off int64) (ingest.Motion, error) {
	m := ingest.Motion{Offset: off, ContentType: "video/mp4"}
	playable := false
	for pos, n := off, 0; n < maxBoxes; n++ {
		size, kind := filmBox(w, pos)
		if w.ctx.Err() != nil {
			return ingest.Motion{}, w.ctx.Err()
		}
		if n == 0 {
			b, err := w.at(pos, 12)
			if err != nil || kind != "ftyp" || !bytes.Contains([]byte(filmBrands), b[8:12]) {
				return ingest.Motion{}, nil //nolint:nilerr // too short for a film
			}
			if string(b[8:12]) == "qt  " {
				m.ContentType = "video/quicktime"
			}
		}
		if size == 0 {
			break
		}
		playable = playable || kind == "moov"
		pos += size
		m.Length = pos - off
	}
	if !playable {
		return ingest.Motion{}, nil
	}
	return m, nil
}

// filmBox is the size and the kind of the box at pos; 0 where none is.
func filmBox(w *window, pos int64) (int64, string) {
	b, err := w.at(pos, boxHeadBytes)
	if err != nil {
		return 0, ""
	}
	size, kind := int64(binary.BigEndian.Uint32(b)), string(b[4:8])
	if size == 1 {
		if b, err = w.at(pos, 2*boxHeadBytes); err != nil {
			return 0, ""
		}
		size = int64(binary.BigEndian.Uint64(b[boxHeadBytes:]))
	}
	if size < boxHeadBytes || size > w.src.Size-pos || !slices.Contains(filmBoxes, kind) {
		return 0, ""
	}
	return size, kind
}
