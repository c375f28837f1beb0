package goimaging

import (
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// Limits bound what one image may cost. A zero field takes its default.
type Limits struct {
	// MaxPixels is the greatest width times height. The default, 50 binary
	// megapixels, lets the 8192 x 6144 of telephones pass.
	MaxPixels int64
	// MaxSide is the greatest width or height. The default is 65535, JPEG's own.
	MaxSide int
	// MaxMemoryBytes is the greatest estimate of what decoding holds at once.
	// Pixels are not enough: one of them takes 1.5 to 15 bytes. The default is
	// 320 MiB.
	MaxMemoryBytes int64
	// MaxFrames is the greatest number of frames of an animation, of which only
	// the first is decoded. The default is 1000.
	MaxFrames int
	// MaxScans is the greatest number of scans of a JPEG; each walks the whole
	// picture. Cameras write up to 11. The default is 100.
	MaxScans int
	// MaxProfileBytes is the greatest colour profile that is copied into the
	// renditions; a greater one is left out. The default is 1 MiB.
	MaxProfileBytes int64
	// MaxDuration is the longest that one Derive may take. The default is 30
	// seconds.
	MaxDuration time.Duration
}

// withDefaults fills the zero fields.
func (l Limits) withDefaults() Limits {
	setDefault(&l.MaxPixels, 50<<20)
	setDefault(&l.MaxSide, 65535)
	setDefault(&l.MaxMemoryBytes, 320<<20)
	setDefault(&l.MaxFrames, 1000)
	setDefault(&l.MaxScans, 100)
	setDefault(&l.MaxProfileBytes, 1<<20)
	setDefault(&l.MaxDuration, 30*time.Second)
	return l
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// checkSize refuses a picture without pixels, and one with too many.
func (l Limits) checkSize(width, height int) error {
	switch {
	case width <= 0 || height <= 0:
		return corrupt("the header declares a picture of %d x %d pixels", width, height)
	case width > l.MaxSide || height > l.MaxSide:
		return refuse(ingest.ErrTooLarge, "The image is %d x %d pixels; no side may be longer than %d.",
			width, height, l.MaxSide)
	case int64(width)*int64(height) > l.MaxPixels:
		return refuse(ingest.ErrTooLarge, "The image has %.1f megapixels (%d x %d); at most %.1f can be processed.",
			mega(int64(width)*int64(height)), width, height, mega(l.MaxPixels))
	}
	return nil
}

// checkMemory refuses a picture that takes too much memory to decode.
func (l Limits) checkMemory(bytes int64) error {
	if bytes <= l.MaxMemoryBytes {
		return nil
	}
	return refuse(ingest.ErrTooLarge, "Decoding the image takes %.0f megabytes of memory; at most %.0f can be used.",
		mega(bytes), mega(l.MaxMemoryBytes))
}

// checkFrames refuses an animation with too many frames.
func (l Limits) checkFrames(n int) error {
	if n <= l.MaxFrames {
		return nil
	}
	return refuse(ingest.ErrTooManyFrames, "The animation has more than %d frames, the most that can be processed.", l.MaxFrames)
}

// checkScans refuses a JPEG with too many scans.
func (l Limits) checkScans(n int) error {
	if n <= l.MaxScans {
		return nil
	}
	return refuse(ingest.ErrTooComplex, "The image is stored in more than %d passes, the most that can be decoded.", l.MaxScans)
}

func mega(n int64) float64 { return float64(n) / 1e6 }

// workBytes is what Derive holds beyond the decoded picture: the first
// rendition's planes, twice while it is turned, and the encoded files. It takes
// renditions of at most 2048 pixels a side.
func workBytes(width, height int) int64 {
	const most, fixed = 16 << 20, 1 << 20
	return min(most, 4*int64(width)*int64(height)) + fixed
}

// refuse is one of ingest's refusals with the sentence for this image.
func refuse(base *fault.Error, format string, args ...any) *fault.Error {
	return fault.Newf(base.Kind, base.Code, format, args...)
}
