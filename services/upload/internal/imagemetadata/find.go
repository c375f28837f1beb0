package imagemetadata

import (
	"context"
	"encoding/binary"
	"errors"
	"io"

	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// maxParts is how many segments or chunks of a file are looked at for the EXIF
// data. It is among the first of a JPEG; a PNG or WebP may have it last.
const maxParts = 1 << 16

// exifPrefix precedes the data in a JPEG, and in WebP files of some programs.
const exifPrefix = "Exif\x00\x00"

// walkers step through the parts of a file, by format; GIF has no EXIF data.
var walkers = map[string]struct {
	start int64
	next  func(io.ReaderAt, int64) (part, error)
}{
	"jpeg": {2, nextSegment},
	"png":  {8, nextChunk},
	"webp": {12, nextRIFF},
}

// part is a segment of a JPEG, or a chunk of a PNG or WebP.
type part struct {
	exif      bool
	last      bool
	off, size int64 // of what it holds
	next      int64 // where the next one begins
}

// findExif returns the first EXIF block of a file, without prefix, cut to
// maxExifBytes; nothing where there is none.
func findExif(ctx context.Context, src ingest.Source, format string) ([]byte, error) {
	walker, ok := walkers[format]
	if !ok {
		return nil, nil
	}
	pos := walker.start
	for range maxParts {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		p, err := walker.next(src, pos)
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil || p.last {
			return nil, err
		}
		if p.exif {
			return readBlock(src, p)
		}
		pos = p.next
	}
	return nil, nil
}

func readBlock(src ingest.Source, p part) ([]byte, error) {
	size := min(p.size, maxExifBytes, src.Size-p.off)
	if size <= 0 {
		return nil, nil
	}
	data := make([]byte, size)
	if err := readAt(src, data, p.off); err != nil {
		return nil, err
	}
	if len(data) >= len(exifPrefix) && string(data[:len(exifPrefix)]) == exifPrefix {
		data = data[len(exifPrefix):]
	}
	return data, nil
}

// readAt fills b; io.EOF says that the source ends before.
func readAt(src io.ReaderAt, b []byte, off int64) error {
	n, err := src.ReadAt(b, off)
	if n == len(b) {
		return nil
	}
	return err
}

// nextSegment reads a JPEG segment up to the first scan. Fill bytes may precede
// a marker.
func nextSegment(src io.ReaderAt, pos int64) (part, error) {
	var b [10]byte
	const markerAPP1, markerEOI, markerSOS = 0xe1, 0xd9, 0xda
	if err := readAt(src, b[:4], pos); err != nil {
		return part{}, err
	}
	switch {
	case b[0] != 0xff || b[1] == markerSOS || b[1] == markerEOI:
		return part{last: true}, nil
	case b[1] == 0xff:
		return part{next: pos + 1}, nil
	}
	size := int64(binary.BigEndian.Uint16(b[2:]))
	if size < 2 {
		return part{last: true}, nil
	}
	p := part{off: pos + 4, size: size - 2, next: pos + 2 + size}
	if b[1] == markerAPP1 && p.size >= int64(len(exifPrefix)) {
		if err := readAt(src, b[4:], pos+4); err != nil {
			return part{}, err
		}
		p.exif = string(b[4:]) == exifPrefix
	}
	return p, nil
}

// nextChunk reads the head of a PNG chunk.
func nextChunk(src io.ReaderAt, pos int64) (part, error) {
	var b [8]byte
	if err := readAt(src, b[:], pos); err != nil {
		return part{}, err
	}
	size := int64(binary.BigEndian.Uint32(b[:]))
	kind := string(b[4:])
	return part{exif: kind == "eXIf", last: kind == "IEND", off: pos + 8, size: size, next: pos + 8 + size + 4}, nil
}

// nextRIFF reads the head of a WebP chunk.
func nextRIFF(src io.ReaderAt, pos int64) (part, error) {
	var b [8]byte
	if err := readAt(src, b[:], pos); err != nil {
		return part{}, err
	}
	size := int64(binary.LittleEndian.Uint32(b[4:]))
	return part{exif: string(b[:4]) == "EXIF", off: pos + 8, size: size, next: pos + 8 + size + size&1}, nil
}
