package ingest_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingesttest"
)

// S08: what arrives is compared with what was planned, by size and checksum.
func TestS08_AnotherFileThanPlanned(t *testing.T) {
	planned := picture("as planned")
	for name, tt := range map[string]struct{ sent, want string }{
		"other bytes": {picture("as plannet"), "checksum_mismatch"},
		"larger":      {planned + "x", "checksum_mismatch"},
		"smaller":     {planned[:5], "checksum_mismatch"},
		"empty":       {"", "checksum_mismatch"},
	} {
		for _, eventFirst := range []bool{true, false} {
			t.Run(fmt.Sprint(name, eventFirst), func(t *testing.T) {
				w := withSessions(t)
				o := w.planOne(planned)
				w.finish(o, tt.sent)
				if eventFirst {
					if err := w.HandleObjectFinalized(t.Context(), finalized(t, w.sessions.Opened(o.URL).Key)); err != nil {
						t.Fatal(err)
					}
					w.restart() // another process is asked
				}
				for range 3 {
					w.completeFails(owner, o.ID, tt.want)
				}
				if got := w.bus.Rejected(); len(got) != 1 || got[0] != tt.want {
					t.Errorf("published %v", got)
				}
				if kept := w.bucket.Keys(contract.PrefixOriginals); len(kept) > 0 {
					t.Errorf("kept %v", kept)
				}
				w.settle()
				ingesttest.Audit(t, w.bucket, w.bus, nil)
			})
		}
	}
}

// A file that is not read for its size alone is not: it may be larger than all
// there is room for.
func TestS08_ALargerFileIsNotRead(t *testing.T) {
	w := withSessions(t, func(c *ingest.Config) { c.TempBytes, c.FileBytes = 1<<20, 1<<20; c.Memory = 16 << 20 })
	o := w.planOne(picture("small"))
	w.finish(o, picture(strings.Repeat("x", 4<<20)))
	w.completeFails(owner, o.ID, "checksum_mismatch")
}

// Nor is it kept when the tries at it have been used up.
func TestS08_ALargerFileIsNotKeptUnprocessed(t *testing.T) {
	w := withSessions(t, func(c *ingest.Config) { c.TempBytes, c.FileBytes = 1<<20, 1<<20; c.Memory = 16 << 20 })
	o := w.planOne(picture("small"))
	w.finish(o, picture(strings.Repeat("x", 4<<20)))
	w.hold(o.ID, fmt.Sprintf(`{"failures":%d,"ended":true}`, w.cfg.Attempts))
	w.completeFails(owner, o.ID, "checksum_mismatch")
}

// S08, U43: nobody learns anything of another owner's session.
func TestU43_ForeignBucketSessions(t *testing.T) {
	w := withSessions(t)
	content := picture("a")
	o := w.planOne(content)
	check := func() {
		t.Helper()
		for _, id := range []string{o.ID, "01ARZ3NDEKTSV4RRFFQ69G5FAV", "", "../x", strings.ToLower(o.ID), o.ID + "/x"} {
			w.completeFails("bert", id, "not_found")
			if err := w.Cancel(t.Context(), "bert", id); code(err) != "not_found" {
				t.Errorf("Cancel(%q): %v", id, err)
			}
		}
	}
	check()
	w.finish(o, content)
	check()
	w.completes(o.ID, content, false)
	check()
}

func TestU40_BucketQuotas(t *testing.T) {
	w := withSessions(t, func(c *ingest.Config) { c.FileBytes, c.OpenBytes = 1000, 1500 })
	for size, want := range map[int64]string{-1: "upload_length_invalid", 0: "upload_length_invalid", 1001: "file_too_large", 1 << 62: "file_too_large"} {
		if o := w.plan(owner, ingest.Planned{Size: size})[0]; code(o.Err) != want {
			t.Errorf("%d bytes: %v, want %s", size, o.Err, want)
		}
	}
	got := w.plan(owner, ingest.Planned{Size: 999}, ingest.Planned{Size: 502}, ingest.Planned{Size: 501})
	if got[0].Err != nil || code(got[1].Err) != "quota_exceeded" || got[2].Err != nil {
		t.Errorf("beyond the bytes of all: %v, %v, %v", got[0].Err, got[1].Err, got[2].Err)
	}
	if o := w.plan(owner, ingest.Planned{Size: 1})[0]; code(o.Err) != "quota_exceeded" {
		t.Errorf("one byte more: %v", o.Err)
	}
	if o := w.plan("bert", ingest.Planned{Size: 1000})[0]; o.Err != nil {
		t.Errorf("another owner: %v", o.Err)
	}
}

func TestU44_AThousandBucketSessions(t *testing.T) {
	w := withSessions(t)
	files := make([]ingest.Planned, ingest.MaxPlan)
	for i := range files {
		files[i] = plannedFor(picture("a"))
	}
	all := w.plan(owner, files...)
	for i, o := range all {
		if o.Err != nil {
			t.Fatalf("file %d: %v", i, o.Err)
		}
	}
	_, err := w.Plan(t.Context(), owner, files[:2], "")
	if code(err) != "too_many_uploads" || !fault.KindOf(err).Retryable() {
		t.Errorf("one more: %v", err)
	}
	if o := w.plan("bert", files[0])[0]; o.Err != nil {
		t.Errorf("another owner: %v", o.Err)
	}
	for i, end := range []func(ingest.Opened){
		func(o ingest.Opened) { // cancelled
			if err := w.Cancel(t.Context(), owner, o.ID); err != nil {
				t.Errorf("Cancel: %v", err)
			}
		},
		func(o ingest.Opened) { // completed
			w.finish(o, picture("a"))
			w.completes(o.ID, picture("a"), false)
		},
		func(o ingest.Opened) { // arrived, and never asked for
			w.finish(o, picture("a"))
			if err := w.HandleObjectFinalized(t.Context(), finalized(t, w.sessions.Opened(o.URL).Key)); err != nil {
				t.Error(err)
			}
			w.clock.Advance(time.Hour)
			w.sweepAll()
		},
	} {
		end(all[i])
		got := w.plan(owner, files[:2]...)
		if got[0].Err != nil || code(got[1].Err) != "too_many_uploads" {
			t.Errorf("after the end of one, in way %d: %v, %v", i, got[0].Err, got[1].Err)
		}
	}
}

func TestU44_BucketSessionsExpire(t *testing.T) {
	w := withSessions(t, func(c *ingest.Config) { c.OpenSessions = 1 })
	content := picture("a")
	first := w.planOne(content)
	w.clock.Advance(week - time.Millisecond)
	if _, err := w.Plan(t.Context(), owner, []ingest.Planned{plannedFor(content)}, ""); code(err) != "too_many_uploads" {
		t.Errorf("until it expires: %v", err)
	}
	w.clock.Advance(time.Millisecond)
	w.completeFails(owner, first.ID, "upload_expired")
	second := w.planOne(content) // it does not count any more
	w.sweepAll()
	w.completeFails(owner, first.ID, "upload_expired")
	w.clock.Advance(week)
	if done := w.sweepAll(); done.Sessions != 1 {
		t.Errorf("the sweep forgot %d sessions, want 1", done.Sessions)
	}
	w.completeFails(owner, first.ID, "not_found")
	w.completeFails(owner, second.ID, "upload_expired")
	w.finish(second, content) // its last byte was on its way
	w.completes(second.ID, content, false)
}

// Plans at one time, of several processes, never have more together than is
// allowed, and leave nothing that counts where they were refused.
func TestU46_PlansAtOneTime(t *testing.T) {
	w := withSessions(t, func(c *ingest.Config) { c.OpenSessions = 10 })
	const plans, each = 8, 3
	services := make([]*world, plans)
	for i := range services {
		services[i] = &world{t: t, cfg: w.cfg, bucket: w.bucket, bus: w.bus, imager: w.imager, clock: w.clock, sessions: w.sessions}
		services[i].start()
		t.Cleanup(services[i].stop)
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	given := 0
	for _, s := range services {
		all.Go(func() {
			opened, err := s.Plan(t.Context(), owner, []ingest.Planned{plannedFor("aaaa"), plannedFor("aaaa"), plannedFor("aaaa")}, "")
			if err != nil && code(err) != "too_many_uploads" {
				t.Errorf("Plan: %v", err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, o := range opened {
				if o.URL != "" {
					given++
				}
			}
		})
	}
	all.Wait()
	noted := len(w.bucket.Keys("sessions/open/"))
	if given > w.cfg.OpenSessions || noted != given {
		t.Errorf("%d sessions were given and %d are counted, %d are allowed", given, noted, w.cfg.OpenSessions)
	}
	for range w.cfg.OpenSessions - given {
		w.planOne("aaaa")
	}
	if _, err := w.Plan(t.Context(), owner, []ingest.Planned{plannedFor("aaaa")}, ""); code(err) != "too_many_uploads" {
		t.Errorf("beyond all: %v", err)
	}
}
