package chaos

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"image"
	"image/jpeg"
	"math/rand/v2"
)

// The sizes of what is sent, in bytes. The pixels are few, so that what is
// tried is the intake and not the decoder.
const (
	minPadding = 18 << 10
	maxPadding = 58 << 10
	maxFilm    = 700 << 10 // behind every longFiles-th picture, so that a session has several chunks
	longFiles  = 4
	width      = 96
	height     = 64
)

// Kind is what a file is.
type Kind string

// The kinds of files.
const (
	Good      Kind = "good"
	Duplicate Kind = "duplicate" // of one that was, or is being, sent
	Wrong     Kind = "wrong"     // no image, or a broken one: it must be refused
)

// File is one file of the plan. Its bytes are made when they are needed.
type File struct {
	Name string
	Kind Kind
	Seed uint64 // of a Duplicate the other's
	Long bool   // has a film behind the picture, as phones make them
}

// Bytes makes the file, the same at every call.
func (f File) Bytes() []byte {
	rnd := rand.New(rand.NewPCG(f.Seed, 7))
	if f.Kind == Wrong {
		return wrong(f.Seed, rnd)
	}
	return picture(f.Seed, f.Long, rnd)
}

func sum(data []byte) string {
	digest := sha256.Sum256(data)
	return hex.EncodeToString(digest[:])
}

func picture(seed uint64, long bool, rnd *rand.Rand) []byte {
	img := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio420)
	for i := range img.Y {
		img.Y[i] = byte(rnd.IntN(32) + i/width) //nolint:gosec // less than 96
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, nil); err != nil {
		panic(err) // a bytes.Buffer does not fail
	}
	padding := make([]byte, 8+minPadding+rnd.IntN(maxPadding-minPadding))
	binary.BigEndian.PutUint64(padding, seed)
	fill(padding[8:], rnd)
	data := append([]byte{0xFF, 0xD8, 0xFF, 0xFE}, binary.BigEndian.AppendUint16(nil, uint16(len(padding)+2))...) //nolint:gosec // at most maxPadding
	data = append(append(data, padding...), out.Bytes()[2:]...)
	if long {
		film := make([]byte, 256<<10+rnd.IntN(maxFilm-256<<10))
		fill(film, rnd)
		data = append(data, film...)
	}
	return data
}

func fill(p []byte, rnd *rand.Rand) {
	for len(p) >= 8 {
		binary.LittleEndian.PutUint64(p, rnd.Uint64())
		p = p[8:]
	}
}

// wrong is a file that no gallery keeps: text, a header without a picture, or
// nothing at all.
func wrong(seed uint64, rnd *rand.Rand) []byte {
	switch rnd.IntN(3) {
	case 0:
		return []byte("no picture, number " + hex.EncodeToString(binary.BigEndian.AppendUint64(nil, seed)))
	case 1:
		data := picture(seed, false, rnd)
		return data[:len(data)-rnd.IntN(len(data)/20)-20]
	default:
		return append([]byte{0xFF, 0xD8, 0xFF}, binary.BigEndian.AppendUint64(nil, seed)...)
	}
}
