package ingest_test

import (
	"errors"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// Whatever a file begins with, it is stored under the extension of what it is,
// with all its bytes, or refused with a sentence, and then nothing is kept.
func FuzzSniff(f *testing.F) {
	for _, seed := range []string{
		"", "\xff", magic, picture("good"), "\x89PNG\r\n\x1a\n", "GIF87a", "GIF89a/*<script>*/", "RIFF\x00\x00\x00\x00WEBP", "RIFF\x00\x00\x00\x00WAVE",
		"<svg>", "%PDF-1.7", "BM", "II*\x00", "PK\x03\x04", "\x00\x00\x00\x1cftypheic", "text",
	} {
		f.Add([]byte(seed))
	}
	magics := map[string][]string{".jpg": {magic}, ".png": {"\x89PNG\r\n\x1a\n"}, ".gif": {"GIF87a", "GIF89a"}, ".webp": {"RIFF"}}
	w := newWorld(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		before := len(w.bucket.Keys(""))
		o, err := w.Store(t.Context(), owner, file("a.jpg", string(data)))
		if err != nil {
			if public := fault.Public(err); public.Kind == fault.Internal || public.Detail == "" {
				t.Errorf("refused with %v", err)
			}
			if left := len(w.bucket.Keys("")); left != before {
				t.Errorf("%d objects are left of a refused file", left-before)
			}
			return
		}
		begins := false
		for _, m := range magics[path.Ext(o.Key)] {
			begins = begins || strings.HasPrefix(string(data), m)
		}
		if !begins && magics[path.Ext(o.Key)] != nil {
			t.Errorf("%q is stored as %s", data, o.Key)
		}
		if string(w.bucket.Data(o.Key)) != string(data) {
			t.Errorf("%d bytes were sent, %d are stored", len(data), len(w.bucket.Data(o.Key)))
		}
		if err := w.bucket.Delete(t.Context(), o.Key); err != nil {
			t.Fatal(err)
		}
	})
}

// Whatever stands where a manifest should, the sweep keeps the original and says
// of that image nothing about another one.
func FuzzManifest(f *testing.F) {
	w := newWorld(f)
	o := w.store(picture("good"))
	whole := w.process(o)
	key := contract.ManifestKey(whole.ID)
	f.Add(w.bucket.Data(key))
	for _, seed := range []string{
		"", "{", "null", "[]", `{"version":2}`, `{"id":"x"}`, `{"id":"../../x","key":"originals/../x"}`,
		`{"id":"` + whole.ID + `","key":"` + whole.Key + `"}`, `{"id":"` + whole.ID + `","key":"manifests/a.json"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		w.bucket.Overwrite(key, raw)
		w.bus.Forget(whole.ID)
		n := len(w.bus.Events(contract.TypeImageUploaded))
		w.clock.Advance(2 * time.Hour) // it may be said again
		if _, err := w.SweepBy(t.Context(), ingest.Order{Now: w.clock.Now()}); err != nil {
			t.Fatalf("Sweep: %v", err)
		}
		if w.bucket.Data(o.Key) == nil {
			t.Errorf("the original is gone with the manifest %q", raw)
		}
		for _, e := range w.bus.Events(contract.TypeImageUploaded)[n:] {
			said, err := contract.Decode[contract.ImageUploaded](e, contract.TypeImageUploaded)
			if err != nil || said.Manifest.ID != whole.ID || e.Subject != whole.ID {
				t.Errorf("of %s was said %s %q, from %q", whole.ID, e.Subject, e.Data, raw)
			}
		}
	})
}

// Whatever an event's data are, what it does not name rightly stays as it is.
func FuzzEvents(f *testing.F) {
	w := newWorld(f)
	o := w.store(picture("good"))
	w.process(o)
	for _, seed := range []string{
		"", "null", "{}", `{"key":"originals/20261122/x.jpg","generation":"1"}`, `{"key":"../` + o.Key + `","generation":"1"}`,
		`{"id":"` + o.ID + `","owner":"bert","key":"` + o.Key + `"}`, `{"id":"` + o.ID + `","owner":"anna","key":"originals/"}`,
		`{"id":"..","owner":"anna","key":"` + o.Key + `"}`,
	} {
		f.Add([]byte(seed))
	}
	before := w.bucket.Keys("")
	f.Fuzz(func(t *testing.T, data []byte) {
		names := func(e event.Event) bool { // it is a true purge of the one that is there
			p, err := contract.Decode[contract.ImagePurged](e, contract.TypeImagePurged)
			return err == nil && p.ID == o.ID && p.Key == o.Key && p.Owner == owner
		}
		for typ, handle := range map[string]func(event.Delivery) error{
			contract.TypeObjectFinalized: func(d event.Delivery) error { return w.HandleObjectFinalized(t.Context(), d) },
			contract.TypeImagePurged:     func(d event.Delivery) error { return w.HandlePurged(t.Context(), d) },
		} {
			d := event.Delivery{Event: event.Event{ID: "e", Type: typ, Data: data}, Attempt: 1}
			if typ == contract.TypeImagePurged && names(d.Event) {
				continue
			}
			if err := handle(d); err != nil && fault.KindOf(err) == fault.Internal && !errors.Is(err, ingest.ErrCorrupt) {
				t.Errorf("%s %q: %v", typ, data, err)
			}
			if after := w.bucket.Keys(""); len(after) != len(before) {
				t.Fatalf("%s %q: the bucket holds %v, before %v", typ, data, after, before)
			}
		}
	})
}
