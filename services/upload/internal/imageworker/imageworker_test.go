//go:build unix

package imageworker

import (
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/services/upload/internal/goimaging"
	"github.com/sajin-gallery/sajin/services/upload/internal/imagemetadata"
	"github.com/sajin-gallery/sajin/services/upload/internal/imagertest"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

func TestConformance(t *testing.T) {
	imagertest.Run(t, func(t *testing.T) imagertest.Subject {
		p := newPool(t)
		return imagertest.Subject{Imager: p, MetadataReader: p}
	})
}

// What a worker makes is what the engine makes in this process, to the byte, and
// what it refuses is refused in the same words.
func TestSameAsInProcess(t *testing.T) {
	near, reader, far := goimaging.New(unhurried), imagemetadata.New(time.Now), newPool(t)
	for _, f := range append(imagertest.Good(), imagertest.Bad()...) {
		src := imagertest.Source(f.Data)
		p, wantErr := near.Probe(t.Context(), src)
		q, err := far.Probe(t.Context(), src)
		if diff := cmp.Diff(p, q) + cmp.Diff(words(wantErr), words(err)); diff != "" {
			t.Errorf("%s: Probe: %s", f.Name, diff)
		}
		want, wantErr := near.Derive(t.Context(), src, p, imagertest.Specs)
		got, err := far.Derive(t.Context(), src, p, imagertest.Specs)
		if diff := cmp.Diff(want, got) + cmp.Diff(words(wantErr), words(err)); diff != "" {
			t.Errorf("%s: Derive: %s", f.Name, diff)
		}
		recorded, wantErr := reader.Read(t.Context(), src, p)
		told, err := far.Read(t.Context(), src, p)
		if diff := cmp.Diff(recorded, told) + cmp.Diff(words(wantErr), words(err)); diff != "" {
			t.Errorf("%s: Read: %s", f.Name, diff)
		}
	}
}

func words(err error) string {
	if err == nil {
		return ""
	}
	public := fault.Public(err)
	return public.Code + ": " + public.Detail
}

// An image in a file reaches the worker as that file, and cannot be changed by
// it.
func TestFilesAreHandedOver(t *testing.T) {
	p, f := newPool(t), imagertest.Good()[0]
	name := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(name, f.Data, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if _, err := file.WriteAt([]byte("a trailer"), int64(len(f.Data))); err != nil {
		t.Fatal(err)
	}
	size := int64(len(f.Data))
	for _, r := range []io.ReaderAt{file, io.NewSectionReader(file, 0, size)} {
		src := ingest.Source{ReaderAt: r, Size: size}
		probe, err := p.Probe(t.Context(), src)
		if err != nil || probe.Width != f.Width || fileOf(src) != file {
			t.Errorf("%T: %+v, %v", r, probe, err)
		}
	}
	for _, r := range []io.ReaderAt{io.NewSectionReader(file, 1, size), io.NewSectionReader(file, 0, size-1)} {
		if fileOf(ingest.Source{ReaderAt: r, Size: size}) != nil {
			t.Error("another part of the file is handed over")
		}
	}
	shared, release, err := share(t.Context(), ingest.Source{ReaderAt: file, Size: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if _, err := shared.Write([]byte("x")); err == nil {
		t.Error("a worker could write to the image")
	}
}

// Workers are kept for the next image, and end when none comes.
func TestIdleWorkersEnd(t *testing.T) {
	s := newStage(t, func(c *Config) { c.Idle = 50 * time.Millisecond })
	done := s.derive(t.Context())
	a := s.enter()
	a.told("go on")
	s.end(done)
	a.gone()
	s.canary()
}

// Close ends them at once, and nothing starts afterwards.
func TestCloseEndsWorkers(t *testing.T) {
	s := newStage(t, func(c *Config) { c.Idle = time.Hour })
	done := s.derive(t.Context())
	a := s.enter()
	a.told("go on")
	s.end(done)
	s.Close()
	a.gone()
	if _, err := s.Probe(t.Context(), imagertest.Source(imagertest.Good()[0].Data)); err == nil {
		t.Error("a closed pool works")
	}
}

// A worker is replaced after a number of calls, and before that serves one after
// the other.
func TestWorkersAreReplaced(t *testing.T) {
	s := newStage(t, func(c *Config) { c.Calls = 2 })
	var pids []int
	for range 4 {
		done := s.derive(t.Context())
		a := s.enter()
		pids = append(pids, a.pid)
		a.told("go on")
		if r := s.end(done); r.err != nil {
			t.Fatal(r.err)
		}
	}
	if pids[0] != pids[1] || pids[1] == pids[2] || pids[2] != pids[3] {
		t.Errorf("the four calls went to %v", pids)
	}
}

// As many images as are allowed are worked on at the same time, and no more.
func TestAtOnceIsBounded(t *testing.T) {
	s := newStage(t)
	var all []<-chan result
	for range 3 {
		all = append(all, s.derive(t.Context()))
	}
	first, second := s.enter(), s.enter()
	s.canaryProbe() // what takes milliseconds does not wait for what takes seconds
	_ = s.listener.(*net.UnixListener).SetDeadline(time.Now().Add(50 * time.Millisecond))
	if conn, err := s.listener.Accept(); err == nil {
		_ = conn.Close()
		t.Error("a third is worked on")
	}
	first.told("go on")
	third := s.enter()
	if third.pid != first.pid {
		t.Errorf("%d took over from %d", third.pid, first.pid)
	}
	second.told("go on")
	third.told("go on")
	for _, done := range all {
		if r := s.end(done); r.err != nil {
			t.Error(r.err)
		}
	}
}

func (s *stage) canaryProbe() {
	s.t.Helper()
	if _, err := s.Probe(s.t.Context(), imagertest.Source(imagertest.Good()[0].Data)); err != nil {
		s.t.Error(err)
	}
}

// Where no process can be started, the work is done all the same, and the log
// says so once.
func TestWithoutProcesses(t *testing.T) {
	s := newStage(t)
	s.start = func(context.Context, setup) (*process, error) { return nil, os.ErrPermission }
	s.canary()
	s.canary()
	if strings.Count(s.log.String(), "none can be started here") != 1 {
		t.Errorf("the log: %s", s.log)
	}
}

// Where there were workers before, a failure to start one is the machine's, and
// passes.
func TestStartThatFailsOnceIsTriedAgain(t *testing.T) {
	s := newStage(t, func(c *Config) { c.Calls = 1 })
	s.canary()
	s.start = func(context.Context, setup) (*process, error) { return nil, os.ErrPermission }
	if _, err := s.Probe(t.Context(), imagertest.Source([]byte("x"))); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("%v, want Unavailable", err)
	}
	s.start = start
	s.canary()
}
