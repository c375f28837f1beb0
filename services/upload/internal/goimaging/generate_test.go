package goimaging

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// standardSpecs are what the gallery asks for.
var standardSpecs = []ingest.Spec{
	{Name: "w320", LongEdge: 320, Quality: 80},
	{Name: "w1024", LongEdge: 1024, Quality: 80},
	{Name: "w2048", LongEdge: 2048, Quality: 80},
}

func source(data []byte) ingest.Source {
	return ingest.Source{ReaderAt: bytes.NewReader(data), Size: int64(len(data))}
}

// unhurried are the limits, without the one that a slow or busy machine reaches.
var unhurried = Limits{MaxDuration: 10 * time.Minute}

// mustProbe probes data with the default limits, unhurried.
func mustProbe(t testing.TB, data []byte) ingest.Probe {
	t.Helper()
	p, err := New(unhurried).Probe(context.Background(), source(data))
	if err != nil {
		t.Fatalf("Probe: %v", err)
	}
	return p
}

// mustDerive probes and derives data with the default limits, unhurried.
func mustDerive(t testing.TB, data []byte, specs ...ingest.Spec) ingest.Derived {
	t.Helper()
	d, err := New(unhurried).Derive(context.Background(), source(data), mustProbe(t, data), specs)
	if err != nil {
		t.Fatalf("Derive: %v", err)
	}
	return d
}

// decodeRendition decodes with the standard library, which knows nothing of the
// encoder under test.
func decodeRendition(t testing.TB, r ingest.Rendition) image.Image {
	t.Helper()
	m, err := jpeg.Decode(bytes.NewReader(r.Data))
	if err != nil {
		t.Fatalf("%s: %v", r.Name, err)
	}
	if m.Bounds() != image.Rect(0, 0, r.Width, r.Height) {
		t.Fatalf("%s is %v and says %d x %d", r.Name, m.Bounds(), r.Width, r.Height)
	}
	return m
}

// scene is a picture like a photograph: gradients, curved edges, fine detail and
// colour, and no symmetry that would hide a turn.
func scene(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			u, v := float64(x)/float64(w), float64(y)/float64(h)
			edge := 40 * math.Tanh(30*math.Sin(9*u+5*v*v))
			detail := 18 * math.Sin(90*u*u+70*v)
			m.SetRGBA(x, y, color.RGBA{
				byteOf(128 + 90*u + edge + detail), byteOf(200 - 140*v + edge - detail),
				byteOf(90 + 80*math.Cos(4*u-3*v) + detail), 255,
			})
		}
	}
	return m
}

func byteOf(v float64) uint8 { return uint8(min(max(math.Round(v), 0), 255)) }

// patchColours are laid out in four columns and two rows by patches.
var patchColours = [8]color.RGBA{
	{255, 255, 255, 255},
	{0, 0, 0, 255},
	{200, 30, 30, 255},
	{30, 160, 40, 255},
	{40, 60, 210, 255},
	{230, 210, 40, 255},
	{128, 128, 128, 255},
	{150, 60, 170, 255},
}

func patches(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			m.SetRGBA(x, y, patchColours[x*4/w+4*(y*2/h)])
		}
	}
	return m
}

// checkPatches compares the middle of each patch of a rendition with its colour.
func checkPatches(t *testing.T, m image.Image, want [8]color.RGBA, tolerance int) {
	t.Helper()
	size := m.Bounds().Size()
	for i, c := range want {
		x, y := size.X*(2*(i%4)+1)/8, size.Y*(2*(i/4)+1)/4
		r, g, b, _ := m.At(x, y).RGBA()
		off := max(distance(r>>8, c.R), distance(g>>8, c.G), distance(b>>8, c.B))
		if off > tolerance {
			t.Errorf("patch %d is %d %d %d, want %v", i, r>>8, g>>8, b>>8, c)
		}
	}
}

func distance(a uint32, b uint8) int { return max(int(a)-int(b), int(b)-int(a)) }

// segment is a JPEG segment.
func segment(marker byte, body string) []byte {
	size := 2 + len(body)
	return append([]byte{0xff, marker, byte(size >> 8), byte(size)}, body...)
}

// exifTIFF is TIFF-structured EXIF data that holds nothing but an orientation.
func exifTIFF(orientation uint16) string {
	b := []byte("MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01")
	b = binary.BigEndian.AppendUint16(b, orientation)
	return string(append(b, 0, 0, 0, 0, 0, 0))
}

// insertSegments puts segments directly after SOI.
func insertSegments(file []byte, segments ...[]byte) []byte {
	out := append([]byte{}, file[:2]...)
	return append(append(out, bytes.Join(segments, nil)...), file[2:]...)
}

func encodeJPEG(t testing.TB, m image.Image, quality int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func encodePNG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// pngChunk is a chunk with its checksum.
func pngChunk(kind string, data []byte) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	out = append(append(out, kind...), data...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
}

// pngHeader is a signature and an IHDR.
func pngHeader(w, h uint32, depth, colour, interlace byte) []byte {
	data := binary.BigEndian.AppendUint32(nil, w)
	data = binary.BigEndian.AppendUint32(data, h)
	data = append(data, depth, colour, 0, 0, interlace)
	return append([]byte("\x89PNG\r\n\x1a\n"), pngChunk("IHDR", data)...)
}

// insertChunks puts chunks directly after IHDR.
func insertChunks(file []byte, chunks ...[]byte) []byte {
	const head = 8 + 8 + 13 + 4
	out := append([]byte{}, file[:head]...)
	return append(append(out, bytes.Join(chunks, nil)...), file[head:]...)
}

// zeroPNG is a whole PNG whose pixels are all zero, deflated as they stream.
func zeroPNG(w, h uint32, depth, colour byte, rowBytes int) []byte {
	return append(pngHeader(w, h, depth, colour, 0), append(
		pngChunk("IDAT", deflate(make([]byte, rowBytes+1), int(h))), pngChunk("IEND", nil)...)...)
}

// deflate is a zlib stream of data, repeated.
func deflate(data []byte, times int) []byte {
	var b bytes.Buffer
	z := zlib.NewWriter(&b)
	for range times {
		_, _ = z.Write(data) // a bytes.Buffer takes everything
	}
	_ = z.Close()
	return b.Bytes()
}

// iccProfile is a profile in outline: the header that decides whether it is
// kept, and something to recognise it by.
func iccProfile(space string, size int) []byte {
	b := make([]byte, size)
	binary.BigEndian.PutUint32(b, uint32(size))
	copy(b[12:], "mntr")
	copy(b[16:], space)
	copy(b[36:], "acsp")
	for i := 128; i < size; i++ {
		b[i] = byte(i * 7)
	}
	return b
}

// riff is a WebP file of chunks.
func riff(chunks ...[]byte) []byte {
	body := append([]byte("WEBP"), bytes.Join(chunks, nil)...)
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
}

func riffChunk(kind string, data []byte) []byte {
	out := append(binary.LittleEndian.AppendUint32([]byte(kind), uint32(len(data))), data...)
	return append(out, make([]byte, len(data)&1)...)
}

// vp8xChunk is an extended header.
func vp8xChunk(flags byte, w, h int) []byte {
	data := make([]byte, vp8xBytes)
	data[0] = flags
	putUint24(data[4:], w-1)
	putUint24(data[7:], h-1)
	return riffChunk("VP8X", data)
}

// anmfChunk is a frame of an animation.
func anmfChunk(x, y, w, h int, chunks ...[]byte) []byte {
	head := make([]byte, anmfBytes)
	putUint24(head, x/2)
	putUint24(head[3:], y/2)
	putUint24(head[6:], w-1)
	putUint24(head[9:], h-1)
	return riffChunk("ANMF", append(head, bytes.Join(chunks, nil)...))
}
