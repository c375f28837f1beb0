package display

import (
	"bytes"
	"fmt"
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
