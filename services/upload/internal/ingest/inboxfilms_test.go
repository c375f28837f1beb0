package ingest_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingesttest"
)

// film is a QuickTime file of these tests.
func film(word string) string { return movie + " of " + word }

// taken is the manifest of the picture of that name.
func (w *world) taken(name string) contract.Manifest {
	w.t.Helper()
	for _, key := range w.bucket.Keys(contract.PrefixManifests) {
		var m contract.Manifest
		if err := json.Unmarshal(w.bucket.Data(key), &m); err != nil {
			w.t.Fatal(err)
		}
		if m.Name == name {
			return m
		}
	}
	w.t.Fatalf("%s was not taken in", name)
	return contract.Manifest{}
}

// shows expects that the picture's film has that content, and that nothing is
// left in the inbox.
func (w *world) shows(name, film string) {
	w.t.Helper()
	m := w.taken(name)
	if m.Motion == nil || m.Motion.SHA256 != checksum(film) || string(w.bucket.Data(m.Motion.Key)) != film {
		w.t.Errorf("%s has the film %+v", name, m.Motion)
	}
	if left := w.bucket.Keys("inbox"); len(left) > 0 {
		w.t.Errorf("left: %v", left)
	}
	ingesttest.Audit(w.t, w.bucket, w.bus, map[string]string{m.ID: m.SHA256})
}

// The film of a live photo that lies beside its picture becomes a part of it,
// whichever of them is there, or is told of, first.
func TestInboxPairsFilms(t *testing.T) {
	const picture1, film1 = "anna/Trip/IMG_1.HEIC", "anna/Trip/IMG_1.MOV"
	still, moving := picture("one"), film("one")
	drops := map[string]string{picture1: still, film1: moving}
	told := func(w *world, name string) {
		if err := w.HandleObjectFinalized(t.Context(), finalized(t, contract.PrefixInbox+name)); err != nil {
			t.Errorf("told of %s: %v", name, err)
		}
	}
	for name, order := range map[string][]string{"picture first": {picture1, film1}, "film first": {film1, picture1}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			for _, file := range order {
				w.drop(file, drops[file])
				told(w, file)
			}
			w.shows("IMG_1.HEIC", moving)
		})
	}
	t.Run("both at once", func(t *testing.T) {
		w := newWorld(t)
		w.drop(picture1, still)
		w.drop(film1, moving)
		w.drop("anna/Trip/IMG_1.JPG", picture("the same as a JPEG")) // the HEIC is likelier
		w.sweep(w.clock.Now(), ingest.Swept{Taken: 3})
		w.shows("IMG_1.HEIC", moving)
	})
	t.Run("after a crash", func(t *testing.T) {
		w := newWorld(t)
		w.drop(picture1, still)
		told(w, picture1)
		w.restart()
		w.drop(film1, moving)
		w.sweep(w.clock.Now(), ingest.Swept{Taken: 1})
		w.shows("IMG_1.HEIC", moving)
	})
}

// A film without a picture stays where it is, and is told of: also one of another
// folder, one of a name that a picture had long ago, and one of a picture that
// was refused.
func TestInboxKeepsFilmsWithoutPicture(t *testing.T) {
	w := newWorld(t)
	w.drop("anna/a/IMG_1.jpg", picture("one"))
	w.drop("anna/b/IMG_1.mov", film("of none"))
	w.drop("anna/IMG_2.jpg", picture("corrupt"))
	w.drop("anna/IMG_2.mov", film("of a broken one"))
	w.drop("anna/IMG_3.png", picture("no telephone's"))
	w.drop("anna/IMG_3.mov", film("beside a PNG"))
	w.sweep(w.clock.Now(), ingest.Swept{Taken: 3, Waiting: 3})
	w.clock.Advance(24 * time.Hour)
	w.drop("anna/a/IMG_1.mov", film("too late"))
	w.sweep(w.clock.Now(), ingest.Swept{Waiting: 4})
	w.drop("anna/b/IMG_1.heic", picture("it comes after all"))
	w.sweep(w.clock.Now(), ingest.Swept{Taken: 2, Waiting: 3})
	if m := w.taken("IMG_1.heic"); m.Motion == nil || m.Motion.SHA256 != checksum(film("of none")) {
		t.Errorf("the picture that came at last has %+v", m.Motion)
	}
	want := []string{"inbox/anna/IMG_2.mov", "inbox/anna/IMG_3.mov", "inbox/anna/a/IMG_1.mov"}
	if got := w.bucket.Keys(contract.PrefixInbox); !slices.Equal(got, want) {
		t.Errorf("in the inbox are %v, want %v", got, want)
	}
	w.clock.Advance(w.cfg.LeftoverAge)
	w.sweepAll()
	if notes := w.bucket.Keys("sessions/beside/"); len(notes) > 0 {
		t.Errorf("notes are left: %v", notes)
	}
}

// A second film beside the first, and the same once more, are both kept, once.
func TestInboxKeepsEveryFilm(t *testing.T) {
	w := newWorld(t)
	w.drop("anna/IMG_1.jpg", picture("one"))
	w.drop("anna/IMG_1.MOV", film("first"))
	w.sweep(w.clock.Now(), ingest.Swept{Taken: 2})
	w.drop("anna/IMG_1.MOV", film("second"))
	w.sweep(w.clock.Now(), ingest.Swept{Taken: 1})
	w.drop("anna/IMG_1.MOV", film("first"))
	w.sweep(w.clock.Now(), ingest.Swept{Taken: 1})
	w.shows("IMG_1.jpg", film("first"))
	if m := w.taken("IMG_1.jpg"); len(m.Films) != 1 || m.Films[0].SHA256 != checksum(film("second")) {
		t.Errorf("the further films are %+v", m.Films)
	}
}

// What is called a film and is none lies aside, as anything that is not taken.
func TestInboxRefusesWhatIsNoFilm(t *testing.T) {
	w := newWorld(t)
	w.drop("anna/IMG_1.jpg", picture("one"))
	w.drop("anna/IMG_1.MOV", "words")
	w.sweep(w.clock.Now(), ingest.Swept{Taken: 2})
	if m := w.taken("IMG_1.jpg"); m.Motion != nil {
		t.Errorf("the words became %+v", m.Motion)
	}
	if left := w.bucket.Keys("inbox"); len(left) != 1 || !strings.HasPrefix(left[0], contract.PrefixInboxRefused) {
		t.Errorf("left: %v", left)
	}
}

// Whatever call fails meanwhile, the pair is one image in the end and nothing is
// lost.
func TestInboxPairsWithEachFailure(t *testing.T) {
	eachFailure(t, func(w *world) {
		w.drop("anna/IMG_1.jpg", picture("one"))
		w.drop("anna/IMG_1.MOV", film("one"))
	}, func(w *world) map[string]string {
		_, _ = w.TakeInbox(w.t.Context())
		return nil
	}, func(w *world) {
		w.sweepAll()
		w.shows("IMG_1.jpg", film("one"))
	})
}
