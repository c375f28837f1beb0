package ingest_test

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingesttest"
)

const otherMovie = "\x00\x00\x00\x14ftypqt  another film"

// merge is what the catalog says of an image that another one has the bytes of.
func (w *world) merge(o, stays ingest.Original) error {
	return w.HandlePurged(w.t.Context(), delivery(w.t, contract.TypeImagePurged,
		contract.ImagePurged{ID: o.ID, Owner: owner, Key: o.Key, DuplicateOf: stays.ID}))
}

func (w *world) merged(o, stays ingest.Original) {
	w.t.Helper()
	if err := w.merge(o, stays); err != nil {
		w.t.Errorf("HandlePurged: %v", err)
	}
	w.bus.Forget(o.ID) // it was said, and then taken back
}

// films are the contents of an image's films, in order.
func (w *world) films(o ingest.Original) (out []string) {
	w.t.Helper()
	for _, v := range w.process(o).Beside() {
		out = append(out, string(w.bucket.Data(v.Key)))
	}
	slices.Sort(out)
	return out
}

func (w *world) wantFilms(o ingest.Original, want ...string) {
	w.t.Helper()
	if got := w.films(o); !slices.Equal(got, want) {
		w.t.Errorf("the films of %s are %q, want %q", o.ID, got, want)
	}
}

// A picture was acknowledged, and so was its film; then it turns out to be one
// that the gallery has. Whoever is first, the film is not lost.
func TestFilmOfADuplicateMoves(t *testing.T) {
	for name, happens := range map[string]func(w *world, o, stays, film ingest.Original){
		"made": func(w *world, o, stays, film ingest.Original) {
			w.process(film)
			w.merged(o, stays)
		},
		"stored": func(w *world, o, stays, _ ingest.Original) { w.merged(o, stays) },
		"told of again": func(w *world, o, stays, film ingest.Original) {
			w.process(film)
			for range 3 {
				w.merged(o, stays)
				if err := w.HandleObjectFinalized(w.t.Context(), finalized(w.t, film.Key)); err != nil {
					w.t.Error(err)
				}
			}
		},
		"stored in the end": func(w *world, o, stays, film ingest.Original) {
			info, err := w.bucket.Stat(w.t.Context(), film.Key)
			if err != nil {
				w.t.Fatal(err)
			}
			if err := w.bucket.Delete(w.t.Context(), film.Key); err != nil {
				w.t.Fatal(err)
			}
			w.merged(o, stays) // while it is still being sent
			if _, err := w.bucket.Put(w.t.Context(), film.Key, strings.NewReader(movie), blob.WriteOptions{Metadata: info.Metadata}); err != nil {
				w.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			stays, o := w.store(picture("one")), w.store(picture("one"))
			w.process(stays)
			w.process(o)
			happens(w, o, stays, w.film(o))
			w.settle()
			w.wantFilms(stays, movie)
			if left := w.bucket.Keys(contract.OriginalKey(o.ID, epoch, "")); len(left) > 0 {
				t.Errorf("of the duplicate is left: %v", left)
			}
			ingesttest.Audit(t, w.bucket, w.bus, map[string]string{stays.ID: stays.SHA256})
			w.purge(stays)
			w.bus.Forget(stays.ID)
			w.clock.Advance(2 * w.cfg.SessionLife)
			w.sweepAll()
			w.empty()
		})
	}
}

// A film that is sent when its picture is a duplicate already goes to the image
// that stayed, however it is sent.
func TestFilmIsSentToADuplicate(t *testing.T) {
	w := withSessions(t)
	stays, o := w.store(picture("one")), w.store(picture("one"))
	w.process(stays)
	w.process(o)
	planned := ingest.Planned{Name: "IMG_1.MOV", Size: int64(len(movie)), SHA256: checksum(movie), CompanionOf: o.ID}
	early := w.plan(owner, planned)[0]
	w.merged(o, stays)
	w.finish(early, movie) // through the session of before
	for range 2 {
		p, err := w.Complete(t.Context(), owner, early.ID)
		if err != nil || p.Outcome == nil || p.Outcome.Err != nil || !p.Outcome.Original.Companion() {
			t.Errorf("Complete: %+v, %v", p, err)
		}
	}
	w.wantFilms(stays, movie)
	if again := w.plan(owner, planned)[0]; again.Known != stays.ID {
		t.Errorf("planned again: %+v, want it known to %s", again, stays.ID)
	}
	planned.SHA256 = checksum(otherMovie)
	if other := w.plan(owner, planned)[0]; code(other.Err) != "companion_exists" {
		t.Errorf("another of its size: %+v", other)
	}
	if _, err := w.Store(t.Context(), "bert", filmOf(o)); code(err) != "companion_without_image" {
		t.Errorf("of somebody else: %v", err)
	}
}

// The image that stays has a film of its own: what is the same is there once,
// and what is another is kept.
func TestFilmsOfDuplicates(t *testing.T) {
	w := newWorld(t)
	stays := w.store(picture("one"))
	w.process(stays)
	w.process(w.film(stays))
	for _, content := range []string{movie, otherMovie, otherMovie} {
		o := w.store(picture("one"))
		f := filmOf(o)
		f.Body = strings.NewReader(content)
		if _, err := w.Store(t.Context(), owner, f); err != nil {
			t.Fatal(err)
		}
		w.process(o)
		w.merged(o, stays)
	}
	w.wantFilms(stays, otherMovie, movie)
	w.settle()
	w.wantFilms(stays, otherMovie, movie)
	if n := len(w.bucket.Keys(contract.PrefixOriginals)); n != 3 {
		t.Errorf("%d objects, want the picture and two films", n)
	}
	ingesttest.Audit(t, w.bucket, w.bus, map[string]string{stays.ID: stays.SHA256})
	w.purge(stays)
	if left := w.bucket.Keys(contract.PrefixOriginals); len(left) > 0 {
		t.Errorf("the purge left %v", left)
	}
}

// reading is a bucket that tells when an object is opened.
type reading struct {
	*ingesttest.Bucket
	opened func(key string)
}

func (r reading) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, blob.Info, error) {
	r.opened(key)
	return r.Bucket.Open(ctx, key, offset, length)
}

// Two duplicates go at one time, and their films come to one image while each is
// read: the second waits for the first, in a store that is one process's alone
// too, where no lease is.
func TestFilmsOfDuplicatesComeAtOneTime(t *testing.T) {
	for _, alone := range []bool{true, false} {
		t.Run(fmt.Sprint("alone ", alone), func(t *testing.T) {
			w := newWorld(t)
			w.bucket.Alone = alone
			stays := w.store(picture("one"))
			w.process(stays)
			var duplicates []ingest.Original
			for _, content := range []string{movie, otherMovie} {
				o := w.store(picture("one"))
				f := filmOf(o)
				f.Body = strings.NewReader(content)
				if _, err := w.Store(t.Context(), owner, f); err != nil {
					t.Fatal(err)
				}
				duplicates = append(duplicates, o)
			}
			var second error
			var met atomic.Bool
			bucket := reading{w.bucket, func(key string) {
				if strings.HasPrefix(key, contract.OriginalKey(stays.ID, epoch, ".")) && strings.HasSuffix(key, ".mov") && met.CompareAndSwap(false, true) {
					second = w.merge(duplicates[1], stays)
				}
			}}
			w.stop()
			w.Service = ingest.New(w.cfg, ingest.Ports{
				Blob: bucket, Events: w.bus, Imager: w.imager, Metadata: metadata{}, Now: w.clock.Now, Log: discard,
			})
			w.merged(duplicates[0], stays)
			if second != nil && code(second) != "image_in_work" {
				t.Errorf("the second: %v", second)
			}
			w.merged(duplicates[1], stays) // its event comes again, if it was not handled
			w.wantFilms(stays, otherMovie, movie)
		})
	}
}

// More films than an image may have are refused, and not the ones that it has.
func TestFilmsAreLimited(t *testing.T) {
	w := newWorld(t)
	stays := w.store(picture("one"))
	w.process(stays)
	const most = 1 + 16
	for i := range most + 1 {
		o := w.store(picture("one"))
		f := filmOf(o)
		f.Body = strings.NewReader(fmt.Sprint(movie, i))
		if _, err := w.Store(t.Context(), owner, f); err != nil {
			t.Fatal(err)
		}
		w.merged(o, stays)
		if got, want := len(w.films(stays)), min(i+1, most); got != want {
			t.Fatalf("after %d it has %d films, want %d", i+1, got, want)
		}
	}
	w.settle()
	if got := len(w.bucket.Keys(contract.PrefixOriginals)); got != 1+most {
		t.Errorf("%d objects, want a picture and %d films", got, most)
	}
}

// What was kept without a preview, and is made at last, keeps its films.
func TestFilmsOutliveARetry(t *testing.T) {
	w := newWorld(t)
	stays := w.store(picture("panic"))
	for w.imager.probes() < w.cfg.Attempts {
		_, _ = w.Process(t.Context(), stays.Key)
		w.clock.Advance(time.Hour)
	}
	o := w.store(picture("other"))
	w.process(o)
	w.film(o)
	w.merged(o, stays)
	w.imager.mend()
	if done, err := w.SweepBy(t.Context(), ingest.Order{Now: w.clock.Now(), RetryFailed: true}); err != nil || done.Retried != 1 {
		t.Fatalf("Sweep: %+v, %v", done, err)
	}
	if m := w.process(stays); m.Preview != "" {
		t.Errorf("it was not made: %+v", m)
	}
	w.wantFilms(stays, movie)
}

// An event that names no image to stay, or the one that goes, removes nothing.
func TestDuplicateOfNothing(t *testing.T) {
	w := newWorld(t)
	o := w.store(picture("one"))
	w.process(o)
	before := len(w.bucket.Keys(""))
	for _, stays := range []string{o.ID, "../x", "A"} {
		if err := w.merge(o, ingest.Original{ID: stays}); event.JudgeError(err, 1, 5) != event.Dead {
			t.Errorf("%q: %v, want it to be set aside", stays, err)
		}
	}
	if after := len(w.bucket.Keys("")); after != before {
		t.Errorf("%d objects became %d", before, after)
	}
}

// The image that stayed was purged meanwhile: then its film goes with it, and its
// sender is told.
func TestFilmOfADuplicateOfWhatIsGone(t *testing.T) {
	w := newWorld(t)
	stays, o := w.store(picture("one")), w.store(picture("one"))
	w.process(stays)
	w.process(o)
	w.process(w.film(o))
	w.purge(stays)
	w.merged(o, stays)
	if _, err := w.Store(t.Context(), owner, filmOf(o)); code(err) != "companion_without_image" {
		t.Errorf("Store: %v", err)
	}
	w.clock.Advance(2 * w.cfg.SessionLife)
	w.sweepAll()
	w.empty()
}

// Whatever call fails while the film of a duplicate moves, it arrives.
func TestMergeWithEachFailure(t *testing.T) {
	var stays, o ingest.Original
	eachFailure(t, func(w *world) {
		stays, o = w.store(picture("one")), w.store(picture("one"))
		w.process(stays)
		w.process(o)
		w.process(w.film(o))
	}, func(w *world) map[string]string {
		if err := w.merge(o, stays); event.JudgeError(err, 1, 5) == event.Dead {
			t.Errorf("HandlePurged: %v, want another try", err)
		}
		return map[string]string{stays.ID: stays.SHA256}
	}, func(w *world) {
		w.merged(o, stays) // the event comes again
		w.settle()
		w.wantFilms(stays, movie)
		if left := w.parts(o) + len(w.bucket.Keys(contract.OriginalKey(o.ID, epoch, ""))); left > 0 {
			t.Errorf("of the duplicate %d objects are left", left)
		}
	})
}

// Whatever call fails while the film of a duplicate comes through a session of
// the bucket's, it arrives where its sender was told that it is.
func TestFilmThroughASessionWithEachFailure(t *testing.T) {
	var stays ingest.Original
	var opened ingest.Opened
	eachFailure(t, func(w *world) {
		w.sessions = &ingesttest.Sessions{Bucket: w.bucket}
		w.restart()
		stays = w.store(picture("one"))
		o := w.store(picture("one"))
		w.process(stays)
		w.process(o)
		planned := ingest.Planned{Name: "IMG_1.MOV", Size: int64(len(movie)), SHA256: checksum(movie), CompanionOf: o.ID}
		opened = w.plan(owner, planned)[0]
		w.merged(o, stays)
		w.finish(opened, movie)
	}, func(w *world) map[string]string {
		p, err := w.Complete(w.t.Context(), owner, opened.ID)
		if err == nil && (p.Outcome == nil || p.Outcome.Err != nil) {
			w.t.Errorf("the film is refused: %+v", p.Outcome)
		}
		return map[string]string{stays.ID: stays.SHA256}
	}, func(w *world) {
		w.settle()
		w.wantFilms(stays, movie)
	})
}
