package ingest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingesttest"
)

// A bucket is far away. The look at the picture of each of many films does not
// wait for the one before.
func TestAPlanOfManyFilmsLooksAtSeveralPicturesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		o := w.store(picture("one"))
		w.process(o)
		films := make([]ingest.Planned, ingest.MaxPlan)
		for i := range films {
			films[i] = ingest.Planned{Name: "a.mov", Size: 1, CompanionOf: o.ID}
		}
		films[1].CompanionOf = "of nothing"
		w.stop()
		w.Service = ingest.New(w.cfg, ingest.Ports{
			Blob: reading{w.bucket, func(string) { time.Sleep(50 * time.Millisecond) }}, Sessions: &ingesttest.Sessions{Bucket: w.bucket},
			Events: w.bus, Imager: w.imager, Metadata: metadata{}, Now: w.clock.Now, Log: discard,
		})
		start := time.Now()
		opened := w.plan(owner, films...)
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("it took %s", took)
		}
		for i, got := range opened {
			if want := map[bool]string{true: "companion_without_image"}[i == 1]; code(got.Err) != want || (got.URL == "") != (want != "") {
				t.Errorf("the film %d: %+v, want %q", i, got, want)
			}
		}
	})
}
