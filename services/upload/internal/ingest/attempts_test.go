package ingest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingesttest"
)

// replica is another process of the service over the same bucket.
func (w *world) replica() *ingest.Service {
	s := ingest.New(w.cfg, ingest.Ports{
		Blob: w.bucket, Events: w.bus, Imager: w.imager, Metadata: metadata{}, Now: w.clock.Now, Log: discard,
	})
	w.t.Cleanup(func() { s.Close(w.t.Context()) })
	return s
}

// F29: a notification that comes to another process while the first is still at
// work is put off, and the image is decoded once. Whoever waits for the upload's
// answer hears what the other process made.
func TestF29_TwoProcessesDecodeOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.imager.gate = make(chan struct{})
		other := w.replica()
		o := w.store(picture("one"))
		var all sync.WaitGroup
		all.Go(func() { w.process(o) })
		synctest.Wait() // it is at the gate
		if err := other.HandleObjectFinalized(t.Context(), finalized(t, o.Key)); code(err) != "image_in_work" {
			t.Errorf("the other process: %v, want that the image is in work", err)
		}
		if done, err := other.SweepBy(t.Context(), ingest.Order{Now: w.clock.Now().Add(time.Hour)}); err != nil || done != (ingest.Swept{Young: 1}) {
			t.Errorf("the other process sweeps: %+v, %v", done, err)
		}
		close(w.imager.gate)
		all.Wait()
		if err := other.HandleObjectFinalized(t.Context(), finalized(t, o.Key)); err != nil {
			t.Errorf("when it is done: %v", err)
		}
		if derived, _ := w.imager.count(); derived != 1 {
			t.Errorf("the image was derived %d times", derived)
		}
		w.noAttempts()
		ingesttest.Audit(t, w.bucket, w.bus, map[string]string{o.ID: o.SHA256})
	})
}

// A request whose file another process was told of first is answered with what
// that one made.
func TestAnUploadWaitsForTheOtherProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.imager.gate = make(chan struct{})
		other := w.replica()
		w.bucket.OnPut = func(key string) {
			if strings.HasPrefix(key, contract.PrefixOriginals) {
				go func() { _, _ = other.Process(t.Context(), key) }()
				synctest.Wait()
			}
		}
		time.AfterFunc(10*time.Second, func() { close(w.imager.gate) })
		outcomes, err := w.Receive(t.Context(), owner, sequence(file("a.jpg", picture("one"))))
		if err != nil || !outcomes[0].Ready {
			t.Errorf("Receive: %+v, %v; want a finished image", outcomes, err)
		}
		if derived, _ := w.imager.count(); derived != 1 {
			t.Errorf("the image was derived %d times", derived)
		}
	})
}

// A process that died holds an image up for as long as a lease lives, by the
// bucket's clock and no other; one that lives, and takes long, keeps it.
func TestALeaseIsTakenOverWhenItsHolderIsDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c *ingest.Config) { c.DeriveTimeout, c.ProcessTimeout = time.Hour, time.Hour })
		w.bucket.Now = time.Now // the bucket's clock is the bubble's
		w.imager.gate = make(chan struct{})
		o := w.store(picture("one"))
		go func() { _, _ = w.Process(t.Context(), o.Key) }()
		other := w.replica()
		time.Sleep(10 * w.cfg.LeaseLife) // within the bubble: signs of life are given
		w.clock.Set(24 * time.Hour)      // our own clock does not count
		if _, err := other.Process(t.Context(), o.Key); code(err) != "image_in_work" {
			t.Errorf("of a holder that lives: %v", err)
		}
		w.stop() // what ends is given up
		w.noAttempts()
		w.start()
		w.hold(o.ID, `{"failures":0,"ended":false}`)
		time.Sleep(w.cfg.LeaseLife - 1)
		if _, err := other.Process(t.Context(), o.Key); code(err) != "image_in_work" {
			t.Errorf("just before the lease's end: %v", err)
		}
		time.Sleep(time.Nanosecond)
		close(w.imager.gate)
		if _, err := other.Process(t.Context(), o.Key); err != nil {
			t.Errorf("after the lease's end: %v", err)
		}
		w.noAttempts()
		ingesttest.Audit(t, w.bucket, w.bus, map[string]string{o.ID: o.SHA256})
	})
}

// Another process, which had more time for it, keeps an image that this one
// refuses; and the bucket fails when this one looks for that. Nothing is refused
// then that a client may have been promised.
func TestARefusalDoesNotGuessWhatAnotherProcessHasKept(t *testing.T) {
	w := newWorld(t)
	o := w.store(picture("corrupt"))
	kept, err := json.Marshal(contract.Manifest{Version: 1, ID: o.ID, Owner: owner, Key: o.Key})
	if err != nil {
		t.Fatal(err)
	}
	w.bucket.OnPut = func(key string) {
		if !isAttempt(key) {
			return
		}
		if _, err := w.bucket.Put(t.Context(), contract.ManifestKey(o.ID), bytes.NewReader(kept), blob.WriteOptions{}); err != nil {
			t.Error(err)
		}
		w.faults.Arm(3, ingesttest.Before) // the look, after a look at the original and the reading of it
	}
	_, err = w.Process(t.Context(), o.Key)
	if hit := w.faults.Disarm(); hit != "open "+contract.ManifestKey(o.ID) {
		t.Fatalf("%s failed", hit)
	}
	if code(err) != "injected" {
		t.Errorf("Process: %v", err)
	}
	if w.bucket.Data(o.Key) == nil || len(w.bus.Events(contract.TypeImageRejected)) > 0 {
		t.Error("the image was refused that another process has kept")
	}
	w.noAttempts()
}

// In a store that one process has to itself nobody can hold a lease but a
// process that is dead, and a first try leaves no trace.
func TestAloneNothingIsWaitedFor(t *testing.T) {
	w := newWorld(t)
	w.bucket.Alone = true
	o := w.store(picture("one"))
	w.process(o)
	if slices.ContainsFunc(w.bucket.Finalized(), isAttempt) {
		t.Error("a first try was written down")
	}
	p := w.store(picture("two"))
	w.restart()
	w.hold(p.ID, `{}`)
	w.process(p)
	w.noAttempts()
	ingesttest.Audit(t, w.bucket, w.bus, map[string]string{o.ID: o.SHA256, p.ID: p.SHA256})
}

// U24, F30: an image that fails for no known reason is tried a number of times,
// with growing pauses, by whatever process; then it is kept as it is. Others go
// on meanwhile, and what cannot be blamed on the image does not count.
func TestU24F30_AnImageThatAlwaysFailsIsKept(t *testing.T) {
	for name, alone := range map[string]bool{"shared": false, "alone": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.bucket.Alone = alone
			o := w.store(picture("panic"))
			pause := w.cfg.AttemptPause
			for n := 1; n < w.cfg.Attempts; n++ {
				if _, err := w.Process(t.Context(), o.Key); err == nil {
					t.Fatalf("try %d succeeded", n)
				}
				w.restart() // the count is in the bucket
				w.clock.Advance(pause - 1)
				if _, err := w.Process(t.Context(), o.Key); code(err) != "image_paused" {
					t.Errorf("after failure %d: %v, want a pause", n, err)
				}
				w.clock.Advance(1)
				pause *= 2
			}
			m := w.process(o)
			if m.Preview != contract.PreviewUnavailable || !slices.Equal(m.Warnings, []string{contract.WarningProcessingFailed}) ||
				m.SHA256 != o.SHA256 || m.ContentType != "image/jpeg" || len(m.Renditions) > 0 {
				t.Errorf("kept as %+v", m)
			}
			if w.bucket.Data(o.Key) == nil {
				t.Error("the original is gone")
			}
			if derived := w.imager.probes(); derived != w.cfg.Attempts {
				t.Errorf("it was tried %d times, want %d", derived, w.cfg.Attempts)
			}
			w.noAttempts()
			ingesttest.Audit(t, w.bucket, w.bus, map[string]string{o.ID: o.SHA256})
		})
	}
}

// A process that is killed again and again by one image stops trying it.
func TestF30_AnImageThatKillsItsProcessIsKept(t *testing.T) {
	w := newWorld(t)
	w.bucket.Alone = true
	o := w.store(picture("one"))
	w.restart()
	last := 4*w.cfg.Attempts - 1
	w.holdAs(o.ID, last, `{"failures":0,"ended":false}`)
	if m := w.process(o); m.Preview != "" {
		t.Errorf("after %d tries: %+v, want one more", last, m)
	}
	p := w.store(picture("two"))
	w.restart()
	w.holdAs(p.ID, last+1, `{"failures":0,"ended":false}`)
	if m := w.process(p); m.Preview != contract.PreviewUnavailable {
		t.Errorf("after %d tries: %+v, want it kept as it is", last+1, m)
	}
}

// What was kept unprocessed is tried again when somebody asks for it, and the
// event of its success is another than that of its failure.
func TestSweepRetriesWhatFailed(t *testing.T) {
	w := newWorld(t, func(c *ingest.Config) { c.Attempts = 1 })
	o := w.store(picture("panic"))
	if m := w.process(o); m.Preview != contract.PreviewUnavailable {
		t.Fatalf("%+v", m)
	}
	order := ingest.Order{Now: w.clock.Now(), RetryFailed: true}
	if done, err := w.SweepBy(t.Context(), order); err != nil || done != (ingest.Swept{Failed: 1}) {
		t.Errorf("Sweep: %+v, %v; want it to fail again", done, err)
	}
	w.imager.mend()
	if done, err := w.SweepBy(t.Context(), order); err != nil || done != (ingest.Swept{Retried: 1}) {
		t.Errorf("Sweep: %+v, %v; want it to succeed", done, err)
	}
	if m := w.process(o); m.Preview != "" || len(m.Renditions) == 0 {
		t.Errorf("%+v, want an image with a preview", m)
	}
	var ids []string
	for _, e := range w.bus.Of(o.ID) {
		ids = append(ids, e.ID)
	}
	if len(ids) != 2 || ids[0] == ids[1] {
		t.Errorf("published %v", ids)
	}
	w.noAttempts()
}

func isAttempt(key string) bool { return strings.HasPrefix(key, contract.PrefixAttempts) }

func (w *world) noAttempts() {
	w.t.Helper()
	if left := w.bucket.Keys(contract.PrefixAttempts); len(left) > 0 {
		w.t.Errorf("left of the tries: %v", left)
	}
}

func (w *world) hold(id, record string) { w.holdAs(id, 1, record) }

// holdAs writes what processes leave that ended while they were at work.
func (w *world) holdAs(id string, tries int, record string) {
	w.t.Helper()
	for n := range tries {
		key := fmt.Sprintf("%s%s/%04d", contract.PrefixAttempts, id, n+1)
		if _, err := w.bucket.Put(w.t.Context(), key, strings.NewReader(record), blob.WriteOptions{}); err != nil {
			w.t.Fatal(err)
		}
	}
}
