package display

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vbauerster/mpb/v8"

	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/services/sajin/internal/intake"
)

// screen takes what is drawn.
type screen struct {
	mu    sync.Mutex
	drawn bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.drawn.Write(p)
}

// Files that begin and end while the bars are drawn do not wait for the drawing
// for ever, nor it for them, and all are counted.
func TestBarsMoveWhileTheyAreDrawn(t *testing.T) {
	const senders, each, size = 8, 300, 1000
	out := &screen{}
	b := newBars(out, senders*each, senders*each*size, mpb.WithRefreshRate(100*time.Microsecond))
	var all sync.WaitGroup
	for s := range senders {
		all.Go(func() {
			for i := range each {
				item := &intake.Item{File: uploadapi.PlanFile{Name: fmt.Sprintf("%d-%d.jpg", s, i), Size: size}}
				b.Sending(item, 0)
				b.Sending(item, size/2)
				b.Done(intake.Result{Item: item, Status: intake.New})
			}
		})
	}
	all.Wait()
	b.Wait()
	if want := fmt.Sprintf("%d of %d files", senders*each, senders*each); !strings.Contains(out.drawn.String(), want) {
		t.Errorf("the bars never said %q", want)
	}
}

// The last byte of a file is told of more than once: when it was sent, when the
// server has it, and at the end. The bar of everything counts it once.
func TestTheBarOfEverythingCountsAByteOnce(t *testing.T) {
	const size = 1000
	b := newBars(io.Discard, 2, 2*size)
	defer b.Wait()
	for i, want := range []int64{size, 2 * size} {
		item := &intake.Item{File: uploadapi.PlanFile{Name: "a.jpg", Size: size}}
		for _, n := range []int64{0, size / 2, size, size, size} {
			b.Sending(item, n)
			if now := b.whole.Current(); now > want {
				t.Errorf("file %d, of which %d bytes are sent: the bar of everything is at %d", i, n, now)
			}
		}
		b.Done(intake.Result{Item: item, Status: intake.New})
		if now := b.whole.Current(); now != want {
			t.Errorf("after file %d the bar of everything is at %d, want %d", i, now, want)
		}
	}
}

// A file's name comes from an archive or another machine, and must not write on
// the terminal but as a name.
func TestNamesDoNotDrive(t *testing.T) {
	for name, want := range map[string]string{
		"바다 2026.jpg": "바다 2026.jpg", "clear\x1b[2J.jpg": "clear\uFFFD[2J.jpg", "two\nlines\r.jpg": "two\uFFFDlines\uFFFD.jpg",
		"c1\u009b31m.jpg": "c1\uFFFD31m.jpg", "cut \xff.jpg": "cut \uFFFD.jpg", "gnp\u202egpj.exe": "gnp\uFFFDgpj.exe",
	} {
		if got := Plain(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
		var out bytes.Buffer
		shown := NewUploads(&out, 1, 1, false)
		shown.Done(intake.Result{Item: &intake.Item{Shown: name}, Status: intake.New})
		if shown.Wait(); out.String() != "1/1 sent "+want+"\n" {
			t.Errorf("%q is shown as %q", name, out.String())
		}
		if got := short(name); got != want {
			t.Errorf("%q: a bar is called %q", name, got)
		}
	}
}
