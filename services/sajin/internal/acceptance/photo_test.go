package acceptance

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"testing"
	"time"
)

// file is one file to upload.
type file struct {
	name string
	data []byte

	companionOf string // of a film: its image
}

func (f file) sha256() string {
	sum := sha256.Sum256(f.data)
	return hex.EncodeToString(sum[:])
}

// shot says how a test photograph was taken.
type shot struct {
	width, height int // as stored, before orientation
	orientation   uint16
	at            time.Time
	offset        string // +09:00; empty: not recorded
}

// photo makes a JPEG that no other seed makes: a soft gradient whose top-left
// quarter is red, so that a test can see which way is up.
func photo(t testing.TB, seed uint64, s shot) file {
	t.Helper()
	img := image.NewYCbCr(image.Rect(0, 0, s.width, s.height), image.YCbCrSubsampleRatio420)
	rnd := rand.New(rand.NewPCG(seed, 1))
	base := rnd.IntN(120)
	for y := range s.height {
		for x := range s.width {
			img.Y[img.YOffset(x, y)] = byte(60 + (base+x*100/s.width+y*60/s.height)%160)
		}
	}
	for i := range img.Cb {
		img.Cb[i], img.Cr[i] = byte(120+seed%16), byte(120+seed/16%16)
	}
	red := color.YCbCr{Y: 76, Cb: 85, Cr: 255}
	for y := range s.height / 2 {
		for x := range s.width / 2 {
			img.Y[img.YOffset(x, y)] = red.Y
			img.Cb[img.COffset(x, y)], img.Cr[img.COffset(x, y)] = red.Cb, red.Cr
		}
	}
	for range 24 { // a few specks make it the seed's own
		img.Y[img.YOffset(rnd.IntN(s.width), rnd.IntN(s.height))] = byte(rnd.IntN(256))
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: 85}); err != nil {
		t.Fatal(err)
	}
	data := withComment(out.Bytes(), seed)
	if s.orientation != 0 || !s.at.IsZero() {
		data = withEXIF(data, s)
	}
	return file{name: fmt.Sprintf("IMG_%04d.jpg", seed), data: data}
}

// withComment makes the bytes the seed's own even where the pixels agree.
func withComment(jpg []byte, seed uint64) []byte {
	return segment(jpg, 0xFE, fmt.Appendf(nil, "photograph %d", seed))
}

// segment inserts a JPEG marker segment after SOI.
func segment(jpg []byte, marker byte, body []byte) []byte {
	head := []byte{0xFF, 0xD8, 0xFF, marker}
	head = binary.BigEndian.AppendUint16(head, uint16(len(body)+2))
	return append(append(head, body...), jpg[2:]...)
}

// withEXIF adds orientation, camera, date and offset as a camera writes them.
func withEXIF(jpg []byte, s shot) []byte {
	date := s.at.Format("2006:01:02 15:04:05")
	ifd0 := []tag{ascii(0x010F, "Sajin"), ascii(0x0110, "Test 1"), short(0x0112, max(s.orientation, 1))}
	var exif []tag
	if !s.at.IsZero() {
		exif = append(exif, ascii(0x9003, date))
		if s.offset != "" {
			exif = append(exif, ascii(0x9011, s.offset))
		}
	}
	const tiffHeader = 8
	exifOffset := tiffHeader + ifdSize(append(ifd0, long(0x8769, 0)))
	ifd0 = append(ifd0, long(0x8769, uint32(exifOffset)))
	body := []byte("Exif\x00\x00MM\x00\x2A\x00\x00\x00\x08")
	body = appendIFD(body, tiffHeader, ifd0)
	body = appendIFD(body, exifOffset, exif)
	return segment(jpg, 0xE1, body)
}

type tag struct {
	id, kind uint16
	count    uint32
	value    []byte
}

func ascii(id uint16, s string) tag {
	return tag{id: id, kind: 2, count: uint32(len(s) + 1), value: append([]byte(s), 0)}
}

func short(id, v uint16) tag {
	return tag{id: id, kind: 3, count: 1, value: []byte{byte(v >> 8), byte(v), 0, 0}}
}

func long(id uint16, v uint32) tag {
	return tag{id: id, kind: 4, count: 1, value: binary.BigEndian.AppendUint32(nil, v)}
}

func ifdSize(tags []tag) int {
	size := 2 + 12*len(tags) + 4
	for _, t := range tags {
		if len(t.value) > 4 {
			size += len(t.value)
		}
	}
	return size
}

func appendIFD(out []byte, offset int, tags []tag) []byte {
	next := uint32(offset + 2 + 12*len(tags) + 4)
	var extra []byte
	out = binary.BigEndian.AppendUint16(out, uint16(len(tags)))
	for _, t := range tags {
		out = binary.BigEndian.AppendUint16(out, t.id)
		out = binary.BigEndian.AppendUint16(out, t.kind)
		out = binary.BigEndian.AppendUint32(out, t.count)
		if len(t.value) <= 4 {
			out = append(out, append(t.value, make([]byte, 4-len(t.value))...)...)
			continue
		}
		out = binary.BigEndian.AppendUint32(out, next+uint32(len(extra)))
		extra = append(extra, t.value...)
	}
	out = append(out, 0, 0, 0, 0)
	return append(out, extra...)
}
