// Package imagertest is the conformance suite of [ingest.Imager] and
// [ingest.MetadataReader]: what an upload relies on, whoever does the work and
// wherever. It knows the ports and what every viewer of images knows; formats in
// detail are for the tests of the codecs.
package imagertest

import (
	"bytes"
	"context"
	"errors"
	"image/jpeg"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// Subject is what is tested.
type Subject struct {
	ingest.Imager
	ingest.MetadataReader
}

// Specs are what the gallery asks for.
var Specs = ingest.Defaults().Specs

// Source is a file in memory.
func Source(data []byte) ingest.Source {
	return ingest.Source{ReaderAt: bytes.NewReader(data), Size: int64(len(data))}
}

// Run tests what open makes. Every test opens its own.
func Run(t *testing.T, open func(*testing.T) Subject) {
	for name, test := range map[string]func(*testing.T, Subject){
		"Images": images, "Refusals": refusals, "Metadata": metadata, "ContextsEnd": contextsEnd,
		"SourcesFail": sourcesFail, "Callers": callers, "AtOnce": atOnce,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// images are upright, in the sizes that were asked for, and no larger than they
// are.
func images(t *testing.T, s Subject) {
	for _, f := range Good() {
		p, d := f.mustDerive(t, s)
		if p.Format != f.Format || p.Width != f.Width || p.Height != f.Height || p.MemoryBytes < 1 {
			t.Errorf("%s: %+v", f.Name, p)
		}
		upright := [2]int{f.Width, f.Height}
		if f.Orientation > 4 {
			upright[0], upright[1] = upright[1], upright[0]
		}
		if p.Orientation != f.Orientation || d.Width != upright[0] || d.Height != upright[1] || len(d.Placeholder) < 5 {
			t.Errorf("%s: orientation %d, %d x %d, placeholder of %d bytes", f.Name, p.Orientation, d.Width, d.Height, len(d.Placeholder))
		}
		if want := renditions(f); len(d.Renditions) != want {
			t.Errorf("%s: %d renditions, want %d", f.Name, len(d.Renditions), want)
		}
		for i, r := range d.Renditions {
			m, err := jpeg.Decode(bytes.NewReader(r.Data))
			if err != nil || m.Bounds().Dx() != r.Width || m.Bounds().Dy() != r.Height || r.Name != Specs[i].Name ||
				max(r.Width, r.Height) > Specs[i].LongEdge || r.ContentType != "image/jpeg" || r.Extension != ".jpg" {
				t.Errorf("%s: %s of %d x %d, %s: %v", f.Name, r.Name, r.Width, r.Height, r.ContentType, err)
			}
		}
	}
}

// renditions is how many of the gallery's sizes a file gets.
func renditions(f File) int {
	for i, s := range Specs {
		if max(f.Width, f.Height) <= s.LongEdge {
			return i + 1
		}
	}
	return len(Specs)
}

// refusals say what is wrong, by Probe where the header tells and else by Derive.
func refusals(t *testing.T, s Subject) {
	for _, f := range Bad() {
		p, err := s.Probe(t.Context(), Source(f.Data))
		if err == nil && f.OnlyDecodingFinds {
			_, err = s.Derive(t.Context(), Source(f.Data), p, Specs)
		}
		if !errors.Is(err, f.Want) {
			t.Errorf("%s: %v, want %v", f.Name, err, f.Want)
		}
		if want, got := fault.Public(f.Want), fault.Public(err); got.Code != want.Code || got.Detail == "" {
			t.Errorf("%s: a client sees %+v", f.Name, got)
		}
	}
}

func metadata(t *testing.T, s Subject) {
	for _, f := range Good() {
		p, _ := f.mustDerive(t, s)
		m, err := s.Read(t.Context(), Source(f.Data), p)
		if err != nil || m.Camera.Make != f.Make || len(m.Warnings) != f.Warnings {
			t.Errorf("%s: %+v, %v, want the camera %q and %d warnings", f.Name, m, err, f.Make, f.Warnings)
		}
		if f.Make != "" && f.Warnings == 0 && (m.TakenAt == nil || !m.TakenAt.Equal(taken) || m.TakenOffset == nil || *m.TakenOffset != 540) {
			t.Errorf("%s: taken at %v", f.Name, m.TakenAt)
		}
	}
}

// contextsEnd before the work begins. The end of the caller's time is never the
// image's fault.
func contextsEnd(t *testing.T, s Subject) {
	f := Good()[0]
	p, _ := f.mustDerive(t, s)
	for want, ctx := range map[fault.Kind]context.Context{fault.Canceled: canceled(t), fault.Timeout: expired(t)} {
		if _, err := s.Probe(ctx, Source(f.Data)); fault.KindOf(err) != want {
			t.Errorf("Probe: %v, want %v", err, want)
		}
		if _, err := s.Derive(ctx, Source(f.Data), p, Specs); fault.KindOf(err) != want {
			t.Errorf("Derive: %v, want %v", err, want)
		}
		if _, err := s.Read(ctx, Source(f.Data), p); fault.KindOf(err) != want {
			t.Errorf("Read: %v, want %v", err, want)
		}
	}
	f.mustDerive(t, s) // and nothing of it stays
}

func canceled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func expired(t *testing.T) context.Context {
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	t.Cleanup(cancel)
	return ctx
}

// sourcesFail with their own error, or end before they said; only the latter is
// the image's fault.
func sourcesFail(t *testing.T, s Subject) {
	down := fault.New(fault.Unavailable, "store_down", "The store is down.")
	f := Good()[0]
	p, _ := f.mustDerive(t, s)
	src := ingest.Source{ReaderAt: failing{down}, Size: int64(len(f.Data))}
	if _, err := s.Probe(t.Context(), src); !errors.Is(err, down) {
		t.Errorf("Probe: %v", err)
	}
	if _, err := s.Derive(t.Context(), src, p, Specs); !errors.Is(err, down) {
		t.Errorf("Derive: %v", err)
	}
	if _, err := s.Read(t.Context(), src, p); !errors.Is(err, down) {
		t.Errorf("Read: %v", err)
	}
	short := ingest.Source{ReaderAt: bytes.NewReader(f.Data[:len(f.Data)-9]), Size: int64(len(f.Data))}
	if _, err := s.Derive(t.Context(), short, p, Specs); !errors.Is(err, ingest.ErrCorrupt) {
		t.Errorf("a source shorter than it says: %v, want ErrCorrupt", err)
	}
}

type failing struct{ err error }

func (f failing) ReadAt([]byte, int64) (int, error) { return 0, f.err }

var _ io.ReaderAt = failing{}

// callers make mistakes: a probe of another image, specs that no image can meet.
func callers(t *testing.T, s Subject) {
	one, other := Good()[0], Good()[1]
	p, _ := one.mustDerive(t, s)
	if _, err := s.Derive(t.Context(), Source(other.Data), p, Specs); !errors.Is(err, ingest.ErrCorrupt) {
		t.Errorf("another image's probe: %v, want ErrCorrupt", err)
	}
	impossible := []ingest.Spec{{Name: "a", LongEdge: 9, Quality: 101}}
	if _, err := s.Derive(t.Context(), Source(one.Data), p, impossible); fault.KindOf(err) != fault.Internal {
		t.Errorf("an impossible spec: %v, want Internal", err)
	}
	if d, err := s.Derive(t.Context(), Source(one.Data), p, nil); err != nil || len(d.Renditions) != 0 || len(d.Placeholder) < 5 {
		t.Errorf("no specs: %+v, %v", d, err)
	}
}

// atOnce has many callers share the subject: everyone gets what they get alone.
func atOnce(t *testing.T, s Subject) {
	type result struct {
		Probe    ingest.Probe
		Derived  ingest.Derived
		Metadata ingest.Metadata
	}
	files := Good()
	alone := make([]result, len(files))
	for i, f := range files {
		alone[i].Probe, alone[i].Derived = f.mustDerive(t, s)
		var err error
		if alone[i].Metadata, err = s.Read(t.Context(), Source(f.Data), alone[i].Probe); err != nil {
			t.Fatal(err)
		}
	}
	var all sync.WaitGroup
	for i := range 2 * len(files) {
		f, want := files[i%len(files)], alone[i%len(files)]
		all.Go(func() {
			var got result
			var err error
			if got.Probe, err = s.Probe(t.Context(), Source(f.Data)); err == nil {
				got.Derived, err = s.Derive(t.Context(), Source(f.Data), got.Probe, Specs)
			}
			if err == nil {
				got.Metadata, err = s.Read(t.Context(), Source(f.Data), got.Probe)
			}
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%s: %v %s", f.Name, err, diff)
			}
		})
	}
	all.Wait()
}
