package ingest

import (
	"cmp"
	"context"
	"io"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

// Source is an image's bytes, in memory or in a temporary file.
type Source struct {
	io.ReaderAt
	Size int64
}

// Probe is what the header of an image says, read before any decoding.
type Probe struct {
	Format      string // such as jpeg, png, tiff
	ContentType string
	Extension   string // with the dot
	Width       int    // as stored, before orientation; 0 only where Unavailable
	Height      int
	Orientation int   // EXIF 1..8; 1 where it is not said or invalid
	Frames      int   // 1 for a still image
	MemoryBytes int64 // what Derive needs at most, estimated; work is admitted by it
	// Unavailable says that this is an image of a kind that people keep, and that
	// no rendition can be made of it: a raw file without a preview, a rare variant,
	// or one whose decoding takes more memory than there is. It is not to be given
	// to Derive.
	Unavailable bool
	// Motion is the film that a telephone stored in the file; Length is 0 where
	// there is none.
	Motion Motion
}

// Motion is a film within a file.
type Motion struct {
	Offset, Length int64 // bytes
	ContentType    string
}

// upright is the size after orientation, which exchanges the sides from 5 on.
func (p Probe) upright() (width, height int) {
	if p.Orientation >= 5 {
		return p.Height, p.Width
	}
	return p.Width, p.Height
}

// Spec asks for one rendition. The image is never made larger than it is.
type Spec struct {
	Name     string
	LongEdge int // pixels
	Quality  int // JPEG, 1..100
}

// Rendition is one smaller copy, upright and without metadata but its colour
// profile.
type Rendition struct {
	Name        string
	Width       int
	Height      int
	ContentType string
	Extension   string // with the dot
	Data        []byte
}

// Derived is what decoding an image gives.
type Derived struct {
	Width       int // upright
	Height      int
	Renditions  []Rendition // in the order of the specs
	Placeholder []byte      // thumbhash, about 25 bytes
}

// Imager reads and derives images. Both methods take hostile input: they never
// panic, and stop soon after the context ends. What is refused comes back as
// one of the faults below. Safe for concurrent use.
type Imager interface {
	// Probe recognises the format by content and checks the limits on what the
	// header declares: pixels, decoded bytes, frames, scans. It decodes no
	// pixels; it may walk the whole file's structure once.
	Probe(ctx context.Context, src Source) (Probe, error)
	// Derive decodes once and makes every rendition and the placeholder. What
	// only decoding shows to be of a variant that cannot be decoded is ErrVariant:
	// it is kept as if Probe had said Unavailable.
	Derive(ctx context.Context, src Source, p Probe, specs []Spec) (Derived, error)
}

// Accepted says to people what can be added.
const Accepted = "JPEG, PNG, GIF, WebP, HEIC, AVIF, TIFF, BMP and JPEG XL images and camera raw files can."

// The refusals of an Imager, but for ErrVariant, which is none.
var (
	ErrUnsupported   = fault.New(fault.Unsupported, "unsupported_media_type", "This is not a kind of image that can be added. "+Accepted)
	ErrVariant       = fault.New(fault.Unsupported, "unsupported_image_variant", "This image is of a rare variant that cannot be shown.")
	ErrCorrupt       = fault.New(fault.Unprocessable, "image_corrupt", "The image is damaged or incomplete. Please check the file and add it again.")
	ErrEmpty         = fault.New(fault.Unprocessable, "file_empty", "The file is empty.")
	ErrTooLarge      = fault.New(fault.Unprocessable, "image_too_large", "The image has more pixels than can be processed.")
	ErrTooManyFrames = fault.New(fault.Unprocessable, "image_too_many_frames", "The animation has more frames than can be processed.")
	ErrTooComplex    = fault.New(fault.Unprocessable, "image_too_complex", "The image takes too much work to decode.")
)

// Metadata is what the camera recorded.
type Metadata struct {
	TakenAt     *time.Time
	TakenOffset *int // minutes east of UTC, where it was recorded
	Camera      contract.Camera
	Place       *contract.Place
	Caption     string   // what people wrote: at most 2000 characters, and lines
	Keywords    []string // at most 100 of 100 characters
	Rating      int      // 1..5; 0 for none
	Warnings    []string // codes, such as "metadata_unreadable"; broken metadata never refuses an image
}

// WarningUnreadable is the warning that a part of the metadata is broken or in no
// known form, or took too much to read.
const WarningUnreadable = "metadata_unreadable"

// describe adds to a manifest what the camera recorded. What was given of the
// picture from elsewhere stays where the file does not say.
func (md Metadata) describe(m contract.Manifest) contract.Manifest {
	m.TakenAt, m.TakenOffset = cmp.Or(md.TakenAt, m.TakenAt), md.TakenOffset
	m.Place, m.Caption = cmp.Or(md.Place, m.Place), cmp.Or(md.Caption, m.Caption)
	m.Camera, m.Keywords, m.Rating = md.Camera, md.Keywords, md.Rating
	m.Warnings = md.Warnings
	return m
}

// MetadataReader reads EXIF and its kin, bounded in tags, bytes and time. What
// is broken in an image, or takes too much, is left out, with a warning; an
// error says nothing of the image, but that it has to be read another time: the
// source failed, the context ended, or whoever does the work. Safe for
// concurrent use.
type MetadataReader interface {
	Read(ctx context.Context, src Source, p Probe) (Metadata, error)
}
