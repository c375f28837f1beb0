package ingest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingesttest"
)

const movie = "\x00\x00\x00\x14ftypqt  the film"

func filmOf(o ingest.Original) ingest.File {
	f := file("IMG_1.MOV", movie)
	f.CompanionOf = o.ID
	return f
}

// film stores the film of an image.
func (w *world) film(of ingest.Original) ingest.Original {
	w.t.Helper()
	o, err := w.Store(w.t.Context(), owner, filmOf(of))
	if err != nil || o.ID != of.ID || !o.Companion() || o.SHA256 != checksum(movie) {
		w.t.Fatalf("Store: %+v, %v", o, err)
	}
	return o
}

// wantLive expects one image, with its film.
func (w *world) wantLive(o ingest.Original) {
	w.t.Helper()
	want := &contract.Motion{
		Key: contract.OriginalKey(o.ID, epoch, ".mov"), Length: int64(len(movie)), ContentType: "video/quicktime", SHA256: checksum(movie),
	}
	if diff := cmp.Diff(want, w.one().Motion); diff != "" {
		w.t.Error(diff)
	}
	ingesttest.Audit(w.t, w.bucket, w.bus, map[string]string{o.ID: o.SHA256})
}

// The film joins its picture, whichever of them is worked on first, and however
// often the bucket tells of either.
func TestFilmJoinsItsPicture(t *testing.T) {
	for name, order := range map[string]func(w *world, picture, film string) []string{
		"the picture first": func(_ *world, picture, film string) []string { return []string{picture, film} },
		"the film first":    func(_ *world, picture, film string) []string { return []string{film, picture} },
		"again and again":   func(_ *world, picture, film string) []string { return []string{film, film, picture, film, picture} },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			o := w.store(picture("one"))
			for _, key := range order(w, o.Key, w.film(o).Key) {
				if err := w.HandleObjectFinalized(t.Context(), finalized(t, key)); err != nil {
					t.Errorf("%s: %v", key, err)
				}
			}
			w.wantLive(o)
			w.settle()
			w.wantLive(o)
		})
	}
}

// A film that comes before its picture is worked on has that made first, and
// takes no place that the picture would wait for.
func TestFilmLeavesAPlaceForItsPicture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c *ingest.Config) { c.InWork = 1 })
		o := w.store(picture("one"))
		start := time.Now()
		if _, err := w.Process(t.Context(), w.film(o).Key); err != nil {
			t.Error(err)
		}
		if waited := time.Since(start); waited > 0 {
			t.Errorf("they waited %s for each other", waited)
		}
		w.wantLive(o)
	})
}

// A form that holds a picture and its film, in that order, gives one image that
// moves; a film of another name, and one before its picture, is refused.
func TestFilmFollowsItsPictureInAForm(t *testing.T) {
	w := newWorld(t)
	outcomes, err := w.Receive(t.Context(), owner, sequence(
		file("IMG_2.MOV", movie+" 2"), file("IMG_1.jpg", picture("a copy")), file(`C:\DCIM\IMG_1.HEIC`, picture("one")), file("IMG_1.MOV", movie),
		file("IMG_2.jpg", picture("two")), file("IMG_3.MOV", movie+" 3"), file("IMG_2.mov", picture("a picture that is called a film")),
	))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range outcomes {
		got = append(got, code(o.Err))
	}
	if diff := cmp.Diff([]string{errAlone, "", "", "", "", errAlone, ""}, got); diff != "" {
		t.Fatal(diff)
	}
	if still, moving := outcomes[2].Original, outcomes[3]; moving.Original.ID != still.ID || !moving.Original.Companion() || !moving.Ready {
		t.Errorf("the film became %+v beside %+v", moving.Original, still)
	}
	if m := w.taken("IMG_1.HEIC"); m.Motion == nil || m.Motion.SHA256 != checksum(movie) {
		t.Errorf("the picture has the film %+v", m.Motion)
	}
	ingesttest.Audit(t, w.bucket, w.bus, acknowledged([]ingest.Outcome{outcomes[1], outcomes[2], outcomes[4], outcomes[6]}))
}

const errAlone = "companion_without_image"

// A form gives the film of a picture that is there already.
func TestFilmIsReceived(t *testing.T) {
	w := newWorld(t)
	o := w.store(picture("one"))
	before := w.process(o)
	outcomes, err := w.Receive(t.Context(), owner, sequence(filmOf(o)))
	if err != nil || outcomes[0].Err != nil || !outcomes[0].Ready || outcomes[0].Original.ID != o.ID || !outcomes[0].Original.Companion() {
		t.Fatalf("Receive: %+v, %v", outcomes, err)
	}
	w.wantLive(o)
	after := w.one()
	after.Motion = nil
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the film changed more than the moving part: %s", diff)
	}
}

// The film comes while its picture is in work.
func TestFilmComesInBetween(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.imager.gate = make(chan struct{})
		o := w.store(picture("one"))
		done := make(chan error)
		go func() { _, err := w.Process(t.Context(), o.Key); done <- err }()
		synctest.Wait()
		w.film(o) // and the event of it is lost
		close(w.imager.gate)
		if err := <-done; err != nil {
			t.Error(err)
		}
		w.wantLive(o)
	})
}

// A crash after the film was stored, and after its picture was published.
func TestSweepAttachesAFilm(t *testing.T) {
	w := newWorld(t)
	o := w.store(picture("one"))
	w.process(o)
	w.film(o)
	w.restart()
	w.clock.Advance(w.cfg.SweepAge - 1)
	w.sweep(time.Time{}, ingest.Swept{Young: 1, Repeated: 1})
	w.clock.Advance(1)
	w.sweep(time.Time{}, ingest.Swept{Processed: 1})
	w.sweep(time.Time{}, ingest.Swept{})
	w.wantLive(o)
}

func TestFilmsThatAreRefused(t *testing.T) {
	w := newWorld(t)
	o, other := w.store(picture("one")), w.store(picture("two"))
	w.process(o)
	w.process(other)
	w.process(w.film(o))
	before := len(w.bucket.Keys(""))
	for _, tc := range []struct {
		who         identity.Owner
		content, of string
		want        string
	}{
		{owner, movie, "", "companion_without_image"},
		{owner, movie, "01ARZ3NDEKTSV4RRFFQ69G5FAV", "companion_without_image"},
		{owner, movie, "../x", "companion_without_image"},
		{"bert", movie, o.ID, "companion_without_image"},
		{owner, movie, o.ID, "companion_exists"},
		{owner, picture("three"), other.ID, "companion_unsupported"},
		{owner, "", other.ID, "file_empty"},
	} {
		f := file("IMG_1.MOV", tc.content)
		f.CompanionOf = tc.of
		if _, err := w.Store(t.Context(), tc.who, f); code(err) != tc.want {
			t.Errorf("%q of %s for %q: %v, want %s", tc.content, tc.who, tc.of, err, tc.want)
		}
	}
	if after := len(w.bucket.Keys("")); after != before {
		t.Errorf("%d objects became %d", before, after)
	}
}

// What removes the picture removes its film.
func TestFilmGoesWithItsPicture(t *testing.T) {
	w := newWorld(t)
	purged, late, bad := w.store(picture("one")), w.store(picture("two")), w.store(picture("corrupt"))
	w.process(purged)
	w.process(w.film(purged))
	w.film(bad)
	if _, err := w.Process(t.Context(), bad.Key); code(err) != "image_corrupt" {
		t.Errorf("Process: %v", err)
	}
	w.purge(purged)
	film := w.film(late)
	if err := w.bucket.Delete(t.Context(), late.Key); err != nil { // a purge that did not see the film
		t.Fatal(err)
	}
	w.clock.Advance(w.cfg.SweepAge)
	w.sweepAll()
	if w.bucket.Data(film.Key) != nil {
		t.Error("a film without its picture is still there")
	}
	w.empty()
}

// Whatever call fails while a film is taken in, nothing of the pair is lost.
func TestFilmWithEachFailure(t *testing.T) {
	var o ingest.Original
	var taken bool
	eachFailure(t, func(w *world) {
		o = w.store(picture("one"))
		w.process(o)
	}, func(w *world) map[string]string {
		outcomes, err := w.Receive(w.t.Context(), owner, sequence(filmOf(o)))
		taken = err == nil && outcomes[0].Err == nil
		return map[string]string{o.ID: o.SHA256}
	}, func(w *world) {
		if taken && w.one().Motion == nil {
			w.t.Error("a film that was acknowledged is lost")
		}
	})
}

func TestFilmThroughASessionOfTheBuckets(t *testing.T) {
	w := withSessions(t)
	o := w.store(picture("one"))
	w.process(o)
	planned := ingest.Planned{Name: "IMG_1.MOV", Size: int64(len(movie)), SHA256: checksum(movie), CompanionOf: o.ID}
	bad := w.plan(owner, planned)[0]
	w.finish(bad, "X"+movie[1:])
	w.completeFails(owner, bad.ID, "checksum_mismatch")
	good := w.plan(owner, planned)[0]
	if good.Err != nil || good.ID == o.ID {
		t.Fatalf("Plan: %+v", good)
	}
	w.completeFails(owner, good.ID, "upload_incomplete")
	w.finish(good, movie)
	for _, before := range []bool{false, true} {
		p, err := w.Complete(t.Context(), owner, good.ID)
		if err != nil || p.Outcome == nil || p.Outcome.Err != nil || p.Outcome.Original.ID != o.ID || !p.Outcome.Original.Companion() || p.Before != before {
			t.Errorf("Complete: %+v, %v", p, err)
		}
	}
	if again := w.plan(owner, planned)[0]; again.Known != o.ID {
		t.Errorf("planned again: %+v", again)
	}
	planned.Size++
	if other := w.plan(owner, planned)[0]; code(other.Err) != "companion_exists" {
		t.Errorf("another film: %+v", other)
	}
	if got := w.one().Motion; got == nil || got.Length != int64(len(movie)) {
		t.Errorf("the film is %+v", got)
	}
}
