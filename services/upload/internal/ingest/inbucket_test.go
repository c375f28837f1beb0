package ingest_test

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingesttest"
)

const week = 7 * 24 * time.Hour

// withSessions is a world whose bucket serves sessions itself.
func withSessions(t testing.TB, change ...func(*ingest.Config)) *world {
	w := newWorld(t, change...)
	w.sessions = &ingesttest.Sessions{Bucket: w.bucket}
	w.restart()
	return w
}

func plannedFor(content string) ingest.Planned {
	return ingest.Planned{Name: "a.jpg", Size: int64(len(content)), SHA256: checksum(content)}
}

func (w *world) plan(who identity.Owner, files ...ingest.Planned) []ingest.Opened {
	w.t.Helper()
	opened, err := w.Plan(w.t.Context(), who, files, "https://photos.example.org")
	if err != nil {
		w.t.Fatalf("Plan: %v", err)
	}
	return opened
}

func (w *world) planOne(content string) ingest.Opened {
	w.t.Helper()
	o := w.plan(owner, plannedFor(content))[0]
	if o.Err != nil {
		w.t.Fatalf("Plan: %v", o.Err)
	}
	return o
}

func (w *world) finish(o ingest.Opened, content string) {
	w.t.Helper()
	if err := w.sessions.Finish(o.URL, []byte(content)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) sweepAll() ingest.Swept {
	w.t.Helper()
	done, err := w.Sweep(w.t.Context(), w.clock.Now(), time.Time{})
	if err != nil || done.Failed > 0 {
		w.t.Fatalf("Sweep: %+v, %v", done, err)
	}
	return done
}

// completes expects a file that is kept, told for the first time or again.
func (w *world) completes(id, content string, before bool) {
	w.t.Helper()
	p, err := w.Complete(w.t.Context(), owner, id)
	if err != nil || p.Outcome == nil || p.Outcome.Err != nil {
		w.t.Fatalf("Complete: %+v, %v", p, err)
	}
	o := p.Outcome
	if o.Original.ID != id || o.Original.SHA256 != checksum(content) || !o.Ready || o.Name != "a.jpg" || o.Manifest.Width != 30 || p.Before != before {
		w.t.Errorf("Complete: %+v, before %v", *o, p.Before)
	}
}

func (w *world) completeFails(who identity.Owner, id, want string) {
	w.t.Helper()
	p, err := w.Complete(w.t.Context(), who, id)
	if err == nil && p.Outcome != nil {
		err = p.Outcome.Err
	}
	if code(err) != want {
		w.t.Errorf("Complete: %+v, %q; want %s", p.Outcome, code(err), want)
	}
}

func TestBucketSessionBecomesAnImage(t *testing.T) {
	w := withSessions(t)
	content, modified := picture("a"), epoch.Add(-time.Hour)
	f := plannedFor(content)
	f.Name, f.ModifiedAt, f.ContentType = `C:\고양이.jpeg`, &modified, "image/png"
	o := w.plan(owner, f)[0]
	if o.Err != nil || o.Session != "" || !strings.HasPrefix(o.URL, w.sessions.SessionOrigin()+"/") || !o.ExpiresAt.Equal(epoch.Add(week)) {
		t.Fatalf("planned %+v", o)
	}
	opened := w.sessions.Opened(o.URL)
	want := map[string]string{
		"owner": owner, "name": "%EA%B3%A0%EC%96%91%EC%9D%B4.jpeg", "modified_at": "2026-11-22T11:00:00Z",
		"planned_size": fmt.Sprint(len(content)), "planned_sha256": checksum(content),
	}
	if opened.Key != contract.OriginalKey(o.ID, epoch, ".png") || opened.Options.Origin != "https://photos.example.org" || !opened.Options.IfNotExists ||
		opened.Options.Size != int64(len(content)) || opened.Options.ContentType != "image/png" || !maps.Equal(opened.Options.Metadata, want) {
		t.Errorf("opened %+v", opened)
	}
	w.finish(o, content) // and the client never comes back
	if err := w.HandleObjectFinalized(t.Context(), finalized(t, opened.Key)); err != nil {
		t.Fatal(err)
	}
	said, err := contract.Decode[contract.ImageUploaded](w.bus.Events(contract.TypeImageUploaded)[0], contract.TypeImageUploaded)
	m := said.Manifest
	if err != nil || m.Owner != owner || m.Name != "고양이.jpeg" || m.ModifiedAt == nil || !m.ModifiedAt.Equal(modified) || m.ContentType != "image/jpeg" {
		t.Errorf("published %+v, %v", m, err)
	}
	w.settle()
	ingesttest.Audit(t, w.bucket, w.bus, map[string]string{o.ID: checksum(content)})
}

// What is asked when nothing is known of a file's kind: it may be an image.
func TestBucketSessionKinds(t *testing.T) {
	w := withSessions(t)
	for name, want := range map[string]string{"a.JPG": ".jpg", "a.jpeg": ".jpg", "b.webp": ".webp", "c.txt": ".bin", "d": ".bin", "../e.gif": ".gif"} {
		o := w.plan(owner, ingest.Planned{Name: name, Size: 4})[0]
		key := w.sessions.Opened(o.URL).Key
		if path.Ext(key) != want {
			t.Errorf("%s: stored under %s, want %s", name, key, want)
		}
		w.finish(o, picture("x"))
		if p, err := w.Complete(t.Context(), owner, o.ID); err != nil || p.Outcome.Err != nil || p.Outcome.Original.ContentType != "image/jpeg" {
			t.Errorf("%s: %+v, %v", name, p.Outcome, err)
		}
	}
}

func TestCompleteIsToldOnce(t *testing.T) {
	w := withSessions(t)
	content := picture("a")
	o := w.planOne(content)
	w.completeFails(owner, o.ID, "upload_incomplete")
	w.finish(o, content)
	w.completes(o.ID, content, false)
	w.completes(o.ID, content, true)
	w.restart()
	w.completes(o.ID, content, true)
	// The catalog had the same bytes already and purged these: the answer stays.
	key := w.sessions.Opened(o.URL).Key
	purged := delivery(t, contract.TypeImagePurged, contract.ImagePurged{ID: o.ID, Owner: owner, Key: key})
	if err := w.HandlePurged(t.Context(), purged); err != nil {
		t.Fatal(err)
	}
	w.completes(o.ID, content, true)
	if err := w.Cancel(t.Context(), owner, o.ID); code(err) != "not_found" {
		t.Errorf("Cancel of what is told: %v", err)
	}
	w.clock.Advance(week)
	w.sweepAll()
	w.completeFails(owner, o.ID, "not_found") // forgotten
	w.empty()
}

// An image that the catalog purges before its sender asks is told all the same.
func TestCompleteAfterAPurge(t *testing.T) {
	w := withSessions(t)
	content := picture("a")
	o := w.planOne(content)
	w.finish(o, content)
	key := w.sessions.Opened(o.URL).Key
	if err := w.HandleObjectFinalized(t.Context(), finalized(t, key)); err != nil {
		t.Fatal(err)
	}
	if err := w.HandlePurged(t.Context(), delivery(t, contract.TypeImagePurged, contract.ImagePurged{ID: o.ID, Owner: owner, Key: key})); err != nil {
		t.Fatal(err)
	}
	w.completes(o.ID, content, false)
	w.completes(o.ID, content, true)
}

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

func TestBucketSessionCancel(t *testing.T) {
	w := withSessions(t)
	content := picture("a")
	gone, arrived := w.planOne(content), w.planOne(content)
	if err := w.Cancel(t.Context(), owner, gone.ID); err != nil {
		t.Errorf("Cancel: %v", err)
	}
	if err := w.Cancel(t.Context(), owner, gone.ID); code(err) != "not_found" {
		t.Errorf("Cancel again: %v", err)
	}
	w.completeFails(owner, gone.ID, "not_found")
	w.finish(arrived, content)
	if err := w.Cancel(t.Context(), owner, arrived.ID); code(err) != "upload_finished" {
		t.Errorf("Cancel of what has arrived: %v", err)
	}
	w.completes(arrived.ID, content, false)
}

// Whatever call fails while a file is planned, arrives and is completed: what the
// client is told holds, it is told in the end, and nothing is left over.
func TestBucketSessionsSurviveEveryFailure(t *testing.T) {
	for _, content := range []string{picture("a"), picture("corrupt")} {
		for _, mode := range ingesttest.Modes {
			for call := 1; failOnce(t, content, mode, call); call++ {
			}
		}
	}
}

// failOnce reports whether there were as many calls.
func failOnce(t *testing.T, content string, mode ingesttest.Mode, call int) bool {
	t.Helper()
	w := withSessions(t)
	w.faults.Arm(call, mode)
	opened, err := w.Plan(t.Context(), owner, []ingest.Planned{plannedFor(content)}, "")
	if err != nil {
		if !errors.Is(err, ingesttest.ErrInjected) {
			t.Errorf("%s %d: Plan: %v", mode, call, err)
		}
		w.faults.Disarm()
		opened = w.plan(owner, plannedFor(content))
	}
	if opened[0].Err != nil {
		t.Fatalf("%s %d: Plan: %v", mode, call, opened[0].Err)
	}
	w.finish(opened[0], content)
	_, first := w.Complete(t.Context(), owner, opened[0].ID)
	if first != nil && fault.KindOf(first) != fault.Unavailable {
		t.Errorf("%s %d: Complete: %v", mode, call, first)
	}
	hit := w.faults.Disarm()
	w.settle()
	acknowledged := map[string]string{}
	if content == picture("corrupt") {
		w.completeFails(owner, opened[0].ID, "image_corrupt")
	} else {
		acknowledged[opened[0].ID] = checksum(content)
		p, err := w.Complete(t.Context(), owner, opened[0].ID)
		if err != nil || p.Outcome.Err != nil || !p.Outcome.Ready {
			t.Errorf("%s %s: in the end %+v, %v", mode, hit, p.Outcome, err)
		}
	}
	ingesttest.Audit(t, w.bucket, w.bus, acknowledged)
	w.clock.Advance(2 * week)
	w.sweepAll()
	if left := w.bucket.Keys("sessions/"); len(left) > 0 {
		t.Errorf("%s %s: %v is left", mode, hit, left)
	}
	return hit != "" && !t.Failed()
}

// An image that takes longer than a client is asked to wait is safe and said to
// be in work, without a checksum that nobody has read; the next answer tells.
func TestCompleteDoesNotWaitForEver(t *testing.T) {
	w := withSessions(t, func(c *ingest.Config) { c.AnswerWithin = 10 * time.Millisecond })
	w.imager.gate = make(chan struct{})
	content := picture("a")
	o := w.planOne(content)
	w.finish(o, content)
	p, err := w.Complete(t.Context(), owner, o.ID)
	if err != nil || p.Outcome == nil || p.Outcome.Ready || p.Outcome.Err != nil || p.Outcome.Original.ID != o.ID || p.Outcome.Original.SHA256 != "" {
		t.Errorf("Complete: %+v, %v", p.Outcome, err)
	}
	close(w.imager.gate)
	w.process(ingest.Original{Key: w.sessions.Opened(o.URL).Key})
	w.completes(o.ID, content, false)
	w.completes(o.ID, content, true)
}
