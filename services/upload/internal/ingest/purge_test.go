package ingest_test

import (
	"context"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingesttest"
)

func purged(t testing.TB, id, owner, key string) event.Delivery {
	t.Helper()
	return delivery(t, contract.TypeImagePurged, contract.ImagePurged{ID: id, Owner: owner, Key: key})
}

func (w *world) purge(o ingest.Original) {
	w.t.Helper()
	if err := w.HandlePurged(w.t.Context(), purged(w.t, o.ID, owner, o.Key)); err != nil {
		w.t.Errorf("HandlePurged: %v", err)
	}
}

func TestPurge(t *testing.T) {
	w := newWorld(t)
	gone, kept, raw := w.store(picture("one")), w.store(picture("two")), w.store(picture("three"))
	w.process(gone)
	w.process(kept)
	for range 2 { // events come again
		w.purge(gone)
		w.purge(raw)
	}
	if w.bucket.Data(gone.Key) != nil || len(w.bucket.Keys("renditions/"+gone.ID)) > 0 || w.bucket.Data(raw.Key) != nil {
		t.Errorf("the bucket still holds %v", w.bucket.Keys(""))
	}
	n := len(w.bus.Events(contract.TypeImageUploaded))
	w.settle()
	for _, e := range w.bus.Events(contract.TypeImageUploaded)[n:] {
		if e.Subject != kept.ID {
			t.Errorf("a purged image was published again: %s", e.ID)
		}
	}
	if got := len(w.bucket.Keys(contract.PrefixManifests)); got != 1 {
		t.Errorf("%d images are left, want 1", got)
	}
}

// S04: an event that names what is not the image's own removes nothing and is
// set aside.
func TestS04_PurgeOfForeignObjects(t *testing.T) {
	w := newWorld(t)
	mine, other, raw := w.store(picture("one")), w.store(picture("two")), w.store(picture("three"))
	w.process(mine)
	w.process(other)
	before := len(w.bucket.Keys(""))
	for name, d := range map[string]event.Delivery{
		"another image's original": purged(t, mine.ID, owner, other.Key),
		"another owner":            purged(t, mine.ID, "bert", mine.Key),
		"another owner, no image":  purged(t, raw.ID, "bert", raw.Key),
		"a manifest":               purged(t, mine.ID, owner, contract.ManifestKey(mine.ID)),
		"outside the prefix":       purged(t, mine.ID, owner, "originals/../"+mine.ID+".jpg"),
		"another day":              purged(t, mine.ID, owner, "originals/20200101/"+mine.ID+".jpg"),
		"another extension":        purged(t, mine.ID, owner, "originals/20261122/"+mine.ID+".png"),
		"no key":                   purged(t, mine.ID, owner, ""),
		"a prefix for an id":       purged(t, "", owner, mine.Key),
	} {
		if err := w.HandlePurged(t.Context(), d); event.JudgeError(err, 1, 5) != event.Dead {
			t.Errorf("%s: %v, want it to be set aside", name, err)
		}
	}
	if after := len(w.bucket.Keys("")); after != before {
		t.Errorf("%d objects became %d", before, after)
	}
}

// S02: there is no inbox of ids here. A message says where to look, and what is
// there decides: replayed, or changed under an id that is known, it makes nothing
// again, removes nothing that was not purged, and keeps no other from its work.
func TestS02_WhatIsThereDecides(t *testing.T) {
	w := newWorld(t)
	mine, other := w.store(picture("one")), w.store(picture("two"))
	w.process(mine)
	w.process(other)
	before, said := w.bucket.Keys(""), w.bus.Events(contract.TypeImageUploaded)
	derived, _ := w.imager.count()
	known := map[string]bool{said[0].ID: true, said[1].ID: true}
	for round := range 3 { // all have the same id
		for name, object := range map[string]contract.ObjectFinalized{
			"as it was":             {Key: mine.Key, Generation: 1},
			"another generation":    {Key: mine.Key, Generation: 7},
			"another image":         {Key: other.Key, Generation: 1},
			"what is not there":     {Key: strings.TrimSuffix(mine.Key, ".jpg") + ".png"},
			"a manifest":            {Key: contract.ManifestKey(mine.ID)},
			"an inbox, not there":   {Key: contract.PrefixInbox + owner + "/x.jpg"},
			"an inbox of nobody's":  {Key: contract.PrefixInbox + "../" + mine.Key},
			"nothing":               {},
			"outside of everything": {Key: "../" + mine.Key},
		} {
			if err := w.HandleObjectFinalized(t.Context(), delivery(t, contract.TypeObjectFinalized, object)); err != nil && event.JudgeError(err, 1, 5) != event.Dead {
				t.Errorf("%s: %v", name, err)
			}
		}
		for name, d := range map[string]event.Delivery{
			"another owner":         purged(t, mine.ID, "bert", mine.Key),
			"another image's files": purged(t, mine.ID, owner, other.Key),
		} {
			if err := w.HandlePurged(t.Context(), d); event.JudgeError(err, 1, 5) != event.Dead {
				t.Errorf("%s: %v, want it to be set aside", name, err)
			}
		}
		if round == 1 {
			w.restart() // another replica
		}
	}
	if after := w.bucket.Keys(""); !slices.Equal(before, after) {
		t.Errorf("the bucket held %v and holds %v", before, after)
	}
	if again, _ := w.imager.count(); again != derived {
		t.Errorf("%d images were made again", again-derived)
	}
	for _, e := range w.bus.Events(contract.TypeImageUploaded) {
		if !known[e.ID] {
			t.Errorf("something else was said: %s", e.ID)
		}
	}
	fresh := w.store(picture("three"))
	if err := w.HandleObjectFinalized(t.Context(), finalized(t, fresh.Key)); err != nil || w.bucket.Data(contract.ManifestKey(fresh.ID)) == nil {
		t.Errorf("a true message under the id is not heeded: %v", err)
	}
}

// A purge that comes while the image is being made wins.
func TestPurgeWhileProcessing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.imager.gate = make(chan struct{})
		o := w.store(picture("one"))
		failed := make(chan error)
		go func() { _, err := w.Process(t.Context(), o.Key); failed <- err }()
		synctest.Wait()
		w.purge(o)
		close(w.imager.gate)
		if err := <-failed; code(err) != "original_not_found" {
			t.Errorf("Process: %v", err)
		}
		w.empty()
		if events := w.bus.Events(contract.TypeImageUploaded); len(events) > 0 {
			t.Errorf("published %v", events)
		}
	})
}

// An image that is being purged elsewhere is not said again by its event. The
// sweep does say it: should the purge never come to its end, as when it met the
// image being made and a crash, the catalog answers with the purge once more.
func TestHalfPurgedIsLeftToTheCatalog(t *testing.T) {
	w := newWorld(t)
	o := w.store(picture("one"))
	w.process(o)
	if err := w.bucket.Delete(t.Context(), o.Key); err != nil {
		t.Fatal(err)
	}
	w.restart()
	if err := w.HandleObjectFinalized(t.Context(), finalized(t, o.Key)); err != nil {
		t.Errorf("HandleObjectFinalized: %v", err)
	}
	if n := len(w.bus.Events(contract.TypeImageUploaded)); n != 1 {
		t.Errorf("published %d times, want once", n)
	}
	w.sweep(time.Time{}, ingest.Swept{Repeated: 1})
	w.sweep(time.Time{}, ingest.Swept{})
	if n := len(w.bus.Events(contract.TypeImageUploaded)); n != 2 {
		t.Errorf("published %d times, want once more by the sweep", n)
	}
	w.purge(o)
	w.empty()
	ingesttest.Audit(t, w.bucket, &ingesttest.Bus{}, nil)
}

// purging is a bucket in which a purge comes between the sweep's listing and its
// look at the manifest.
type purging struct {
	blob.Store
	once  sync.Once
	purge func()
}

func (p *purging) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, blob.Info, error) {
	p.once.Do(p.purge)
	return p.Store.Open(ctx, key, offset, length)
}

// What a purge removes while the sweep looks is nothing to worry about.
func TestSweepMeetsAPurge(t *testing.T) {
	w := newWorld(t)
	gone, kept := w.store(picture("one")), w.store(picture("two"))
	w.process(gone)
	w.process(kept)
	sweeper := ingest.New(w.cfg, ingest.Ports{
		Blob: &purging{Store: w.bucket, purge: func() { w.purge(gone) }}, Events: w.bus, Imager: w.imager, Metadata: metadata{}, Now: w.clock.Now, Log: discard,
	})
	defer sweeper.Close(t.Context())
	done, err := sweeper.SweepBy(t.Context(), ingest.Order{Now: w.clock.Now()})
	if want := (ingest.Swept{Repeated: 1}); err != nil || done != want {
		t.Errorf("Sweep: %+v, %v; want %+v", done, err, want)
	}
}
