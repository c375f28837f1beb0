package ingest_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingesttest"
)

func (w *world) sweep(since time.Time, want ingest.Swept) {
	w.t.Helper()
	got, err := w.SweepBy(w.t.Context(), ingest.Order{Now: w.clock.Now(), Since: since})
	if err != nil || got != want {
		w.t.Errorf("Sweep: %+v, %v; want %+v", got, err, want)
	}
}

func TestSweepProcessesWhatWasLeft(t *testing.T) {
	w := newWorld(t)
	o, bad := w.store(picture("one")), w.store(picture("corrupt"))
	w.clock.Advance(w.cfg.SweepAge - 1)
	w.sweep(time.Time{}, ingest.Swept{Young: 2})
	w.clock.Advance(1)
	w.sweep(time.Time{}, ingest.Swept{Processed: 2})
	w.sweep(time.Time{}, ingest.Swept{})
	ingesttest.Audit(t, w.bucket, w.bus, map[string]string{o.ID: o.SHA256})
	if w.bucket.Data(bad.Key) != nil {
		t.Error("what is refused was kept")
	}
}

// After a crash there may be thousands: eight are in work at one time.
func TestSweepProcessesSeveralAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		stored := map[string]string{}
		for i := range 20 {
			o := w.store(picture(fmt.Sprint(i)))
			stored[o.ID] = o.SHA256
		}
		w.clock.Advance(w.cfg.SweepAge)
		w.imager.gate = make(chan struct{})
		swept := make(chan struct{})
		go func() { w.sweep(time.Time{}, ingest.Swept{Processed: 20}); close(swept) }()
		synctest.Wait()
		if n := len(w.bucket.Keys(contract.PrefixAttempts)); n != 8 {
			t.Errorf("%d are in work, want 8", n)
		}
		close(w.imager.gate)
		<-swept
		ingesttest.Audit(t, w.bucket, w.bus, stored)
	})
}

// What was published is said again by a process that does not know that, but
// only for a day and not all the time.
func TestSweepRepeats(t *testing.T) {
	w := newWorld(t)
	o := w.store(picture("one"))
	w.process(o)
	w.sweep(time.Time{}, ingest.Swept{})
	w.restart()
	w.sweep(time.Time{}, ingest.Swept{Repeated: 1})
	w.sweep(time.Time{}, ingest.Swept{})
	w.clock.Advance(w.cfg.RepeatEvery)
	w.sweep(time.Time{}, ingest.Swept{Repeated: 1})
	w.clock.Advance(w.cfg.RepeatWithin)
	w.sweep(time.Time{}, ingest.Swept{})
	ingesttest.Audit(t, w.bucket, w.bus, map[string]string{o.ID: o.SHA256})
}

// A sweep of the last days looks at the whole of its first day and not before.
func TestSweepSince(t *testing.T) {
	w := newWorld(t)
	w.clock.Advance(-12 * time.Hour) // the day's first moment
	w.store(picture("first of the day"))
	w.clock.Advance(-time.Millisecond)
	before := w.store(picture("last of the day before"))
	w.clock.Advance(24 * time.Hour)
	w.sweep(epoch, ingest.Swept{Processed: 1})
	if len(w.bucket.Keys("manifests/"+before.ID)) > 0 {
		t.Error("what was uploaded before was swept")
	}
	w.restart()
	w.sweep(epoch.Add(-24*time.Hour), ingest.Swept{Processed: 1, Repeated: 1})
}

// More than a page of everything.
func TestSweepOfManyPages(t *testing.T) {
	w := newWorld(t)
	const n = blob.MaxListLimit + 7
	for i := range n {
		o := w.store(picture(fmt.Sprint(i)))
		if i%2 == 0 {
			w.process(o)
		}
		w.clock.Advance(time.Second)
	}
	w.clock.Advance(time.Minute)
	w.restart()
	w.sweep(time.Time{}, ingest.Swept{Processed: n / 2, Repeated: n - n/2})
	w.sweep(time.Time{}, ingest.Swept{})
	ingesttest.Audit(t, w.bucket, w.bus, nil)
}

// A sweep that is cut goes on from there: what it has looked at is not listed
// again, and in the end everything was looked at once.
func TestSweepGoesOnWhereItWasCut(t *testing.T) {
	w := newWorld(t)
	const n = blob.MaxListLimit + 7 // two pages
	for i := range n {
		w.process(w.store(picture(fmt.Sprint(i))))
		w.clock.Advance(time.Second)
	}
	leftover := contract.RenditionKey(identity.NewImageID(w.clock.Now()), "w320", ".jpg")
	if _, err := w.bucket.Put(t.Context(), leftover, strings.NewReader("x"), blob.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(w.cfg.LeftoverAge)
	w.restart()
	var from *ingest.Place
	var sum ingest.Swept
	for cuts := 0; ; cuts++ {
		ctx, cut := context.WithCancel(t.Context())
		steps := 0
		o := ingest.Order{Now: w.clock.Now(), RepeatAll: true, From: from, Report: func(ingest.Step) {
			if steps++; steps == blob.MaxListLimit/2 {
				cut()
			}
		}}
		done, err := w.SweepBy(ctx, o)
		cut()
		sum.Repeated += done.Repeated
		sum.Removed += done.Removed
		if err == nil {
			if done.Cut != nil || cuts < 2 {
				t.Errorf("at its end after %d cuts: %+v", cuts, done)
			}
			break
		}
		if done.Cut == nil || cuts > 3 {
			t.Fatalf("cut %d times: %+v, %v", cuts, done, err)
		}
		from = done.Cut
	}
	if sum.Repeated != n || sum.Removed != 1 || w.bucket.Data(leftover) != nil {
		t.Errorf("in all %+v, want %d repeated and 1 removed", sum, n)
	}
}

func TestSweepRemovesLeftovers(t *testing.T) {
	w := newWorld(t)
	put := func(id string) string {
		key := contract.RenditionKey(id, "w320", ".jpg")
		if _, err := w.bucket.Put(t.Context(), key, strings.NewReader("x"), blob.WriteOptions{}); err != nil {
			t.Fatal(err)
		}
		return key
	}
	leftover := put(identity.NewImageID(w.clock.Now()))
	foreign := put("something-else")
	raw := w.store(picture("one"))
	unfinished := put(raw.ID)
	whole := w.process(w.store(picture("two"))).Renditions[0].Key
	w.cfg.SweepAge = 365 * 24 * time.Hour // leave the original alone
	w.restart()
	w.clock.Advance(w.cfg.LeftoverAge - 1)
	w.sweep(time.Time{}, ingest.Swept{Young: 1, Repeated: 1})
	w.clock.Advance(1)
	w.sweep(time.Time{}, ingest.Swept{Young: 1, Removed: 1})
	if w.bucket.Data(leftover) != nil {
		t.Error("the leftover is still there")
	}
	for _, key := range []string{foreign, unfinished, whole} {
		if w.bucket.Data(key) == nil {
			t.Errorf("%s was removed", key)
		}
	}
}

// One bad object does not keep the sweep from the others.
func TestSweepGoesOn(t *testing.T) {
	w := newWorld(t)
	w.store(picture("panic"))
	o := w.store(picture("one"))
	if _, err := w.bucket.Put(t.Context(), "originals/20261122/README", strings.NewReader("x"), blob.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(time.Hour)
	w.sweep(time.Time{}, ingest.Swept{Processed: 1, Failed: 1})
	if len(w.bucket.Keys("manifests/"+o.ID)) != 1 {
		t.Error("the good one was not processed")
	}
}

// Sweeps and uploads at the same time, over one bucket (F38).
func TestF38_SweepsAndUploadsAtOnce(t *testing.T) {
	w := newWorld(t, func(c *ingest.Config) { c.SweepAge = 0 })
	replica := ingest.New(w.cfg, ingest.Ports{
		Blob: w.bucket, Events: w.bus, Imager: w.imager, Metadata: metadata{}, Now: w.clock.Now, Log: discard,
	})
	defer replica.Close(t.Context())
	var all sync.WaitGroup
	acknowledged, mu := map[string]string{}, sync.Mutex{}
	for i := range 4 {
		all.Go(func() {
			for j := range 10 {
				o := w.store(picture(fmt.Sprint(i, "-", j)))
				_, err := w.Process(t.Context(), o.Key)
				for fault.KindOf(err) == fault.Locked { // the other process's sweep has it
					runtime.Gosched()
					_, err = w.Process(t.Context(), o.Key)
				}
				if err != nil {
					t.Errorf("Process: %v", err)
				}
				mu.Lock()
				acknowledged[o.ID] = o.SHA256
				mu.Unlock()
			}
		})
		all.Go(func() {
			sweeper := []*ingest.Service{w.Service, replica}[i%2]
			for range 10 {
				if _, err := sweeper.SweepBy(t.Context(), ingest.Order{Now: w.clock.Now()}); err != nil {
					t.Errorf("Sweep: %v", err)
				}
			}
		})
	}
	all.Wait()
	ingesttest.Audit(t, w.bucket, w.bus, acknowledged)
}

// F31, F38: a clock that is set, by an hour or by days, makes a sweep delete
// nothing and process nothing twice, and keeps it from nothing for longer than
// the clock is wrong.
func TestF31_AClockThatIsSet(t *testing.T) {
	for _, jump := range []time.Duration{time.Hour, 24 * time.Hour, 30 * 24 * time.Hour, -time.Hour, -24 * time.Hour} {
		t.Run(jump.String(), func(t *testing.T) {
			w := newWorld(t)
			done := w.store(picture("one"))
			w.process(done)
			left := w.store(picture("two"))
			leftover := contract.RenditionKey(identity.NewImageID(w.clock.Now()), "w320", ".jpg")
			if _, err := w.bucket.Put(t.Context(), leftover, strings.NewReader("x"), blob.WriteOptions{}); err != nil {
				t.Fatal(err)
			}
			before := w.bucket.Keys(contract.PrefixRenditions)
			w.clock.Set(jump)
			if _, err := w.SweepBy(t.Context(), ingest.Order{Now: w.clock.Now()}); err != nil {
				t.Fatal(err)
			}
			for _, key := range append(before, done.Key, left.Key) {
				if w.bucket.Data(key) == nil {
					t.Errorf("%s was removed", key)
				}
			}
			if derived, _ := w.imager.count(); derived != 2 {
				t.Errorf("%d images were derived, want each of the 2 once", derived)
			}
			w.clock.Set(-jump)
			w.clock.Advance(w.cfg.LeftoverAge)
			if done, err := w.SweepBy(t.Context(), ingest.Order{Now: w.clock.Now()}); err != nil || done.Removed != 1 || done.Failed > 0 {
				t.Errorf("when the clock is right again: %+v, %v; want the leftover removed", done, err)
			}
			ingesttest.Audit(t, w.bucket, w.bus, map[string]string{done.ID: done.SHA256, left.ID: left.SHA256})
		})
	}
}
