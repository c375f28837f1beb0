package ingest_test

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
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
	for _, mode := range append([]ingesttest.Mode{ingesttest.Hang}, ingesttest.Modes...) {
		for at := 1; ; at++ {
			hit := ""
			run := func(body func(*testing.T)) func(*testing.T) { return body }
			if mode == ingesttest.Hang {
				run = func(body func(*testing.T)) func(*testing.T) {
					return func(t *testing.T) { synctest.Test(t, body) }
				}
			}
			t.Run(fmt.Sprint(mode, " ", at), run(func(t *testing.T) {
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
			}))
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
		outcomes, err := w.Receive(w.t.Context(), owner, sequence(file("a.jpg", picture("one")), file("b.jpg", picture("corrupt"))))
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
		o, err := w.Store(w.t.Context(), owner, file("a.jpg", picture("corrupt")))
		if stored = err == nil; stored {
			_, _ = w.Process(w.t.Context(), o.Key)
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
		return w.HandlePurged(w.t.Context(), purged(t, doomed.ID, owner, doomed.Key))
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

// The same file comes again, and the catalog has the second one purged: whatever
// fails on the way, one is left, and it is the first.
func TestDuplicateWithEachFailure(t *testing.T) {
	var kept, again ingest.Original
	purge := func(w *world) error {
		return w.HandlePurged(w.t.Context(), purged(t, again.ID, owner, again.Key))
	}
	eachFailure(t, func(w *world) {
		kept, again = w.store(picture("one")), ingest.Original{}
		w.process(kept)
	}, func(w *world) map[string]string {
		outcomes, err := w.Receive(w.t.Context(), owner, sequence(file("again.jpg", picture("one"))))
		if err != nil {
			t.Errorf("Receive: %v", err)
		}
		if again = outcomes[0].Original; again.ID != "" {
			if err := purge(w); event.JudgeError(err, 1, 5) == event.Dead {
				t.Errorf("HandlePurged: %v, want another try", err)
			}
		}
		return map[string]string{kept.ID: kept.SHA256}
	}, func(w *world) {
		if again.ID == "" {
			again = w.other(kept.ID) // stored, and not answered
		}
		if again.ID != "" {
			if err := purge(w); err != nil { // the event comes again
				t.Errorf("HandlePurged again: %v", err)
			}
		}
		w.settle()
		if keys := w.bucket.Keys(contract.PrefixOriginals); !slices.Equal(keys, []string{kept.Key}) || again.ID != "" && w.parts(again) > 0 {
			t.Errorf("left are %v and %d parts of the copy, want %s alone", keys, w.parts(again), kept.Key)
		}
		w.bus.Forget(again.ID)
	})
}

// other is an original that is stored and is not of the image id, if there is
// one.
func (w *world) other(id string) (o ingest.Original) {
	for _, key := range w.bucket.Keys(contract.PrefixOriginals) {
		if found := strings.TrimSuffix(path.Base(key), path.Ext(key)); found != id {
			o.ID, o.Key = found, key
		}
	}
	return o
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
		_, _ = w.SweepBy(w.t.Context(), ingest.Order{Now: w.clock.Now()})
		return map[string]string{left.ID: left.SHA256}
	}, func(*world) {})
}

// Trying again what failed before loses nothing of it.
func TestRetryWithEachFailure(t *testing.T) {
	var o ingest.Original
	eachFailure(t, func(w *world) {
		o = w.store(picture("panic"))
		for w.imager.probes() < w.cfg.Attempts {
			_, _ = w.Process(w.t.Context(), o.Key)
			w.clock.Advance(time.Hour)
		}
		w.imager.mend()
	}, func(w *world) map[string]string {
		_, _ = w.SweepBy(w.t.Context(), ingest.Order{Now: w.clock.Now(), RetryFailed: true})
		return map[string]string{o.ID: o.SHA256}
	}, func(w *world) {
		order := ingest.Order{Now: w.clock.Now(), RetryFailed: true}
		if done, err := w.SweepBy(w.t.Context(), order); err != nil || done.Failed > 0 {
			t.Errorf("Sweep: %+v, %v", done, err)
		}
		if m := w.process(o); m.Preview != "" || len(m.Renditions) == 0 {
			t.Errorf("the image is %+v", m)
		}
		w.bus.Forget(o.ID) // that it was said in two ways is right here
		w.restart()
		w.process(o)
	})
}

// Reading the manifests either gives all of them or says that it did not.
func TestManifestsWithEachFailure(t *testing.T) {
	all := 0
	eachFailure(t, func(w *world) {
		w.process(w.store(picture("one")))
		w.process(w.store(picture("two")))
	}, func(w *world) map[string]string {
		seen := 0
		err := ingest.Manifests(w.t.Context(), w.bucket, func(_ string, _ contract.Manifest, err error) error {
			seen++
			return err
		})
		if err == nil && seen != 2 {
			t.Errorf("%d manifests were seen without an error, want 2", seen)
		}
		return nil
	}, func(w *world) {
		all = 0
		err := ingest.Manifests(w.t.Context(), w.bucket, func(string, contract.Manifest, error) error { all++; return nil })
		if err != nil || all != 2 {
			t.Errorf("then %d were seen, %v", all, err)
		}
	})
}
