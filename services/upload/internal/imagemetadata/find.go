package imagemetadata

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"strings"

	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// maxParts is how many segments or chunks of a file are looked at for the EXIF
// data. It is among the first of a JPEG; a PNG or WebP may have it last.
const maxParts = 1 << 16

// exifPrefix precedes the data in a JPEG, and in WebP files of some programs.
const exifPrefix = "Exif\x00\x00"

// What precedes XMP and IPTC data, and how much of them is read: as much as fits
// a segment of a JPEG.
const (
	xmpPrefix     = "http://ns.adobe.com/xap/1.0/\x00"
	xmpKeyword    = "XML:com.adobe.xmp\x00\x00\x00\x00\x00" // in a PNG: not compressed, of no language
	iptcPrefix    = "Photoshop 3.0\x00"
	maxTextsBytes = 1<<16 - 64
)

// walkers step through the parts of a file, by format; GIF has none.
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
	xmp, iptc bool
	last      bool
	off, size int64 // of what it holds
	next      int64 // where the next one begins
}

// blocks are the first metadata of each kind in a file, without prefix.
type blocks struct{ exif, xmp, iptc []byte }

// findBlocks looks for them. EXIF data is cut to maxExifBytes; of the others,
// what is greater than maxTextsBytes is passed over.
func findBlocks(ctx context.Context, src ingest.Source, format string) (b blocks, err error) {
	walker, ok := walkers[format]
	if !ok {
		return b, nil
	}
	pos := walker.start
	for range maxParts {
		if err := ctx.Err(); err != nil {
			return b, err
		}
		p, err := walker.next(src, pos)
		if errors.Is(err, io.EOF) {
			return b, nil
		}
		if err == nil && !p.last {
			err = b.take(src, p)
		}
		if err != nil || p.last {
			return b, err
		}
		pos = p.next
	}
	return b, nil
}

func (b *blocks) take(src ingest.Source, p part) (err error) {
	switch {
	case p.exif && b.exif == nil:
		b.exif, err = readBlock(src, p)
	case p.xmp && b.xmp == nil && p.size <= maxTextsBytes:
		b.xmp, err = readBlock(src, p)
	case p.iptc && b.iptc == nil && p.size <= maxTextsBytes:
		b.iptc, err = readBlock(src, p)
	}
	return err
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
	var b [4]byte
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
	const markerAPP13 = 0xed
	if b[1] != markerAPP1 && b[1] != markerAPP13 {
		return p, nil
	}
	begin := make([]byte, min(p.size, int64(len(xmpPrefix))))
	if err := readAt(src, begin, p.off); err != nil {
		return part{}, err
	}
	p.exif = b[1] == markerAPP1 && strings.HasPrefix(string(begin), exifPrefix)
	p.iptc = b[1] == markerAPP13 && strings.HasPrefix(string(begin), iptcPrefix)
	if b[1] == markerAPP1 && string(begin) == xmpPrefix {
		p.xmp, p.off, p.size = true, p.off+int64(len(xmpPrefix)), p.size-int64(len(xmpPrefix))
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
	p := part{exif: kind == "eXIf", last: kind == "IEND", off: pos + 8, size: size, next: pos + 8 + size + 4}
	if kind == "iTXt" && size > int64(len(xmpKeyword)) {
		begin := make([]byte, len(xmpKeyword))
		if err := readAt(src, begin, p.off); err != nil {
			return part{}, err
		}
		if string(begin) == xmpKeyword {
			p.xmp, p.off, p.size = true, p.off+int64(len(begin)), size-int64(len(begin))
		}
	}
	return p, nil
}

// nextRIFF reads the head of a WebP chunk.
func nextRIFF(src io.ReaderAt, pos int64) (part, error) {
	var b [8]byte
	if err := readAt(src, b[:], pos); err != nil {
		return part{}, err
	}
	size := int64(binary.LittleEndian.Uint32(b[4:]))
	return part{exif: string(b[:4]) == "EXIF", xmp: string(b[:4]) == "XMP ", off: pos + 8, size: size, next: pos + 8 + size + size&1}, nil
}
