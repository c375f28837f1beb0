package goimaging

import (
	"bytes"
	"context"
	"image"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
	"go.n16f.net/thumbhash"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestRenditionSizes: never larger than the image, never two of one size, always
// one, and never without a pixel.
func TestRenditionSizes(t *testing.T) {
	type size struct {
		name string
		w, h int
	}
	for _, tc := range []struct {
		w, h int
		want []size
	}{
		{1, 1, []size{{"w320", 1, 1}}},
		{320, 200, []size{{"w320", 320, 200}}},
		{321, 200, []size{{"w320", 320, 199}, {"w1024", 321, 200}}},
		{200, 1024, []size{{"w320", 63, 320}, {"w1024", 200, 1024}}},
		{1025, 3, []size{{"w320", 320, 1}, {"w1024", 1024, 3}, {"w2048", 1025, 3}}},
		{3000, 2000, []size{{"w320", 320, 213}, {"w1024", 1024, 683}, {"w2048", 2048, 1365}}},
		{1, 65535, []size{{"w320", 1, 320}, {"w1024", 1, 1024}, {"w2048", 1, 2048}}},
		{65535, 1, []size{{"w320", 320, 1}, {"w1024", 1024, 1}, {"w2048", 2048, 1}}},
	} {
		d := mustDerive(t, encodePNG(t, image.NewGray(image.Rect(0, 0, tc.w, tc.h))), standardSpecs...)
		var got []size
		for _, r := range d.Renditions {
			decodeRendition(t, r)
			got = append(got, size{r.Name, r.Width, r.Height})
		}
		if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(size{})); diff != "" {
			t.Errorf("%d x %d:\n%s", tc.w, tc.h, diff)
		}
		if d.Width != tc.w || d.Height != tc.h || len(d.Placeholder) < 5 {
			t.Errorf("%d x %d: %d x %d, placeholder of %d bytes", tc.w, tc.h, d.Width, d.Height, len(d.Placeholder))
		}
	}
}

func TestSmallestSubsampledJPEGs(t *testing.T) {
	for _, f := range jpegForms {
		for _, size := range [][2]int{{1, 1}, {2, 3}, {5, 1}, {17, 4}} {
			d := mustDerive(t, f.encode(scene(size[0], size[1])), standardSpecs...)
			if d.Width != size[0] || d.Height != size[1] {
				t.Errorf("%s: %d x %d, want %v", f.name, d.Width, d.Height, size)
			}
			decodeRendition(t, d.Renditions[0])
		}
	}
}

// Renditions come in the order of the specs, whatever that is.
func TestOrderOfRenditions(t *testing.T) {
	d := mustDerive(t, encodePNG(t, scene(400, 300)), ingest.Spec{Name: "b", LongEdge: 200, Quality: 80},
		ingest.Spec{Name: "c", LongEdge: 300, Quality: 80}, ingest.Spec{Name: "a", LongEdge: 100, Quality: 80})
	var names []string
	for _, r := range d.Renditions {
		names = append(names, r.Name)
	}
	if got := strings.Join(names, " "); got != "b c a" {
		t.Errorf("%s, want b c a", got)
	}
}

// TestPlaceholder decodes the hash of a turned picture: upright, in about its
// colours.
func TestPlaceholder(t *testing.T) {
	m := image.NewRGBA(image.Rect(0, 0, 900, 600))
	for i := range 900 * 600 {
		copy(m.Pix[4*i:], []byte{200, 40, 30, 255})
		if i%900 < 450 {
			copy(m.Pix[4*i:], []byte{30, 60, 200, 255})
		}
	}
	file := insertChunks(encodePNG(t, stored(m, 6)), pngChunk("eXIf", []byte(exifTIFF(6))))
	for _, specs := range [][]ingest.Spec{standardSpecs, nil} {
		d := mustDerive(t, file, specs...)
		got, err := thumbhash.DecodeImage(d.Placeholder)
		if err != nil {
			t.Fatal(err)
		}
		w, h := got.Bounds().Dx(), got.Bounds().Dy()
		lr, _, lb, _ := got.At(w/5, h/2).RGBA()
		rr, _, rb, _ := got.At(w*4/5, h/2).RGBA()
		if w <= h || lb < 2*lr || rr < 2*rb {
			t.Errorf("%d x %d, left %d %d, right %d %d", w, h, lr>>8, lb>>8, rr>>8, rb>>8)
		}
	}
}

// TestRenditionsCarryNothing plants secrets wherever a format has room for them.
func TestRenditionsCarryNothing(t *testing.T) {
	const secret = "<script>alert('GPS 52.5 13.4')</script>"
	m := scene(400, 300)
	jpeg := insertSegments(encodeJPEG(t, m, 90),
		segment(markerAPP1, exifPrefix+exifTIFF(6)+secret), segment(0xfe, secret), segment(0xed, secret),
		segment(markerAPP1, "http://ns.adobe.com/xap/1.0/\x00"+secret), segment(markerAPP2, "MPF\x00"+secret))
	png := insertChunks(encodePNG(t, m), pngChunk("tEXt", []byte("Comment\x00"+secret)), pngChunk("eXIf", []byte(exifTIFF(3)+secret)))
	plain := encodeGIF(t, palettedCopy(patches(400, 300)))
	head := gifHeaderBytes + gifTableBytes(plain[10])
	gif := join(plain[:head], []byte{gifExtension, 0xfe, byte(len(secret))}, []byte(secret), []byte{0}, plain[head:])
	webp := riff(vp8xChunk(1<<2, 400, 300), riffChunk("VP8L", vp8l(m)), riffChunk("XMP ", []byte(secret)))
	for name, file := range map[string][]byte{"jpeg": jpeg, "png": png, "webp": webp, "gif": gif} {
		d := mustDerive(t, append(file, "PK\x03\x04<html>"+secret...), standardSpecs...)
		for _, r := range d.Renditions {
			if bytes.Contains(r.Data, []byte("script")) || bytes.Contains(r.Data, []byte("Exif")) {
				t.Errorf("%s: %s carries what was planted", name, r.Name)
			}
			checkMarkers(t, r.Data)
		}
	}
}

// checkMarkers walks a rendition: only what decoding needs, and nothing after it.
func checkMarkers(t *testing.T, data []byte) {
	t.Helper()
	allowed := []byte{markerAPP0, markerAPP2, markerDQT, markerSOF0, markerDHT, markerSOS}
	pos := 2
	for {
		marker, size := data[pos+1], int(data[pos+2])<<8|int(data[pos+3])
		if data[pos] != 0xff || bytes.IndexByte(allowed, marker) < 0 {
			t.Fatalf("marker %#02x %#02x at %d", data[pos], marker, pos)
		}
		pos += 2 + size
		if marker == markerSOS {
			break
		}
	}
	end := bytes.Index(data[pos:], []byte{0xff, markerEOI})
	if end < 0 || pos+end+2 != len(data) {
		t.Errorf("%d bytes after the end", len(data)-(pos+end+2))
	}
}

// TestMemoryIsNotUnderestimated: Derive may not even allocate, over its whole
// run, more than Probe said that it would hold at once, except for what it
// allocates again for each rendition.
func TestMemoryIsNotUnderestimated(t *testing.T) {
	m := scene(480, 360)
	files := map[string][]byte{
		"png": encodePNG(t, m), "png of 16 bits": encodePNG(t, deepCopy(m)), "png interlaced": interlacedPNG(m),
		"gif": encodeGIF(t, palettedCopy(m)), "webp lossless": riff(riffChunk("VP8L", vp8l(m))),
		"webp lossy": fixture(t, "patches.webp"), "webp lossy with alpha": fixture(t, "patches-alpha.webp"),
	}
	for _, f := range jpegForms {
		files["jpeg "+f.name] = f.encode(m)
	}
	for name, file := range files {
		p := mustProbe(t, file)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		mustDerive(t, file, standardSpecs...)
		runtime.ReadMemStats(&after)
		if got := int64(after.TotalAlloc - before.TotalAlloc); got > p.MemoryBytes*5/4 {
			t.Errorf("%s: %.1f MB allocated, %.1f MB estimated", name, mega(got), mega(p.MemoryBytes))
		}
	}
}

// One Imager serves many: the results are those of one alone.
func TestConcurrentDerives(t *testing.T) {
	files := [][]byte{encodeJPEG(t, scene(300, 200), 90), encodePNG(t, patches(350, 210)), jpegForms[8].encode(scene(200, 300))}
	imager := New(unhurried)
	var wg sync.WaitGroup
	for i := range 6 {
		file := files[i%len(files)]
		p, want := mustProbe(t, file), mustDerive(t, file, standardSpecs...)
		wg.Go(func() {
			got, err := imager.Derive(context.Background(), source(file), p, standardSpecs)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%d: %v %s", i, err, diff)
			}
		})
	}
	wg.Wait()
}
