package acceptance

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// hostileBombs are small files that would take gigabytes or minutes to read.
var hostileBombs = []hostileRow{
	{"U11_Pixels", bomb("422 image_too_large", func(*testing.T) []byte { return zeroPNG(30000, 30000, 1, 0, 3750) })},
	{"U12_DecodedBytes", bomb("422 image_too_large", func(*testing.T) []byte { return zeroPNG(7000, 7000, 16, 6, 56000) })},
	{"U13_BMP", bomb("422 image_too_large", func(*testing.T) []byte {
		return []byte("BM" + le32(24000) + le32(0) + le32(54) + le32(40) + le32(3000000) + le32(2000000) + le32(1|24<<16) + strings.Repeat(le32(0), 6))
	})},
	{"U13_TIFF", bomb("422 image_too_large", func(*testing.T) []byte {
		return []byte("II*\x00\x08\x00\x00\x00\x02\x00" + le16(256) + le16(4) + le32(1) + le32(3000000) + le16(257) + le16(4) + le32(1) + le32(2000000))
	})},
	{"U14_ManyFrames", bomb("422 image_too_many_frames", func(*testing.T) []byte { return gifOf(1, 1, 1, 1, 40000) })},
	{"U14_LargeCanvas", bomb("422 image_too_large", func(*testing.T) []byte { return gifOf(65535, 65535, 1, 1, 1) })},
	{"U14_FrameOffCanvas", bomb("422 image_corrupt", func(*testing.T) []byte { return gifOf(9, 9, 30000, 30000, 1) })},
	{"U14_LargeFrames", largeFrames},
	{"U15_Lossless", bomb("422 image_too_large", func(*testing.T) []byte { return riff(lossless(16383, 16383)) })},
	{"U15_Canvas", bomb("422 image_too_large", func(*testing.T) []byte { return canvas(1<<24, 1<<24) })},
	{"U15_ManyFrames", bomb("422 image_too_many_frames", func(*testing.T) []byte { return webpFrames(10000) })},
	{"U16_FrameHeader", bomb("422 image_too_large", func(t *testing.T) []byte {
		return resized(photo(t, seedHostile, shot{width: 16, height: 16}).data, 64250, 64250)
	})},
	{"U17_Scans", bomb("422 image_too_complex", func(*testing.T) []byte { return scanBomb(6000, 2000) })},
	{"U11toU17_AllAtOnce", allBombs},
}

// bombWithin is how soon a bomb is refused on a machine that does much else: its
// header says enough, and it is not for the deadline of decoding to end it.
const bombWithin = 20 * time.Second

func bomb(want string, build func(*testing.T) []byte) func(*testing.T, *victim) {
	return func(t *testing.T, v *victim) {
		data := build(t)
		start := time.Now()
		v.refused(t, data, want)
		if took := time.Since(start); took > bombWithin {
			t.Errorf("%d bytes took %s", len(data), took)
		}
	}
}

// largeFrames is an animation of 300 frames that hold over a gigabyte: it is a
// picture, of which only the first frame is ever decoded.
func largeFrames(t *testing.T, v *victim) {
	img := v.stored(t, upload("a.gif", fullFrames(t, 2000, 300)))
	if img.Width != 2000 || img.Height != 2000 || len(img.Renditions) == 0 {
		t.Errorf("listed as %+v", img)
	}
}

// allBombs sends all kinds in one request, with a photograph among them.
func allBombs(t *testing.T, v *victim) {
	parts := []part{
		upload("1", zeroPNG(30000, 30000, 1, 0, 3750)), upload("2", zeroPNG(7000, 7000, 16, 6, 56000)), upload("3", scanBomb(6000, 2000)),
		upload("good", v.fresh(t)), upload("4", gifOf(1, 1, 1, 1, 40000)), upload("5", canvas(1<<24, 1<<24)),
	}
	status, said, _ := v.send(t, parts...)
	want := "422 image_too_large,422 image_too_large,422 image_too_complex,stored,422 image_too_many_frames,422 image_too_large"
	if got := strings.Join(said, ","); status != http.StatusCreated || got != want {
		t.Errorf("answered with %d %s", status, got)
	}
}
