package goimaging

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// cancelling cancels a context at the n-th read.
type cancelling struct {
	io.ReaderAt
	after  int
	cancel context.CancelFunc
}

func (c *cancelling) ReadAt(p []byte, off int64) (int, error) {
	if c.after--; c.after == 0 {
		c.cancel()
	}
	return c.ReaderAt.ReadAt(p, off)
}

// TestDeriveStopsWithItsContext cancels at every read of the source in turn: each
// gives Canceled, until a run needs no more reads and succeeds.
func TestDeriveStopsWithItsContext(t *testing.T) {
	for name, file := range map[string][]byte{
		"jpeg": encodeJPEG(t, scene(400, 300), 90), "cmyk": jpegForms[16].encode(scene(200, 150)),
		"png": encodePNG(t, scene(400, 300)), "webp": riff(riffChunk("VP8L", vp8l(scene(200, 150)))),
	} {
		p := mustProbe(t, file)
		finished := false
		for n := 1; n < 200 && !finished; n++ {
			ctx, cancel := context.WithCancel(t.Context())
			src := ingest.Source{ReaderAt: &cancelling{bytes.NewReader(file), n, cancel}, Size: int64(len(file))}
			_, err := New(unhurried).Derive(ctx, src, p, standardSpecs)
			finished = ctx.Err() == nil && err == nil
			if !finished && fault.KindOf(err) != fault.Canceled {
				t.Errorf("%s: cancelled at read %d: %v", name, n, err)
			}
			cancel()
		}
		if !finished {
			t.Errorf("%s: never finished", name)
		}
	}
}

// Our own deadline is the image's fault, the caller's is not.
func TestDeadlines(t *testing.T) {
	file := encodeJPEG(t, scene(400, 300), 90)
	p := mustProbe(t, file)
	if _, err := New(Limits{MaxDuration: 1}).Derive(t.Context(), source(file), p, standardSpecs); !errors.Is(err, ingest.ErrTooComplex) {
		t.Errorf("own deadline: %v, want ErrTooComplex", err)
	}
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	if _, err := New(unhurried).Derive(ctx, source(file), p, standardSpecs); fault.KindOf(err) != fault.Timeout {
		t.Errorf("the caller's deadline: %v, want Timeout", err)
	}
	if _, err := New(unhurried).Probe(ctx, source(file)); fault.KindOf(err) != fault.Timeout {
		t.Errorf("the caller's deadline: %v, want Timeout", err)
	}
}

// A source that cannot be read is not the image's fault.
func TestSourceFailuresKeepTheirKind(t *testing.T) {
	down := fault.New(fault.Unavailable, "store_down", "The store is down.")
	file := encodePNG(t, scene(400, 300))
	p := mustProbe(t, file)
	for _, size := range []int64{int64(len(file)), 3} {
		src := ingest.Source{ReaderAt: failing{down}, Size: size}
		if _, err := New(unhurried).Probe(t.Context(), src); !errors.Is(err, down) {
			t.Errorf("Probe: %v", err)
		}
		if _, err := New(unhurried).Derive(t.Context(), src, p, standardSpecs); !errors.Is(err, down) {
			t.Errorf("Derive: %v", err)
		}
	}
	short := ingest.Source{ReaderAt: bytes.NewReader(file[:len(file)-9]), Size: int64(len(file))}
	if _, err := New(unhurried).Derive(t.Context(), short, p, standardSpecs); !errors.Is(err, ingest.ErrCorrupt) {
		t.Errorf("a source shorter than it says: %v, want ErrCorrupt", err)
	}
}

type failing struct{ err error }

func (f failing) ReadAt([]byte, int64) (int, error) { return 0, f.err }

type panicking struct{}

func (panicking) ReadAt([]byte, int64) (int, error) { panic("as a decoder would") }

// TestPanicsAreDamage: a decoder's panic must not take the process with it.
func TestPanicsAreDamage(t *testing.T) {
	src := ingest.Source{ReaderAt: panicking{}, Size: 9}
	if _, err := New(unhurried).Probe(t.Context(), src); !errors.Is(err, ingest.ErrCorrupt) {
		t.Errorf("Probe: %v, want ErrCorrupt", err)
	}
	if _, err := New(unhurried).Derive(t.Context(), src, ingest.Probe{}, nil); !errors.Is(err, ingest.ErrCorrupt) {
		t.Errorf("Derive: %v, want ErrCorrupt", err)
	}
}

// TestDeriveRefusesWhatWasNotProbed: work was admitted for another image.
func TestDeriveRefusesWhatWasNotProbed(t *testing.T) {
	file, other := encodePNG(t, scene(40, 30)), encodePNG(t, scene(400, 300))
	if _, err := New(unhurried).Derive(t.Context(), source(other), mustProbe(t, file), standardSpecs); !errors.Is(err, ingest.ErrCorrupt) {
		t.Errorf("%v, want ErrCorrupt", err)
	}
	for _, spec := range []ingest.Spec{{Name: "a", Quality: 80}, {Name: "a", LongEdge: 9}, {Name: "a", LongEdge: 9, Quality: 101}} {
		if _, err := New(unhurried).Derive(t.Context(), source(file), mustProbe(t, file), []ingest.Spec{spec}); fault.KindOf(err) != fault.Internal {
			t.Errorf("%+v: %v, want Internal", spec, err)
		}
	}
}

// TestDamageThatOnlyDecodingFinds passes Probe and is refused by Derive.
func TestDamageThatOnlyDecodingFinds(t *testing.T) {
	png := encodePNG(t, scene(80, 60))
	jpeg := encodeJPEG(t, scene(320, 240), 95)
	webp := riff(riffChunk("VP8L", vp8l(scene(80, 60))[:400]))
	for name, file := range map[string][]byte{
		"png with a wrong checksum in IDAT": flip(png, len(png)/2),
		"png with pixels missing":           zeroPNG(80, 60, 8, pngGray, 40),
		"gif with pixels missing":           join(gifHeader(80, 60), gifFrame(0, 0, 80, 60), []byte{gifTrailer}),
		"webp with pixels missing":          webp,
		"jpeg whose scan breaks off":        join(jpeg[:len(jpeg)*2/3], []byte{0x31, 0xff, markerEOI}),
	} {
		p, err := New(unhurried).Probe(t.Context(), source(file))
		if err != nil {
			t.Errorf("%s: Probe: %v", name, err)
			continue
		}
		if _, err := New(unhurried).Derive(t.Context(), source(file), p, standardSpecs); !errors.Is(err, ingest.ErrCorrupt) {
			t.Errorf("%s: %v, want ErrCorrupt", name, err)
		}
	}
}
