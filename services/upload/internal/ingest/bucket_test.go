package ingest_test

import (
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fsouza/fake-gcs-server/fakestorage"

	"github.com/sajin-gallery/sajin/pkg/blob/gcsblob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingesttest"
)

// Two processes over one bucket of Cloud Storage: the notification comes to the
// second while the first decodes, and the image is decoded once.
func TestF29_TwoProcessesOverABucket(t *testing.T) {
	server, err := fakestorage.NewServerWithOptions(fakestorage.Options{Scheme: "http", Host: "127.0.0.1", Port: 0, Writer: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	server.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: "media"})
	t.Setenv("STORAGE_EMULATOR_HOST", strings.TrimPrefix(server.URL(), "http://"))
	decoder, bus := &imager{memory: 1 << 20, gate: make(chan struct{}), started: make(chan struct{}, 1)}, &ingesttest.Bus{}
	start := func() *ingest.Service {
		store, err := gcsblob.Open(t.Context(), "media", gcsblob.Options{})
		if err != nil {
			t.Fatal(err)
		}
		cfg := ingest.Defaults()
		cfg.TempDir = t.TempDir()
		s := ingest.New(cfg, ingest.Ports{Blob: store, Events: bus, Imager: decoder, Metadata: metadata{}, Now: time.Now, Log: discard})
		t.Cleanup(func() {
			s.Close(t.Context())
			_ = store.Close()
		})
		return s
	}
	one, two := start(), start()
	o, err := one.Store(t.Context(), owner, file("a.jpg", picture("one")))
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		if _, err := one.Process(t.Context(), o.Key); err != nil {
			t.Errorf("the first: %v", err)
		}
	})
	<-decoder.started
	if err := two.HandleObjectFinalized(t.Context(), finalized(t, o.Key)); code(err) != "image_in_work" {
		t.Errorf("the second, meanwhile: %v", err)
	}
	close(decoder.gate)
	all.Wait()
	if err := two.HandleObjectFinalized(t.Context(), finalized(t, o.Key)); err != nil {
		t.Errorf("the second, afterwards: %v", err)
	}
	if derived, _ := decoder.count(); derived != 1 {
		t.Errorf("the image was derived %d times", derived)
	}
	if n := len(bus.Events(contract.TypeImageUploaded)); n != 2 {
		t.Errorf("published %d times, want once by each", n)
	}
}
