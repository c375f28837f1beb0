package ingest_test

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"strings"
	"testing"
	"testing/synctest"
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
	done, err := w.SweepBy(w.t.Context(), ingest.Order{Now: w.clock.Now()})
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
	synctest.Test(t, func(t *testing.T) {
		w := withSessions(t, func(c *ingest.Config) { c.AnswerWithin = 10 * time.Millisecond })
		w.imager.gate = make(chan struct{})
		content := picture("a")
		f := plannedFor(content)
		f.Album = "Trips/Seoul"
		o := w.plan(owner, f)[0]
		w.finish(o, content)
		p, err := w.Complete(t.Context(), owner, o.ID)
		if err != nil || p.Outcome == nil || p.Outcome.Ready || p.Outcome.Err != nil || p.Outcome.Original.ID != o.ID || p.Outcome.Original.SHA256 != "" ||
			p.Outcome.Original.Album != "Trips/Seoul" || p.Outcome.Original.Key != w.sessions.Opened(o.URL).Key {
			t.Errorf("Complete: %+v, %v", p.Outcome, err)
		}
		close(w.imager.gate)
		w.process(ingest.Original{Key: w.sessions.Opened(o.URL).Key})
		w.completes(o.ID, content, false)
		w.completes(o.ID, content, true)
	})
}
