// Package imagemetadata is the [ingest.MetadataReader]: it finds the EXIF, XMP and
// IPTC data of a file and has github.com/bep/imagemeta read the few tags that the
// gallery shows.
//
// Metadata is hostile like everything in a file, and it is a bonus: whatever is
// broken is left out with a warning, and no picture is refused for it. The work
// is bounded by what imagemeta is given rather than by a clock: one EXIF block of
// at most 128 KiB, out of which it may take 2000 tags of 512 bytes, and 64 KiB of
// XMP and of IPTC.
//
// The package does not know what the orientation means (goimaging turns pixels),
// nor what an upload is. It never keeps owner names, serial numbers, thumbnails
// or maker notes.
package imagemetadata

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/bep/imagemeta"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// The bounds of one Read.
const (
	maxExifBytes = 128 << 10 // a greater block is cut
	maxTags      = 2000
	maxTagBytes  = 512
)

// The warnings.
const (
	// WarningUnreadable: a part of the metadata is broken or in no known form.
	WarningUnreadable = ingest.WarningUnreadable
	// WarningTakenAt: the date is before photography or in the future.
	WarningTakenAt = "taken_at_implausible"
	// WarningPlace: the coordinates are not on this planet.
	WarningPlace = "place_implausible"
)

// Reader is an [ingest.MetadataReader]. It holds no state and is safe for
// concurrent use.
type Reader struct {
	now func() time.Time
}

var _ ingest.MetadataReader = (*Reader)(nil)

// New makes a Reader that asks now what time it is, to know future dates.
func New(now func() time.Time) *Reader { return &Reader{now: now} }

// Read implements [ingest.MetadataReader].
func (r *Reader) Read(ctx context.Context, src ingest.Source, p ingest.Probe) (ingest.Metadata, error) {
	src, seen := src.Watched()
	found, err := findBlocks(ctx, src, p.Format)
	exif, exifErr := found.readExif(ctx, src, p.Format)
	m := exif.metadata(r.now())
	texts, textsErr := found.readTexts(ctx, src, p.Format)
	texts.add(&m, exif)
	if failure := cmp.Or(ctx.Err(), seen.Failure()); failure != nil {
		return ingest.Metadata{}, fault.Wrap("imagemetadata.Read", failure)
	}
	if errors.Join(err, exifErr, textsErr) != nil {
		m.Warnings = append(m.Warnings, WarningUnreadable)
	}
	return m, nil
}

// readExif reads the EXIF block, or the whole of a file that is structured like
// one, or keeps it in a table.
func (b blocks) readExif(ctx context.Context, src ingest.Source, format string) (tags, error) {
	switch {
	case len(b.exif) > 0:
		return readTags(ctx, bytes.NewReader(asPNG(b.exif)), imagemeta.PNG)
	case format == "tiff":
		return readTags(ctx, io.NewSectionReader(src, 0, src.Size), imagemeta.TIFF)
	case format == "heif":
		return readTags(ctx, io.NewSectionReader(src, 0, src.Size), imagemeta.HEIF)
	default:
		return nil, nil
	}
}

// wanted are the tags that are read, by imagemeta's names. All others are passed
// over unread.
var wanted = map[string]bool{
	"ImageDescription": true, "Rating": true,
	"Make": true, "Model": true, "LensModel": true,
	"ExposureTime": true, "FNumber": true, "ISO": true, "FocalLength": true,
	"DateTimeOriginal": true, "OffsetTimeOriginal": true, "SubSecTimeOriginal": true,
	"CreateDate": true, "OffsetTimeDigitized": true, "SubSecTimeDigitized": true,
	"GPSLatitude": true, "GPSLatitudeRef": true, "GPSLongitude": true, "GPSLongitudeRef": true,
}

// readTags reads the EXIF tags of a file. It gives those that came before an
// error, too.
//
// imagemeta's own timeout is not used: it leaves the decoder running, with a
// buffer that goes back to a pool shared by all. What may be read is bounded so
// that no time has to be.
func readTags(ctx context.Context, r io.ReadSeeker, format imagemeta.ImageFormat) (tags, error) {
	found := tags{}
	_, err := imagemeta.Decode(imagemeta.Options{
		R:               r,
		ImageFormat:     format,
		Sources:         imagemeta.EXIF,
		ShouldHandleTag: func(info imagemeta.TagInfo) bool { return wanted[info.Tag] && belongs(info) },
		HandleTag: func(info imagemeta.TagInfo) error {
			if _, ok := found[info.Tag]; !ok { // the first counts, as in other readers
				found[info.Tag] = info.Value
			}
			return ctx.Err()
		},
		LimitNumTags: maxTags,
		LimitTagSize: maxTagBytes,
	})
	return found, err
}

// belongs reports whether a tag is of the picture itself (the thumbnail is IFD1)
// and in its own directory: the tags of the GPS directory have numbers that mean
// something else in others, but imagemeta gives them one name.
func belongs(info imagemeta.TagInfo) bool {
	inGPS := strings.HasSuffix(info.Namespace, "/GPSInfoIFD")
	return strings.HasPrefix(info.Namespace, "IFD0") && strings.HasPrefix(info.Tag, "GPS") == inGPS
}

// asPNG is the block in the smallest file that imagemeta reads it from. A PNG
// chunk, unlike a JPEG segment, has no limit of 64 KiB; nothing but the chunk is
// looked at.
func asPNG(tiff []byte) []byte {
	out := binary.BigEndian.AppendUint32([]byte("\x89PNG\r\n\x1a\n"), uint32(len(tiff))) //nolint:gosec // at most maxExifBytes
	return append(append(append(out, "eXIf"...), tiff...), 0, 0, 0, 0)
}
