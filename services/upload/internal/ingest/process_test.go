package ingest_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingesttest"
)

func TestProcess(t *testing.T) {
	w := newWorld(t)
	o := w.store(picture("one"))
	got := w.process(o)
	taken := epoch.Add(-time.Hour)
	want := contract.Manifest{
		Version: 1, ID: o.ID, Owner: owner, Name: "a.jpg", Key: o.Key, Generation: 1, Size: o.Size, ContentType: "image/jpeg",
		SHA256: o.SHA256, CRC32C: got.CRC32C, Width: 30, Height: 40, TakenAt: &taken, CreatedAt: epoch, Placeholder: "aGFzaA==",
		Camera: contract.Camera{Model: "Box"}, Warnings: []string{"metadata_unreadable"},
		Renditions: []contract.Rendition{
			{Name: "w320", Key: "renditions/" + o.ID + "/w320.jpg", Width: 3, Height: 4, Size: 10, ContentType: "image/jpeg"},
			{Name: "w1024", Key: "renditions/" + o.ID + "/w1024.jpg", Width: 3, Height: 4, Size: 11, ContentType: "image/jpeg"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the manifest differs (-want +got):\n%s", diff)
	}
	events := w.bus.Events(contract.TypeImageUploaded)
	if len(events) != 1 || !strings.HasPrefix(events[0].ID, o.ID+".uploaded.") || events[0].Subject != o.ID {
		t.Fatalf("published %+v", events)
	}
	said, err := contract.Decode[contract.ImageUploaded](events[0], contract.TypeImageUploaded)
	if err != nil || !cmp.Equal(said.Manifest, want) {
		t.Errorf("published %+v, %v", said, err)
	}
	ingesttest.Audit(t, w.bucket, w.bus, map[string]string{o.ID: o.SHA256})
}

// However often and however many at a time ask for it, an image is made once.
func TestProcessIsIdempotent(t *testing.T) {
	w := newWorld(t)
	o := w.store(picture("one"))
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { w.process(o) })
	}
	all.Wait()
	if derived, _ := w.imager.count(); derived != 1 {
		t.Errorf("the image was derived %d times", derived)
	}
	w.restart() // another replica, or the same later
	w.process(o)
	if derived, _ := w.imager.count(); derived != 1 {
		t.Errorf("the image was derived again")
	}
	if said := w.bus.Events(contract.TypeImageUploaded); len(said) != 2 || said[0].ID != said[1].ID {
		t.Errorf("published %v, want the same once by each process", said)
	}
	ingesttest.Audit(t, w.bucket, w.bus, map[string]string{o.ID: o.SHA256})
}

// What is an image and cannot be shown is kept, with what is known of it. Whether
// its header shows that or its decoding makes no difference.
func TestProcessKeepsWhatCannotBeShown(t *testing.T) {
	for word, contentType := range map[string]string{"raw": "image/x-adobe-dng", "rare": "image/jpeg"} {
		w := newWorld(t)
		o := w.store(picture(word))
		m := w.process(o)
		if m.Preview != contract.PreviewUnavailable || len(m.Renditions) > 0 || m.ContentType != contentType || m.Placeholder != "" {
			t.Errorf("%s: the manifest says %+v", word, m)
		}
		if wide := word == "rare"; (m.Width > m.Height) != wide || m.Camera.Model != "Box" {
			t.Errorf("%s: %d x %d by %q", word, m.Width, m.Height, m.Camera.Model)
		}
		if n := len(w.bus.Events(contract.TypeImageUploaded)); n != 1 || len(w.bus.Rejected()) > 0 {
			t.Errorf("%s: published %d times, rejected %v", word, n, w.bus.Rejected())
		}
		w.settle()
		ingesttest.Audit(t, w.bucket, w.bus, map[string]string{o.ID: o.SHA256})
	}
}

// The moving part stays where it is: in the original.
func TestProcessSaysWhereTheMovingPartIs(t *testing.T) {
	w := newWorld(t)
	o := w.store(picture("live"))
	want := &contract.Motion{Key: o.Key, Offset: 3, Length: 4, ContentType: "video/mp4"}
	if diff := cmp.Diff(want, w.process(o).Motion); diff != "" {
		t.Errorf("the manifest says (-want +got):\n%s", diff)
	}
}

func TestProcessRefuses(t *testing.T) {
	for word, want := range map[string]string{"corrupt": "image_corrupt", "bomb": "image_too_large", "endless": "image_too_complex"} {
		t.Run(word, func(t *testing.T) {
			w := newWorld(t, func(c *ingest.Config) {
				if word == "endless" {
					c.DeriveTimeout = 10 * time.Millisecond
				}
			})
			o := w.store(picture(word))
			_, err := w.Process(t.Context(), o.Key)
			refused := (*ingest.Refused)(nil)
			if !errors.As(err, &refused) || refused.Unfinished != nil || code(err) != want {
				t.Errorf("Process: %v, want a finished refusal as %s", err, want)
			}
			w.empty()
			if got := w.bus.Rejected(); !slices.Equal(got, []string{want}) {
				t.Errorf("published rejections %v", got)
			}
			// Who comes later, having lost a race with the event, hears the reason too.
			if _, err := w.Process(t.Context(), o.Key); !errors.As(err, &refused) || refused.Unfinished != nil || code(err) != want {
				t.Errorf("Process again: %v, want %s", err, want)
			}
			w.restart()
			if _, err := w.Process(t.Context(), o.Key); code(err) != "original_not_found" {
				t.Errorf("Process by another: %v", err)
			}
			ingesttest.Audit(t, w.bucket, w.bus, nil)
		})
	}
}

func TestProcessRefusesWhatNeedsMoreThanThereIs(t *testing.T) {
	share := ingest.Defaults().DecodeMemory()
	for memory, want := range map[int64]string{share - 1: "", share: "", share + 1: "image_too_large"} {
		w := newWorld(t)
		w.imager.memory = memory
		_, err := w.Process(t.Context(), w.store(picture("ok")).Key)
		if code(err) != want {
			t.Errorf("%d bytes: %v, want %q", memory, err, want)
		}
	}
}

// Work is admitted by the memory it needs, and the smallest counts for enough
// that a core is not shared by many.
func TestProcessBoundsMemory(t *testing.T) {
	share := ingest.Defaults().DecodeMemory()
	for memory, want := range map[int64]int{share: 1, share/2 + 1: 1, share / 2: 2, 1: 2 * runtime.GOMAXPROCS(0)} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.imager.memory = memory
			w.imager.gate = make(chan struct{})
			var all sync.WaitGroup
			for range want + 3 {
				o := w.store(picture("ok"))
				all.Go(func() { w.process(o) })
			}
			synctest.Wait()
			if _, most := w.imager.count(); most != want {
				t.Errorf("%d of %d bytes were derived at one time, want %d", most, memory, want)
			}
			close(w.imager.gate)
			all.Wait()
			if derived, most := w.imager.count(); derived != want+3 || most > want {
				t.Errorf("%d were derived, %d at one time; want %d and %d", derived, most, want+3, want)
			}
		})
	}
}

// A file that is too large to hold goes through a temporary file.
func TestProcessSpoolsLargeFiles(t *testing.T) {
	w := newWorld(t, func(c *ingest.Config) { c.Memory = 16 << 20 })
	for _, size := range []int{16<<20/10 - 1, 16 << 20 / 10, 16<<20/10 + 1} {
		o := w.store(picture(strings.Repeat("x", size-len(magic))))
		if m := w.process(o); m.SHA256 != o.SHA256 || m.Size != int64(size) {
			t.Errorf("a file of %d bytes came back as %+v", size, m)
		}
	}
}

// Whoever waits may leave; the work goes on.
func TestProcessOutlivesItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.imager.gate = make(chan struct{})
		o := w.store(picture("ok"))
		ctx, cancel := context.WithCancel(t.Context())
		left := make(chan error)
		go func() { _, err := w.Process(ctx, o.Key); left <- err }()
		synctest.Wait()
		cancel()
		if err := <-left; fault.KindOf(err) != fault.Canceled {
			t.Errorf("the caller that left got %v", err)
		}
		close(w.imager.gate)
		synctest.Wait()
		ingesttest.Audit(t, w.bucket, w.bus, map[string]string{o.ID: o.SHA256})
	})
}

// A stop cuts off what does not finish in time, and keeps the original.
func TestCloseCutsOffAndLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.imager.gate = make(chan struct{})
		o := w.store(picture("ok"))
		failed := make(chan error)
		go func() { _, err := w.Process(t.Context(), o.Key); failed <- err }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		w.Close(ctx)
		if err := <-failed; !fault.KindOf(err).Retryable() {
			t.Errorf("the work that was cut off gave %v, want something to try again", err)
		}
		if _, err := w.Process(t.Context(), o.Key); code(err) != "stopping" {
			t.Errorf("after Close: %v", err)
		}
		close(w.imager.gate)
		w.settle()
		ingesttest.Audit(t, w.bucket, w.bus, map[string]string{o.ID: o.SHA256})
	})
}

// A defect that a picture brings out is no refusal: the original stays.
func TestProcessSurvivesAPanic(t *testing.T) {
	w := newWorld(t)
	o := w.store(picture("panic"))
	if _, err := w.Process(t.Context(), o.Key); fault.KindOf(err) != fault.Internal {
		t.Errorf("Process: %v, want an internal error", err)
	}
	if w.bucket.Data(o.Key) == nil || len(w.bus.Rejected()) > 0 {
		t.Error("the original was not kept")
	}
}

// Bytes that changed in the bucket are noticed, and are nobody's refusal.
func TestProcessNoticesBitRot(t *testing.T) {
	for _, rotten := range []string{picture("onf"), picture("on")} {
		w := newWorld(t)
		o := w.store(picture("one"))
		w.bucket.Overwrite(o.Key, []byte(rotten))
		if _, err := w.Process(t.Context(), o.Key); code(err) != "object_corrupt" || !fault.KindOf(err).Retryable() {
			t.Errorf("Process: %v", err)
		}
		if w.bucket.Data(o.Key) == nil || len(w.bus.Rejected()) > 0 {
			t.Error("the original was not kept")
		}
	}
}

func TestProcessTakesNoForeignKeys(t *testing.T) {
	w := newWorld(t)
	o := w.store(picture("one"))
	for _, key := range []string{
		"", "originals/", "originals/20261122/" + o.ID, "originals/20261122/../" + o.ID + ".jpg", "originals/20261123/" + o.ID + ".jpg",
		"renditions/" + o.ID + "/w320.jpg", "originals/20261122/" + strings.ToLower(o.ID) + ".jpg", "originals/20261122/" + o.ID + ".",
		"originals/20261122/" + o.ID + ".jpg/x", "/" + o.Key,
	} {
		if _, err := w.Process(t.Context(), key); fault.KindOf(err) != fault.Invalid {
			t.Errorf("Process(%q): %v, want it to be invalid", key, err)
		}
	}
}

// An object that does not say whose it is was not put there by us.
func TestProcessLeavesForeignObjectsAlone(t *testing.T) {
	w := newWorld(t)
	key := w.store(picture("one")).Key
	_, err := w.bucket.Put(t.Context(), key, strings.NewReader(picture("one")), blob.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Process(t.Context(), key); code(err) != "original_unowned" {
		t.Errorf("Process: %v", err)
	}
	if w.bucket.Data(key) == nil {
		t.Error("the object was removed")
	}
}

func TestHandleObjectFinalized(t *testing.T) {
	w := newWorld(t)
	good, bad := w.store(picture("one")), w.store(picture("corrupt"))
	for _, key := range []string{good.Key, good.Key, bad.Key, bad.Key, "manifests/" + good.ID + ".json", "inbox/x"} {
		if err := w.HandleObjectFinalized(t.Context(), finalized(t, key)); err != nil {
			t.Errorf("HandleObjectFinalized(%s): %v", key, err)
		}
	}
	if n := len(w.bus.Events(contract.TypeImageUploaded)); n != 1 {
		t.Errorf("published %d times, want once", n)
	}
	ingesttest.Audit(t, w.bucket, w.bus, map[string]string{good.ID: good.SHA256})
}

// What cannot be taken is set aside, what may work later is given back.
func TestHandleObjectFinalizedVerdicts(t *testing.T) {
	w := newWorld(t)
	o := w.store(picture("one"))
	wrongType := delivery(t, contract.TypeImagePurged, contract.ObjectFinalized{Key: o.Key})
	noJSON := delivery(t, contract.TypeObjectFinalized, "text")
	for name, d := range map[string]event.Delivery{"type": wrongType, "data": noJSON, "key": finalized(t, "originals/x")} {
		if err := w.HandleObjectFinalized(t.Context(), d); event.JudgeError(err, 1, 5) != event.Dead {
			t.Errorf("wrong %s: %v, want it to be set aside", name, err)
		}
	}
	w.faults.Arm(1, ingesttest.Before)
	if err := w.HandleObjectFinalized(t.Context(), finalized(t, o.Key)); event.JudgeError(err, 1, 5) != event.Retry {
		t.Errorf("bucket down: %v, want another try", err)
	}
}
