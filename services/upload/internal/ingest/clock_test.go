package ingest_test

import (
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingesttest"
)

// F31: the clock jumps to and fro, and stands still, between uploads and
// sweeps. No sweep removes anything because of it, none fails, and in the end
// all is finished.
func TestF31_ASweepUnderAJumpingClock(t *testing.T) {
	w := newWorld(t)
	acknowledged := map[string]string{}
	var stored []ingest.Original
	for i, jump := range []time.Duration{
		2 * time.Minute, -2 * time.Minute, 24 * time.Hour, -24 * time.Hour, -time.Hour, 0, 0, -365 * 24 * time.Hour, 2 * 365 * 24 * time.Hour,
	} {
		o := w.store(picture(string(rune('a' + i))))
		if i%2 == 0 {
			w.process(o)
		}
		stored = append(stored, o)
		acknowledged[o.ID] = checksum(picture(string(rune('a' + i))))
		w.clock.Advance(jump)
		before := len(w.bucket.Keys(contract.PrefixRenditions))
		for _, since := range []time.Time{{}, w.clock.Now().Add(-48 * time.Hour)} {
			done, err := w.SweepBy(t.Context(), ingest.Order{Now: w.clock.Now(), Since: since})
			if err != nil || done.Failed > 0 || done.Removed > 0 {
				t.Errorf("after a jump of %v: %+v, %v", jump, done, err)
			}
		}
		for _, o := range stored {
			if w.bucket.Data(o.Key) == nil {
				t.Errorf("after a jump of %v %s is gone", jump, o.Key)
			}
		}
		if after := len(w.bucket.Keys(contract.PrefixRenditions)); after < before {
			t.Errorf("after a jump of %v %d renditions are gone", jump, before-after)
		}
	}
	w.settle()
	ingesttest.Audit(t, w.bucket, w.bus, acknowledged)
}
