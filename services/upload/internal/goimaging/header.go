package goimaging

import (
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// The formats, as ingest names them.
const (
	formatJPEG = "jpeg"
	formatPNG  = "png"
	formatGIF  = "gif"
	formatWebP = "webp"
)

// header is what the walk over an image's structure found: what ingest is told,
// and what decoding needs beside it.
type header struct {
	ingest.Probe

	profile profile
	jpeg    jpegHeader
	webp    webpFrame
}

// walkers find the structure of a file, one for each format. A walker reads to
// the end that the format declares, and refuses a file that ends before.
var walkers = map[string]func(*window, Limits) (header, error){
	formatJPEG: walkJPEG,
	formatPNG:  walkPNG,
	formatGIF:  walkGIF,
	formatWebP: walkWebP,
}

// walk recognises the format by content and reads the header.
func walk(w *window, limits Limits) (header, error) {
	if w.src.Size == 0 {
		return header{}, ingest.ErrEmpty
	}
	prefix, err := w.at(0, int(min(w.src.Size, sniffBytes)))
	if err != nil {
		return header{}, err
	}
	format, err := sniff(prefix)
	if err != nil {
		return header{}, err
	}
	h, err := walkers[format](w, limits)
	if err != nil {
		return header{}, err
	}
	h.Format = format
	h.ContentType = "image/" + format
	h.Extension = map[string]string{formatJPEG: ".jpg"}[format]
	if h.Extension == "" {
		h.Extension = "." + format
	}
	return h, limits.checkMemory(h.MemoryBytes)
}
