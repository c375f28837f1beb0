package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingesttest"
)

// acknowledged is what the outcomes promise.
func acknowledged(outcomes []ingest.Outcome) map[string]string {
	out := map[string]string{}
	for _, o := range outcomes {
		if o.Err == nil {
			out[o.Original.ID] = o.Original.SHA256
		}
	}
	return out
}

// One file's refusal, at whatever step, leaves the others alone.
func TestReceive(t *testing.T) {
	w := newWorld(t)
	outcomes, err := w.Receive(t.Context(), owner, sequence(
		file("a.jpg", picture("one")), file("b.txt", "hello"), file("c.jpg", picture("corrupt")),
		file("d.jpg", ""), file("../e.jpg", picture("two")),
	))
	if err != nil {
		t.Fatal(err)
	}
	want := []struct{ name, code string }{
		{"a.jpg", ""}, {"b.txt", "unsupported_media_type"}, {"c.jpg", "image_corrupt"}, {"d.jpg", "file_empty"}, {"e.jpg", ""},
	}
	if len(outcomes) != len(want) {
		t.Fatalf("%d outcomes, want %d", len(outcomes), len(want))
	}
	for i, o := range outcomes {
		if o.Name != want[i].name || code(o.Err) != want[i].code || o.Ready != (want[i].code == "") {
			t.Errorf("outcome %d is %+v, want %+v", i, o, want[i])
		}
	}
	ingesttest.Audit(t, w.bucket, w.bus, acknowledged(outcomes))
	if len(w.bucket.Keys(contract.PrefixManifests)) != 2 {
		t.Errorf("the bucket holds %v", w.bucket.Keys(""))
	}
}

// Files are processed while others come in, but only so many.
func TestReceiveWorksAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c *ingest.Config) { c.Ahead = 3 })
		w.imager.gate = make(chan struct{})
		taken := 0
		done := make(chan []ingest.Outcome)
		go func() {
			outcomes, err := w.Receive(t.Context(), owner, func(yield func(ingest.File, error) bool) {
				for taken < 10 && yield(file("a.jpg", picture(fmt.Sprint(taken))), nil) {
					taken++
				}
			})
			if err != nil {
				t.Errorf("Receive: %v", err)
			}
			done <- outcomes
		}()
		synctest.Wait()
		if taken != 3 {
			t.Errorf("%d files were taken while 3 are in work", taken)
		}
		close(w.imager.gate)
		ingesttest.Audit(t, w.bucket, w.bus, acknowledged(<-done))
	})
}

// However many files wait for their processing: that holds up neither the body of
// a request nor its answer, and those that wait have no try in the bucket, which
// after a crash would keep the next process from them.
func TestReceiveIsNotHeldUpByTheWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c *ingest.Config) { c.InWork, c.ProcessTimeout, c.DeriveTimeout = 3, time.Hour, time.Hour })
		w.imager.gate = make(chan struct{})
		var files []ingest.File
		for i := range 20 {
			files = append(files, file("a.jpg", picture(fmt.Sprint(i))))
		}
		began := time.Now()
		outcomes, err := w.Receive(t.Context(), owner, sequence(files...))
		if err != nil || time.Since(began) != w.cfg.AnswerWithin || len(acknowledged(outcomes)) != len(files) {
			t.Errorf("Receive: %d files, %v after %v; want all after %v", len(acknowledged(outcomes)), err, time.Since(began), w.cfg.AnswerWithin)
		}
		if n := len(w.bucket.Keys(contract.PrefixAttempts)); n != w.cfg.InWork {
			t.Errorf("%d images are in work, want %d", n, w.cfg.InWork)
		}
		close(w.imager.gate)
		synctest.Wait()
		ingesttest.Audit(t, w.bucket, w.bus, acknowledged(outcomes))
	})
}

// A stop does not wait for what waits itself.
func TestCloseLeavesWhatWaitsToTheSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c *ingest.Config) { c.InWork = 1 })
		w.imager.gate = make(chan struct{})
		first, second := w.store(picture("one")), w.store(picture("two"))
		go func() { _, _ = w.Process(t.Context(), first.Key) }()
		synctest.Wait()
		waited := make(chan error)
		go func() { _, err := w.Process(t.Context(), second.Key); waited <- err }()
		synctest.Wait()
		closed := make(chan struct{})
		go func() { w.Close(t.Context()); close(closed) }()
		if err := <-waited; code(err) != "stopping" {
			t.Errorf("who waited got %v", err)
		}
		close(w.imager.gate)
		<-closed
		w.settle()
		ingesttest.Audit(t, w.bucket, w.bus, map[string]string{first.ID: first.SHA256, second.ID: second.SHA256})
	})
}

// What takes too long is answered as safe and goes on by itself.
func TestReceiveAnswersInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c *ingest.Config) { c.ProcessTimeout = time.Hour; c.DeriveTimeout = time.Hour })
		w.imager.gate = make(chan struct{}, 1)
		w.imager.gate <- struct{}{}
		start := time.Now()
		outcomes, err := w.Receive(t.Context(), owner, sequence(file("a.jpg", picture("one")), file("b.jpg", picture("two"))))
		if err != nil || time.Since(start) != w.cfg.AnswerWithin {
			t.Errorf("Receive: %v after %v, want it after %v", err, time.Since(start), w.cfg.AnswerWithin)
		}
		if ready := outcomes[0].Ready != outcomes[1].Ready; !ready || outcomes[0].Err != nil || outcomes[1].Err != nil {
			t.Errorf("outcomes %+v, want both safe and one ready", outcomes)
		}
		close(w.imager.gate)
		synctest.Wait()
		ingesttest.Audit(t, w.bucket, w.bus, acknowledged(outcomes))
	})
}

// A body that breaks ends the request; what was complete stays.
func TestU34_ReceiveOfABrokenBody(t *testing.T) {
	w := newWorld(t)
	gone := errors.New("connection reset")
	outcomes, err := w.Receive(t.Context(), owner, sequence(
		file("a.jpg", picture("one")), ingest.File{Name: "b.jpg", Body: brokenBody(picture("two"), gone)}, file("c.jpg", picture("three")),
	))
	if !errors.Is(err, gone) || outcomes != nil {
		t.Errorf("Receive: %v, %v", outcomes, err)
	}
	w.settle()
	ingesttest.Audit(t, w.bucket, w.bus, nil)
	if n := len(w.bucket.Keys(contract.PrefixManifests)); n != 1 {
		t.Errorf("%d images were kept, want the one that was complete", n)
	}
}

func TestReceiveEndsWithItsFiles(t *testing.T) {
	w := newWorld(t)
	broken := errors.New("malformed")
	_, err := w.Receive(t.Context(), owner, func(yield func(ingest.File, error) bool) {
		_ = yield(file("a.jpg", picture("one")), nil) && yield(ingest.File{}, broken)
	})
	if !errors.Is(err, broken) {
		t.Errorf("Receive: %v, want %v", err, broken)
	}
	if outcomes, err := w.Receive(t.Context(), owner, sequence()); err != nil || len(outcomes) != 0 {
		t.Errorf("Receive of nothing: %v, %v", outcomes, err)
	}
}

// A client that hangs up is not waited for, and loses nothing that was complete.
func TestReceiveWithoutItsClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.imager.gate = make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan []ingest.Outcome)
		go func() {
			outcomes, _ := w.Receive(ctx, owner, sequence(file("a.jpg", picture("one"))))
			done <- outcomes
		}()
		synctest.Wait()
		cancel()
		outcomes := <-done
		close(w.imager.gate)
		synctest.Wait()
		ingesttest.Audit(t, w.bucket, w.bus, acknowledged(outcomes))
		if n := len(w.bucket.Keys(contract.PrefixManifests)); n != 1 {
			t.Errorf("%d images were kept, want 1", n)
		}
	})
}

// F28: when the bus is down the files are safe, and are published later.
func TestF28_ReceiveWithoutABus(t *testing.T) {
	w := newWorld(t)
	// Of the calls for one good file, the last but one publishes; then the try ends.
	w.faults.Arm(1<<30, ingesttest.Before)
	if _, err := w.Receive(t.Context(), owner, sequence(file("a.jpg", picture("one")))); err != nil {
		t.Fatal(err)
	}
	w.faults.Arm(w.faults.Calls()-1, ingesttest.Before)
	outcomes, err := w.Receive(t.Context(), owner, sequence(file("b.jpg", picture("two"))))
	if hit := w.faults.Disarm(); err != nil || outcomes[0].Err != nil || outcomes[0].Ready || !strings.HasPrefix(hit, "publish "+outcomes[0].Original.ID+".uploaded.") {
		t.Errorf("Receive: %+v, %v, failed at %q; want it to be processing", outcomes, err, hit)
	}
	w.settle()
	ingesttest.Audit(t, w.bucket, w.bus, acknowledged(outcomes))
}
