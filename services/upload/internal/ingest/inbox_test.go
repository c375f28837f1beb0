package ingest_test

import (
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

// drop puts a file into the inbox, as another tool does.
func (w *world) drop(name, content string) {
	w.t.Helper()
	_, err := w.bucket.Put(w.t.Context(), contract.PrefixInbox+name, strings.NewReader(content),
		blob.WriteOptions{Metadata: map[string]string{"goog-reserved-file-mtime": "1767225600"}})
	if err != nil {
		w.t.Fatal(err)
	}
}

// one is the one manifest that there is.
func (w *world) one() contract.Manifest {
	w.t.Helper()
	ids := w.bucket.Keys(contract.PrefixManifests)
	if len(ids) != 1 {
		w.t.Fatalf("there are %d manifests, want 1", len(ids))
	}
	id := strings.TrimSuffix(strings.TrimPrefix(ids[0], contract.PrefixManifests), ".json")
	return w.process(ingest.Original{Key: contract.OriginalKey(id, epoch, ".jpg")})
}

func TestInboxIsTakenIn(t *testing.T) {
	w := newWorld(t)
	w.drop("anna/Holidays/Day 1/a.jpg", picture("one"))
	w.sweep(w.clock.Now(), ingest.Swept{Taken: 1})
	m := w.one()
	when := time.Unix(1767225600, 0).UTC()
	if m.Owner != "anna" || m.Name != "a.jpg" || m.Album != "Holidays/Day 1" || m.ModifiedAt == nil || !m.ModifiedAt.Equal(when) ||
		m.SHA256 != checksum(picture("one")) || !m.CreatedAt.Equal(epoch) {
		t.Errorf("taken in as %+v", m)
	}
	if left := w.bucket.Keys("inbox"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	w.noAttempts()
	ingesttest.Audit(t, w.bucket, w.bus, map[string]string{m.ID: m.SHA256})
}

// The bucket tells of a file of the inbox as of any object: any number of times,
// to several processes at once, and some of them sweep.
func TestInboxGivesOneImage(t *testing.T) {
	w := newWorld(t)
	w.drop("anna/a.jpg", picture("one"))
	other := w.replica()
	told := finalized(t, "inbox/anna/a.jpg")
	var all sync.WaitGroup
	for i := range 8 {
		s := []*ingest.Service{w.Service, other}[i%2]
		all.Go(func() {
			if err := s.HandleObjectFinalized(t.Context(), told); err != nil && code(err) != "image_in_work" {
				t.Errorf("told: %v", err)
			}
		})
		all.Go(func() {
			if _, err := s.TakeInbox(t.Context()); err != nil {
				t.Errorf("TakeInbox: %v", err)
			}
		})
	}
	all.Wait()
	if err := w.HandleObjectFinalized(t.Context(), told); err != nil {
		t.Errorf("told again: %v", err)
	}
	m := w.one()
	if left := w.bucket.Keys("inbox"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	w.drop("anna/a.jpg", picture("one")) // put there again: another file
	w.sweep(w.clock.Now(), ingest.Swept{Taken: 1})
	if n := len(w.bucket.Keys(contract.PrefixManifests)); n != 2 {
		t.Errorf("%d images, want another", n)
	}
	ingesttest.Audit(t, w.bucket, w.bus, map[string]string{m.ID: m.SHA256})
}

// Nothing that somebody put there is deleted: what is not taken lies aside.
func TestInboxKeepsWhatItRefuses(t *testing.T) {
	w := newWorld(t, func(c *ingest.Config) { c.FileBytes = 100 })
	w.drop("anna/notes.txt", "text")
	w.drop("anna/broken.jpg", picture("corrupt"))
	w.drop("anna/large.jpg", picture(strings.Repeat("x", 98)))
	w.drop("anna/empty.jpg", "")
	w.drop("Nobody/a.jpg", picture("one"))
	w.drop("a.jpg", picture("two"))
	w.drop("anna/fits.jpg", picture(strings.Repeat("x", 97)))
	w.sweep(w.clock.Now(), ingest.Swept{Taken: 7})
	m := w.one()
	if m.Name != "fits.jpg" {
		t.Errorf("took in %+v", m)
	}
	var aside []string
	for _, key := range w.bucket.Keys("inbox") {
		_, name, _ := strings.Cut(strings.TrimPrefix(key, contract.PrefixInboxRefused), "/")
		aside = append(aside, name)
	}
	slices.Sort(aside)
	if want := []string{"Nobody/a.jpg", "a.jpg", "anna/broken.jpg", "anna/empty.jpg", "anna/large.jpg", "anna/notes.txt"}; !slices.Equal(aside, want) {
		t.Errorf("aside are %v, want %v", aside, want)
	}
	w.sweep(w.clock.Now(), ingest.Swept{})
	ingesttest.Audit(t, w.bucket, w.bus, map[string]string{m.ID: m.SHA256})
}

// More than a page of them.
func TestInboxOfManyPages(t *testing.T) {
	w := newWorld(t)
	const n = blob.MaxListLimit + 3
	for i := range n {
		w.drop(fmt.Sprintf("anna/%d.jpg", i), picture(fmt.Sprint(i)))
	}
	w.sweep(w.clock.Now(), ingest.Swept{Taken: n})
	if got := len(w.bucket.Keys(contract.PrefixManifests)); got != n {
		t.Errorf("%d images, want %d", got, n)
	}
	ingesttest.Audit(t, w.bucket, w.bus, nil)
}

func TestInboxWithEachFailure(t *testing.T) {
	eachFailure(t, func(w *world) {
		w.drop("anna/a.jpg", picture("one"))
		w.drop("anna/b.jpg", picture("corrupt"))
	}, func(w *world) map[string]string {
		_, _ = w.TakeInbox(w.t.Context())
		return nil
	}, func(w *world) {
		m := w.one()
		left := w.bucket.Keys("inbox")
		if m.Name != "a.jpg" || len(left) != 1 || !strings.HasPrefix(left[0], contract.PrefixInboxRefused) ||
			string(w.bucket.Data(left[0])) != picture("corrupt") {
			t.Errorf("took in %s, and left %v", m.Name, left)
		}
	})
}

// Eight are in work at one time, one that takes long or fails keeps none of the
// others, and a picture and its film are never in work together.
func TestInboxTakesSeveralAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		const pairs = 20
		for i := range pairs {
			w.drop(fmt.Sprintf("anna/%02d.mov", i), film(fmt.Sprint(i)))
			w.drop(fmt.Sprintf("anna/%02d.jpg", i), picture(fmt.Sprint(i)))
		}
		w.drop("anna/00 broken.jpg", picture("corrupt"))
		w.drop("anna/00 lonely.mov", film("of none"))
		w.imager.gate = make(chan struct{})
		swept := make(chan struct{})
		go func() {
			w.sweep(w.clock.Now(), ingest.Swept{Taken: 2*pairs + 1, Waiting: 1})
			close(swept)
		}()
		synctest.Wait()
		if n := len(w.bucket.Keys(contract.PrefixAttempts)); n != 8 {
			t.Errorf("%d are in work, want 8", n)
		}
		close(w.imager.gate)
		<-swept
		paired := map[string]string{}
		for _, key := range w.bucket.Keys(contract.PrefixManifests) {
			id := strings.TrimSuffix(strings.TrimPrefix(key, contract.PrefixManifests), ".json")
			m := w.process(ingest.Original{Key: contract.OriginalKey(id, epoch, ".jpg")})
			if m.Motion == nil {
				t.Errorf("%s has no film", m.Name)
				continue
			}
			paired[m.Name] = string(w.bucket.Data(m.Motion.Key))
		}
		for i := range pairs {
			if name := fmt.Sprintf("%02d.jpg", i); paired[name] != film(fmt.Sprint(i)) {
				t.Errorf("%s has another's film, or none", name)
			}
		}
		if len(paired) != pairs {
			t.Errorf("%d pictures have films, want %d", len(paired), pairs)
		}
	})
}
