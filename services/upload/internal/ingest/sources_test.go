package ingest_test

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// files are memory files that count how many are open.
type files struct {
	dir  string
	err  error
	made []*os.File
}

func (f *files) open() (*os.File, error) {
	if f.err != nil {
		return nil, f.err
	}
	file, err := os.CreateTemp(f.dir, "memory")
	if err != nil {
		return nil, err
	}
	f.made = append(f.made, file)
	return file, os.Remove(file.Name())
}

// filed is an imager that wants its source in a file.
type filed struct {
	*imager
	got []string
}

func (m *filed) Probe(ctx context.Context, src ingest.Source) (ingest.Probe, error) {
	if _, ok := src.ReaderAt.(*os.File); ok {
		m.got = append(m.got, word(src))
	}
	return m.imager.Probe(ctx, src)
}

// Small originals are held in memory files where there are such, and let go of,
// whatever becomes of the image.
func TestSmallOriginalsAreHeldInMemoryFiles(t *testing.T) {
	w := newWorld(t)
	memory, imager := &files{dir: t.TempDir()}, &filed{imager: w.imager}
	w.Service = ingest.New(w.cfg, ingest.Ports{
		Blob: w.bucket, Events: w.bus, Imager: imager, Metadata: metadata{}, MemoryFile: memory.open, Now: w.clock.Now, Log: discard,
	})
	w.process(w.store(picture("fine")))
	if _, err := w.Process(t.Context(), w.store(picture("corrupt")).Key); !errors.Is(err, ingest.ErrCorrupt) {
		t.Errorf("%v, want ErrCorrupt", err)
	}
	if len(imager.got) != 2 || imager.got[0] != "fine" || len(memory.made) != 2 {
		t.Errorf("the imager was given %q, in %d files", imager.got, len(memory.made))
	}
	for _, f := range memory.made {
		if _, err := f.Stat(); !errors.Is(err, os.ErrClosed) {
			t.Errorf("a file is still open: %v", err)
		}
	}
	memory.err = errors.New("too many open files")
	o := w.store(picture("later"))
	if _, err := w.Process(t.Context(), o.Key); fault.KindOf(err) != fault.OutOfSpace {
		t.Errorf("%v, want OutOfSpace", err)
	}
	memory.err = nil
	w.process(o)
}

// busy is an imager that comes to no image before the time is over.
type busy struct{ *imager }

func (busy) Derive(ctx context.Context, _ ingest.Source, _ ingest.Probe, _ []ingest.Spec) (ingest.Derived, error) {
	<-ctx.Done()
	return ingest.Derived{}, fault.New(fault.Unavailable, "images_busy", "")
}

// An image that was never worked on is not too complex: it stays, and is worked
// on later.
func TestImageThatWaitedInVainIsKept(t *testing.T) {
	w := newWorld(t, func(c *ingest.Config) { c.DeriveTimeout = time.Millisecond })
	o := w.store(picture("fine"))
	s := ingest.New(w.cfg, ingest.Ports{
		Blob: w.bucket, Events: w.bus, Imager: busy{w.imager}, Metadata: metadata{}, Now: w.clock.Now, Log: discard,
	})
	defer s.Close(context.WithoutCancel(t.Context()))
	if _, err := s.Process(t.Context(), o.Key); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("%v, want Unavailable", err)
	}
	w.process(o)
}

// later is a reader of metadata that does not come to it.
type later struct{}

func (later) Read(context.Context, ingest.Source, ingest.Probe) (ingest.Metadata, error) {
	return ingest.Metadata{}, fault.New(fault.Unavailable, "images_busy", "")
}

// A picture is not made without its date because nobody could read it just then:
// what the manifest says is said for good.
func TestMetadataThatCannotBeReadNowIsReadLater(t *testing.T) {
	w := newWorld(t)
	o := w.store(picture("fine"))
	s := ingest.New(w.cfg, ingest.Ports{
		Blob: w.bucket, Events: w.bus, Imager: w.imager, Metadata: later{}, Now: w.clock.Now, Log: discard,
	})
	defer s.Close(context.WithoutCancel(t.Context()))
	if _, err := s.Process(t.Context(), o.Key); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("%v, want Unavailable", err)
	}
	if m := w.process(o); m.TakenAt == nil || m.Camera.Model != "Box" {
		t.Errorf("later the manifest says %+v", m)
	}
}
