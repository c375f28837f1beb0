package imagertest

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/color/palette"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"sync"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// File is an image and what is true of it.
type File struct {
	Name        string
	Data        []byte
	Format      string
	Width       int // as stored
	Height      int
	Orientation int
	Make        string // of the camera
	Warnings    int    // about its metadata

	Want              *fault.Error // the refusal, of a bad one
	OnlyDecodingFinds bool         // Probe takes it
}

func (f File) mustDerive(t testing.TB, s Subject) (ingest.Probe, ingest.Derived) {
	t.Helper()
	p, err := s.Probe(t.Context(), Source(f.Data))
	if err != nil {
		t.Fatalf("%s: Probe: %v", f.Name, err)
	}
	d, err := s.Derive(t.Context(), Source(f.Data), p, Specs)
	if err != nil {
		t.Fatalf("%s: Derive: %v", f.Name, err)
	}
	return p, d
}

// Good are files that every gallery takes.
var Good = sync.OnceValue(good)

// Bad are files that every gallery refuses.
var Bad = sync.OnceValue(bad)

func good() []File {
	photo := encoded(func(b *bytes.Buffer) error { return jpeg.Encode(b, Scene(700, 500), &jpeg.Options{Quality: 90}) })
	grey := image.NewGray(image.Rect(0, 0, 90, 60))
	draw.Draw(grey, grey.Rect, Scene(90, 60), image.Point{}, draw.Src)
	return []File{
		{Name: "photograph", Data: withExif(photo, exif(6, "Sajin")), Format: "jpeg", Width: 700, Height: 500, Orientation: 6, Make: "Sajin"},
		{Name: "transparent", Data: encoded(func(b *bytes.Buffer) error { return png.Encode(b, glass(400, 300)) }), Format: "png", Width: 400, Height: 300, Orientation: 1},
		{Name: "grey", Data: encoded(func(b *bytes.Buffer) error { return jpeg.Encode(b, grey, nil) }), Format: "jpeg", Width: 90, Height: 60, Orientation: 1},
		{Name: "drawing", Data: encoded(func(b *bytes.Buffer) error { return gif.Encode(b, Scene(330, 20), nil) }), Format: "gif", Width: 330, Height: 20, Orientation: 1},
		{Name: "dot", Data: encoded(func(b *bytes.Buffer) error { return png.Encode(b, Scene(1, 1)) }), Format: "png", Width: 1, Height: 1, Orientation: 1},
		{Name: "broken metadata", Data: withExif(photo, broken(exif(1, "Sajin"))), Format: "jpeg", Width: 700, Height: 500, Orientation: 1, Make: "Sajin", Warnings: 1},
	}
}

func bad() []File {
	photo := encoded(func(b *bytes.Buffer) error { return jpeg.Encode(b, Scene(320, 240), &jpeg.Options{Quality: 95}) })
	picture := encoded(func(b *bytes.Buffer) error { return png.Encode(b, Scene(300, 200)) })
	flipped := bytes.Clone(picture)
	flipped[len(flipped)/2] ^= 1
	moving := &gif.GIF{}
	for range 1001 {
		moving.Image, moving.Delay = append(moving.Image, image.NewPaletted(image.Rect(0, 0, 1, 1), palette.Plan9[:2])), append(moving.Delay, 1)
	}
	return []File{
		{Name: "nothing", Want: ingest.ErrEmpty},
		{Name: "text", Data: []byte("<svg onload=alert(1)>"), Want: ingest.ErrUnsupported},
		{Name: "truncated", Data: photo[:len(photo)/2], Want: ingest.ErrCorrupt},
		{Name: "bomb", Data: huge(picture), Want: ingest.ErrTooLarge},
		{Name: "film", Data: encoded(func(b *bytes.Buffer) error { return gif.EncodeAll(b, moving) }), Want: ingest.ErrTooManyFrames},
		{Name: "broken pixels", Data: flipped, Want: ingest.ErrCorrupt, OnlyDecodingFinds: true},
		{
			Name: "scan that breaks off", Data: append(bytes.Clone(photo[:len(photo)*2/3]), 0x31, 0xff, 0xd9),
			Want: ingest.ErrCorrupt, OnlyDecodingFinds: true,
		},
	}
}

// huge is a PNG whose header says that it has 2^40 pixels.
func huge(file []byte) []byte {
	out := bytes.Clone(file)
	const width, height = 16, 20
	binary.BigEndian.PutUint32(out[width:], 1<<20)
	binary.BigEndian.PutUint32(out[height:], 1<<20)
	const kind, sum = 12, 29 // of the header
	binary.BigEndian.PutUint32(out[sum:], crc32.ChecksumIEEE(out[kind:sum]))
	return out
}

// Scene is a picture that is nowhere the same.
func Scene(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.SetRGBA(x, y, color.RGBA{byte(255 * x / w), byte(255 * y / h), byte((x*x/50 + y*y/70) & 127), 255})
		}
	}
	return m
}

func glass(w, h int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		copy(m.Pix[4*i:], []byte{byte(i), byte(i >> 4), byte(i >> 8), byte(i / w)})
	}
	return m
}

func encoded(encode func(*bytes.Buffer) error) []byte {
	var b bytes.Buffer
	if err := encode(&b); err != nil {
		panic(err) // the standard library encodes what is in memory
	}
	return b.Bytes()
}

// taken is when exif says that the picture was taken.
var taken = time.Date(2026, 5, 3, 18, 2, 1, 0, time.UTC)

// exif is TIFF-structured data with an orientation, a camera and a date.
func exif(orientation uint16, camera string) string {
	type entry struct {
		tag, kind uint16
		value     []byte
	}
	text := func(s string) []byte { return append([]byte(s), 0) }
	short := func(v uint16) []byte { return binary.LittleEndian.AppendUint16(nil, v) }
	long := func(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }
	const kindText, kindShort, kindLong = 2, 3, 4
	directory := func(at int, entries ...entry) []byte {
		out := short(uint16(len(entries)))
		data := at + 2 + 12*len(entries) + 4
		var rest []byte
		for _, e := range entries {
			out = append(out, short(e.tag)...)
			out = append(out, short(e.kind)...)
			count := map[uint16]int{kindText: len(e.value), kindShort: 1, kindLong: 1}[e.kind]
			out = append(out, long(uint32(count))...)
			if len(e.value) <= 4 {
				out = append(out, append(e.value, 0, 0, 0, 0)[:4]...)
				continue
			}
			out = append(out, long(uint32(data+len(rest)))...)
			rest = append(rest, e.value...)
		}
		return append(append(out, 0, 0, 0, 0), rest...)
	}
	main := func(sub int) []byte {
		return directory(8, entry{0x10f, kindText, text(camera)}, entry{0x112, kindShort, short(orientation)}, entry{0x8769, kindLong, long(uint32(sub))})
	}
	at := 8 + len(main(0))
	details := directory(at, entry{0x9003, kindText, text("2026:05:04 03:02:01")}, entry{0x9011, kindText, text("+09:00")})
	return "II*\x00\x08\x00\x00\x00" + string(main(at)) + string(details)
}

// broken is exif whose third entry, where the date is, is of no known kind.
func broken(tiff string) string {
	out := []byte(tiff)
	copy(out[8+2+2*12+2:], "\x63\x00")
	return string(out)
}

// withExif puts data into a JPEG, after its first marker.
func withExif(file []byte, tiff string) []byte {
	body := "Exif\x00\x00" + tiff
	out := append(bytes.Clone(file[:2]), 0xff, 0xe1)
	out = binary.BigEndian.AppendUint16(out, uint16(len(body)+2))
	return append(append(out, body...), file[2:]...)
}
