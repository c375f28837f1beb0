package landscape

import (
	"bytes"
	"image"
	"testing"
)

func TestTheSameNumberGivesTheSamePicture(t *testing.T) {
	a, b, other := New(7).Draw(90, 60), New(7).Draw(90, 60), New(8).Draw(90, 60)
	if !bytes.Equal(a.Pix, b.Pix) {
		t.Error("number 7 differs from itself")
	}
	if bytes.Equal(a.Pix, other.Pix) {
		t.Error("numbers 7 and 8 give the same picture")
	}
}

// A gallery of grey squares would show nothing: every picture has a sky that is
// lighter than its ground, and many tones.
func TestEveryPictureShowsSomething(t *testing.T) {
	for number := range uint64(2 * len(lights)) {
		picture := New(number).Draw(90, 60)
		tones := map[[4]byte]bool{}
		for i := 0; i < len(picture.Pix); i += 4 {
			tones[[4]byte(picture.Pix[i:])] = true
		}
		if len(tones) < 500 {
			t.Errorf("number %d has %d tones", number, len(tones))
		}
		if sky, ground := brightness(picture, 0, 24), brightness(picture, 54, 60); sky <= ground {
			t.Errorf("number %d: the sky has %d, the ground %d", number, sky, ground)
		}
	}
}

// brightness is the mean of some rows.
func brightness(picture *image.RGBA, from, to int) int {
	sum, pixels := 0, picture.Pix[picture.PixOffset(0, from):picture.PixOffset(0, to)]
	for i := 0; i < len(pixels); i += 4 {
		sum += int(pixels[i]) + int(pixels[i+1]) + int(pixels[i+2])
	}
	return sum / len(pixels)
}

func TestSomeHaveALake(t *testing.T) {
	lakes := 0
	for number := range uint64(12) {
		if New(number).Lake() {
			lakes++
		}
	}
	if lakes == 0 || lakes == 12 {
		t.Errorf("%d of 12 have a lake", lakes)
	}
}
