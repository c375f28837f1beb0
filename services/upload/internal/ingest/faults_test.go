package ingest_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingesttest"
)

// eachFailure runs scenario with the first call of the bucket and the bus
// failing, then the second, and so on until one run comes to no failure; in each
// mode. After each it lets redelivery and the sweep do their work, and audits.
// scenario returns what it acknowledged; verify (may be nil) sees the outcome.
func eachFailure(t *testing.T, prepare func(*world), scenario func(*world) map[string]string, verify func(*world)) {
	for _, mode := range ingesttest.Modes {
		for at := 1; ; at++ {
			hit := ""
			t.Run(fmt.Sprint(mode, " ", at), func(t *testing.T) {
				w := newWorld(t)
				if prepare != nil {
					prepare(w)
				}
				w.faults.Arm(at, mode)
				acknowledged := scenario(w)
				if hit = w.faults.Disarm(); hit == "" {
					return
				}
				w.settle()
				verify(w)
				ingesttest.Audit(t, w.bucket, w.bus, acknowledged)
			})
			if hit == "" && !t.Failed() {
				if at < 5 {
					t.Fatalf("the scenario makes only %d calls", at-1)
				}
				break
			}
			if t.Failed() {
				return
			}
		}
	}
}

func TestUploadWithEachFailure(t *testing.T) {
	eachFailure(t, nil, func(w *world) map[string]string {
		outcomes, err := w.Receive(t.Context(), owner, sequence(file("a.jpg", picture("one")), file("b.jpg", picture("corrupt"))))
		if err != nil {
			t.Errorf("Receive: %v", err)
		}
		promised := acknowledged(outcomes)
		if len(outcomes) == 2 && !outcomes[1].Ready {
			delete(promised, outcomes[1].Original.ID) // safe until it is judged
		}
		return promised
	}, func(w *world) {
		if n := len(w.bucket.Keys(contract.PrefixManifests)); n > 1 {
			t.Errorf("one picture became %d", n)
		}
	})
}

func TestRejectionWithEachFailure(t *testing.T) {
	stored := false
	eachFailure(t, nil, func(w *world) map[string]string {
		o, err := w.Store(t.Context(), owner, file("a.jpg", picture("corrupt")))
		if stored = err == nil; stored {
			_, _ = w.Process(t.Context(), o.Key)
		}
		return nil
	}, func(w *world) {
		w.empty()
		if stored && !slices.Equal(w.bus.Rejected(), []string{"image_corrupt"}) {
			t.Errorf("published rejections %v", w.bus.Rejected())
		}
	})
}

// parts counts what is stored of an image.
func (w *world) parts(o ingest.Original) int {
	n := len(w.bucket.Keys("renditions/"+o.ID)) + len(w.bucket.Keys("manifests/"+o.ID))
	if w.bucket.Data(o.Key) != nil {
		n++
	}
	return n
}

func TestPurgeWithEachFailure(t *testing.T) {
	var doomed, kept ingest.Original
	var whole, said int
	var begun bool
	purge := func(w *world) error {
		return w.HandlePurged(t.Context(), purged(t, doomed.ID, owner, doomed.Key))
	}
	uploaded := func(w *world) int { return len(w.bus.Of(doomed.ID)) }
	eachFailure(t, func(w *world) {
		doomed, kept = w.store(picture("one")), w.store(picture("two"))
		w.process(doomed)
		w.process(kept)
		whole = w.parts(doomed)
	}, func(w *world) map[string]string {
		if err := purge(w); event.JudgeError(err, 1, 5) == event.Dead {
			t.Errorf("HandlePurged: %v, want another try", err)
		}
		begun, said = w.parts(doomed) < whole, uploaded(w)
		return map[string]string{kept.ID: kept.SHA256}
	}, func(w *world) {
		if begun && uploaded(w) > said {
			t.Error("an image that was half purged was published again")
		}
		if err := purge(w); err != nil { // the event comes again
			t.Errorf("HandlePurged again: %v", err)
		}
		w.settle()
		if left := w.parts(doomed); left > 0 {
			t.Errorf("of the purged image %d objects are left", left)
		}
		w.bus.Forget(doomed.ID)
	})
}

func TestSweepWithEachFailure(t *testing.T) {
	var left ingest.Original
	eachFailure(t, func(w *world) {
		w.process(w.store(picture("published")))
		left = w.store(picture("left"))
		w.store(picture("corrupt"))
		w.clock.Advance(time.Hour)
		w.restart()
	}, func(w *world) map[string]string {
		_, _ = w.Sweep(t.Context(), w.clock.Now(), time.Time{})
		return map[string]string{left.ID: left.SHA256}
	}, func(*world) {})
}
