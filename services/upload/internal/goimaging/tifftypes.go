package goimaging

// The kinds of colour.
const (
	tiffWhiteIsZero = 0
	tiffBlackIsZero = 1
	tiffRGB         = 2
	tiffPalette     = 3
	tiffCMYK        = 5
)

// The kinds of compression.
const (
	tiffPlain      = 1
	tiffGroup3     = 3
	tiffGroup4     = 4
	tiffLZW        = 5
	tiffDeflate    = 8
	tiffPackBits   = 32773
	tiffDeflateOld = 32946
)

// colours is how many samples of a pixel are colour, 0 where that is unknown.
func (t *tiffHeader) colours() int {
	switch t.photometric {
	case tiffWhiteIsZero, tiffBlackIsZero, tiffPalette:
		return 1
	case tiffRGB:
		return 3
	case tiffCMYK:
		return 4
	default:
		return 0
	}
}

// unsupported reports whether the picture is in a form that is not decoded:
// floating point, JPEG within TIFF, L*a*b*, inks other than the four. The file
// is kept all the same.
func (t *tiffHeader) unsupported() bool {
	colours := t.colours()
	deep := t.bits == 8 || t.bits == 16
	shallow := (t.bits == 1 || t.bits == 2 || t.bits == 4) && t.samples == 1
	switch {
	case colours == 0, t.samples < colours, t.uneven, t.format != 1, !deep && !shallow:
		return true
	case t.tiled && t.blockWidth*t.bits%8 != 0:
		return true
	case t.photometric == tiffPalette && (t.bits > 8 || len(t.palette) < 3<<t.bits):
		return true
	case t.photometric == tiffCMYK && t.inkSet != 1:
		return true
	case t.predictor != 1 && (t.predictor != 2 || !deep):
		return true
	}
	return t.unknownCompression()
}

func (t *tiffHeader) unknownCompression() bool {
	switch t.compression {
	case tiffPlain, tiffLZW, tiffDeflate, tiffDeflateOld, tiffPackBits:
		return t.fillOrder != 1
	case tiffGroup3, tiffGroup4:
		return t.bits != 1 || t.tiled || t.t4&1 != 0 || t.photometric > tiffBlackIsZero
	default:
		return true
	}
}

// rowBytes is a row of a strip or tile of the given width. Where each sample has
// strips of its own, it is a row of one of them.
func (t *tiffHeader) rowBytes(width int) int64 {
	perPixel := int64(t.samples)
	if t.planar {
		perPixel = 1
	}
	return (int64(width)*perPixel*int64(t.bits) + 7) / 8
}
