package goimaging

import (
	"bytes"
	"errors"
	"image/jpeg"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// fuzzLimits keep one run of the fuzzer short.
var fuzzLimits = Limits{MaxPixels: 1 << 14, MaxMemoryBytes: 8 << 20, MaxFrames: 20, MaxScans: 20}

// addSeeds adds a small file of every kind.
func addSeeds(f *testing.F) {
	m := scene(40, 30)
	f.Add([]byte{})
	f.Add([]byte("GIF89a"))
	f.Add(encodeJPEG(f, m, 80))
	f.Add(insertSegments(encodeJPEG(f, m, 80), segment(markerAPP1, exifPrefix+exifTIFF(6)), appSegments(iccProfile("RGB ", 200))[18:]))
	for _, form := range jpegForms {
		f.Add(form.encode(m))
	}
	f.Add(encodePNG(f, m))
	f.Add(interlacedPNG(m))
	f.Add(insertChunks(encodePNG(f, m), pngChunk("eXIf", []byte(exifTIFF(8))),
		pngChunk("iCCP", append([]byte("p\x00\x00"), deflate(iccProfile("RGB ", 200), 1)...))))
	f.Add(encodeGIF(f, palettedCopy(patches(40, 30))))
	f.Add(join(gifHeader(9, 9), gifFrame(1, 1, 3, 3), gifFrame(0, 0, 9, 9), []byte{gifTrailer}))
	f.Add(riff(riffChunk("VP8L", vp8l(scene(9, 7)))))
	f.Add(riff(vp8xChunk(vp8xAnimation, 16, 16), anmfChunk(2, 4, 9, 7, riffChunk("VP8L", vp8lPlain(9, 7, 9)))))
	f.Add(fixture(f, "patches-half.webp"))
	f.Add(encodeBMP(f, m))
	f.Add(encodeBMP(f, palettedCopy(patches(40, 30))))
	for _, form := range tiffForms {
		f.Add(form.encode(patches(40, 30)))
	}
	f.Add(rawFile(f, ".dng", m))
	f.Add(rafFile(f, m))
	f.Add(cr3File(encodeJPEG(f, m, 80), encodeJPEG(f, scene(9, 7), 80)))
	f.Add([]byte("\xff\x0a\x47\x02"))
	for _, name := range []string{"patches.avif", "patches-half.avif", "patches-turned.avif", "tile-red.heic"} {
		f.Add(fixture(f, name))
	}
}

// refusals are all that an image may be refused with.
var refusals = []error{
	ingest.ErrUnsupported, ingest.ErrVariant, ingest.ErrCorrupt, ingest.ErrEmpty,
	ingest.ErrTooLarge, ingest.ErrTooManyFrames, ingest.ErrTooComplex,
}

func checkRefusal(t *testing.T, err error) {
	t.Helper()
	for _, want := range refusals {
		if errors.Is(err, want) {
			if public := fault.Public(err); public.Detail == "" {
				t.Errorf("no sentence for %v", err)
			}
			return
		}
	}
	t.Errorf("not one of the refusals: %v", err)
}

func FuzzProbe(f *testing.F) {
	addSeeds(f)
	imager := New(fuzzLimits)
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := imager.Probe(t.Context(), source(data))
		if err != nil {
			checkRefusal(t, err)
			return
		}
		pixels := int64(p.Width) * int64(p.Height)
		if p.Unavailable {
			return
		}
		if p.Width < 1 || p.Height < 1 || pixels > fuzzLimits.MaxPixels || p.MemoryBytes > fuzzLimits.MaxMemoryBytes ||
			p.Orientation < 1 || p.Orientation > 8 || p.Frames < 1 || p.Frames > fuzzLimits.MaxFrames {
			t.Errorf("%+v", p)
		}
	})
}

func FuzzDerive(f *testing.F) {
	addSeeds(f)
	imager := New(fuzzLimits)
	specs := []ingest.Spec{{Name: "a", LongEdge: 7, Quality: 60}, {Name: "b", LongEdge: 31, Quality: 80}}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := imager.Probe(t.Context(), source(data))
		if err != nil || p.Unavailable {
			return // FuzzProbe's
		}
		d, err := imager.Derive(t.Context(), source(data), p, specs)
		if err != nil {
			checkRefusal(t, err)
			return
		}
		if len(d.Renditions) == 0 || len(d.Placeholder) == 0 {
			t.Fatalf("%d renditions, placeholder of %d bytes", len(d.Renditions), len(d.Placeholder))
		}
		for _, r := range d.Renditions {
			c, err := jpeg.DecodeConfig(bytes.NewReader(r.Data))
			if err != nil || c.Width != r.Width || c.Height != r.Height || max(c.Width, c.Height) > 31 {
				t.Errorf("%s: %+v %v", r.Name, c, err)
			}
		}
	})
}
