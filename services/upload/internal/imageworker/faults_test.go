//go:build unix

package imageworker

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/services/upload/internal/imagertest"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// canary is an ordinary image, which must pass whatever happened before.
func (s *stage) canary() {
	s.t.Helper()
	f := imagertest.Good()[2]
	p, err := s.Probe(s.t.Context(), imagertest.Source(f.Data))
	if err == nil {
		_, err = s.Derive(s.t.Context(), imagertest.Source(f.Data), p, imagertest.Specs)
	}
	if err != nil {
		s.t.Errorf("an ordinary image afterwards: %v", err)
	}
}

// A worker that somebody kills in the middle of an image, as a machine without
// memory does, says nothing about the image.
func TestKilledWorkerIsMadeUpFor(t *testing.T) {
	s := newStage(t)
	done := s.derive(t.Context())
	first := s.enter()
	if err := syscall.Kill(first.pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	second := s.enter()
	second.told("go on")
	if r := s.end(done); r.err != nil || r.derived.Width != 1 || second.pid == first.pid {
		t.Errorf("%+v", r)
	}
	if !strings.Contains(s.log.String(), "signal: killed") {
		t.Errorf("the log does not say what happened: %s", s.log)
	}
	s.canary()
}

// Killed again and again, it is not the image's fault either.
func TestWorkersThatAreAllKilledAreNoRefusal(t *testing.T) {
	s := newStage(t)
	done := s.derive(t.Context())
	for range 2 {
		if err := syscall.Kill(s.enter().pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	if r := s.end(done); fault.KindOf(r.err) != fault.Unavailable || !fault.KindOf(r.err).Retryable() {
		t.Errorf("%v, want Unavailable", r.err)
	}
	s.canary()
}

// F30, U13: what ends every worker that it is given to is refused, with a
// sentence, and the others go on. A worker that has seen other images before is
// no proof.
func TestF30_ImageThatEndsItsWorkerIsRefused(t *testing.T) {
	for _, word := range []string{"panic", "garbage", "lie", "flood", "eat"} {
		t.Run(word, func(t *testing.T) {
			if word == "eat" && shadow > 1 {
				t.Skip("the race detector's memory is not bounded")
			}
			s := newStage(t)
			s.canary()
			done := s.derive(t.Context())
			pids := map[int]bool{}
			for range 3 {
				a := s.enter()
				pids[a.pid] = true
				a.told(word)
				a.gone()
			}
			r := s.end(done)
			if !errors.Is(r.err, ingest.ErrTooComplex) || fault.Public(r.err).Detail == "" || len(pids) != 3 {
				t.Errorf("%v by %d workers", r.err, len(pids))
			}
			s.canary()
		})
	}
}

// The kernel ends a worker that takes more memory than its image was admitted
// with.
func TestMemoryIsBounded(t *testing.T) {
	if shadow > 1 {
		t.Skip("the race detector's memory is not bounded")
	}
	s := newStage(t)
	done := s.derive(t.Context())
	for range 2 {
		s.enter().told("eat")
	}
	r := s.end(done)
	if !strings.Contains(r.err.Error(), "out of memory") && !strings.Contains(r.err.Error(), "cannot allocate") {
		t.Errorf("%v, want the runtime's own words", r.err)
	}
	var all syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &all); err != nil {
		t.Fatal(err)
	}
	if most := all.Maxrss << 10; most > spareBytes+100<<20 {
		t.Errorf("a worker grew to %d MiB", most>>20)
	}
}

// A worker that hangs is killed at the end of its time, whoever sets it.
func TestHangingWorkerIsKilled(t *testing.T) {
	t.Run("ours", func(t *testing.T) {
		s := newStage(t, func(c *Config) { c.Timeout = 5 * time.Second })
		done := s.derive(t.Context())
		a := s.enter()
		a.told("hang")
		if r := s.end(done); !errors.Is(r.err, ingest.ErrTooComplex) {
			t.Errorf("%v, want ErrTooComplex", r.err)
		}
		a.gone()
	})
	t.Run("the caller's", func(t *testing.T) {
		s := newStage(t)
		ctx, cancel := context.WithCancel(t.Context())
		done := s.derive(ctx)
		a := s.enter()
		a.told("hang")
		cancel()
		if r := s.end(done); fault.KindOf(r.err) != fault.Canceled {
			t.Errorf("%v, want Canceled", r.err)
		}
		a.gone()
		s.canary()
	})
}

// Whoever waits for a place until the time for an image is over has not shown
// that the image is too complex.
func TestWaitingIsNotComplexity(t *testing.T) {
	s := newStage(t, func(c *Config) { c.AtOnce = 1 })
	first := s.derive(t.Context())
	a := s.enter()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second) // it is in the queue long before
	defer cancel()
	if r := s.end(s.derive(ctx)); fault.KindOf(r.err) != fault.Unavailable || errors.Is(r.err, ingest.ErrTooComplex) {
		t.Errorf("%v, want Unavailable", r.err)
	}
	a.told("go on")
	if r := s.end(first); r.err != nil {
		t.Error(r.err)
	}
}

// A worker inherits no secret, and writes nothing.
func TestWorkerHasNothing(t *testing.T) {
	t.Setenv("SAJIN_DATABASE_URL", "mysql://user:secret@host/db")
	s := newStage(t)
	for word, want := range map[string]string{"environ": "GOMAXPROCS=2 GOTRACEBACK=single", "write": "file too large"} {
		done := s.derive(t.Context())
		s.enter().told(word)
		if r := s.end(done); r.err == nil || !strings.Contains(r.err.Error(), want) || strings.Contains(r.err.Error(), "secret") {
			t.Errorf("%s: %v, want %q", word, r.err, want)
		}
	}
}

// A parent that is killed leaves no worker behind, neither an idle one nor one
// that is too busy to notice.
func TestNoWorkerOutlivesItsParent(t *testing.T) {
	s := newStage(t)
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), "SAJIN_TEST_PARENT="+filepath.Dir(s.listener.Addr().String()))
	parent.Stderr = t.Output()
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	idle, busy, waiting := s.enter(), s.enter(), s.enter()
	idle.told("go on")
	busy.told("hang")
	if err := parent.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = parent.Wait() // killed
	for _, a := range []actor{idle, busy, waiting} {
		a.gone()
	}
}

// beParent is the parent of TestNoWorkerOutlivesItsParent, until it is killed.
func beParent(dir string) {
	pool, err := New(Config{AtOnce: 3, Timeout: time.Minute, Memory: 1 << 20, Engine: struct{}{}})
	if err != nil {
		panic(err)
	}
	for range 3 {
		go func() {
			data := puppetMagic + filepath.Join(dir, "s")
			src := ingest.Source{ReaderAt: strings.NewReader(data), Size: int64(len(data))}
			_, _ = pool.Derive(context.Background(), src, ingest.Probe{}, nil) // killed in between
		}()
	}
	select {}
}

// Nothing that is opened for an image stays open, however it ended.
func TestNoDescriptorIsLeft(t *testing.T) {
	s := newStage(t)
	s.canary()
	before := descriptors(t)
	for word, workers := range map[string]int{"go on": 1, "panic": 3, "garbage": 3, "lie": 3} {
		s.canary() // so that there is a worker that has seen other images
		done := s.derive(t.Context())
		for range workers {
			a := s.enter()
			a.told(word)
			if workers > 1 {
				a.gone()
			}
			_ = a.Close()
		}
		s.end(done)
	}
	s.canary()
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("descriptors are counted in /proc, which is not here")
	}
	return len(all)
}
