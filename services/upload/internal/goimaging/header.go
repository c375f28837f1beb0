package goimaging

import "github.com/sajin-gallery/sajin/services/upload/internal/ingest"

// The formats, as ingest names them.
const (
	formatJPEG = "jpeg"
	formatPNG  = "png"
	formatGIF  = "gif"
	formatWebP = "webp"
	formatBMP  = "bmp"
	formatTIFF = "tiff" // camera raw files as well
	formatRAF  = "raf"
	formatCR3  = "cr3"
	formatHEIF = "heif" // HEIC and AVIF
	formatJXL  = "jxl"
)

// header is what the walk over an image's structure found: what ingest is told,
// and what decoding needs beside it.
type header struct {
	ingest.Probe

	profile profile
	jpeg    jpegHeader
	webp    webpFrame
	bmp     bmpHeader
	tiff    tiffHeader
	heif    heifHeader
	inner   extent // the JPEG that stands for a raw file; empty for other images
}

// formats say for each format what its files are called, and what finds their
// structure. A walker reads to the end that the format declares, and refuses a
// file that ends before. It may know a type that says more than the format's.
var formats = map[string]struct {
	extension string
	walk      func(*window, Limits) (header, error)
}{
	formatJPEG: {".jpg", walkJPEG},
	formatPNG:  {".png", walkPNG},
	formatGIF:  {".gif", walkGIF},
	formatWebP: {".webp", walkWebP},
	formatBMP:  {".bmp", walkBMP},
	formatTIFF: {".tif", walkTIFF},
	formatRAF:  {".raf", walkRAF},
	formatCR3:  {".cr3", walkCR3},
	formatHEIF: {".heif", walkHEIF},
	formatJXL:  {".jxl", walkJXL},
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
	name, err := sniff(prefix)
	if err != nil {
		return header{}, err
	}
	format := formats[name]
	h, err := format.walk(w, limits)
	if err != nil {
		return header{}, err
	}
	h.Format = name
	if h.ContentType == "" {
		h.ContentType, h.Extension = "image/"+name, format.extension
	}
	return h, limits.checkMemory(h.MemoryBytes)
}
