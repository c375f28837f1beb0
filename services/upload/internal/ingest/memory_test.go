package ingest_test

import (
	"context"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/blob/fileblob"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingesttest"
)

// zeros yields n zero bytes.
type zeros struct{ n int64 }

func (z *zeros) Read(p []byte) (int, error) {
	if z.n == 0 {
		return 0, io.EOF
	}
	n := int(min(z.n, int64(len(p))))
	clear(p[:n])
	z.n -= int64(n)
	return n, nil
}

// heap tells how far the heap grew at most since it was called, until stop.
func heap() (stop func() uint64) {
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	var all sync.WaitGroup
	most, done := before.HeapAlloc, make(chan struct{})
	all.Go(func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				runtime.GC() // which else may be late on a busy machine
				var now runtime.MemStats
				runtime.ReadMemStats(&now)
				most = max(most, now.HeapAlloc)
			}
		}
	})
	return func() uint64 { close(done); all.Wait(); return most - before.HeapAlloc }
}

// A file of 200 MiB passes through in a small part of its size.
func TestLargeFileTakesLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 400 MiB")
	}
	const size, allowed = 200 << 20, 24 << 20
	bucket, err := fileblob.Open(t.TempDir(), fileblob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = bucket.Close() }()
	cfg := ingest.Defaults()
	cfg.TempDir = t.TempDir()
	s := ingest.New(cfg, ingest.Ports{
		Blob: bucket, Events: &ingesttest.Bus{}, Imager: &imager{memory: 1 << 20}, Metadata: metadata{}, Now: time.Now, Log: discard,
	})
	defer s.Close(context.WithoutCancel(t.Context()))
	grown := heap()
	body := io.MultiReader(strings.NewReader(magic), &zeros{size - int64(len(magic))})
	outcomes, err := s.Receive(t.Context(), owner, sequence(ingest.File{Name: "large.jpg", Body: body}))
	if err != nil || outcomes[0].Err != nil || !outcomes[0].Ready || outcomes[0].Original.Size != size {
		t.Fatalf("Receive: %+v, %v", outcomes, err)
	}
	if most := grown(); most > allowed {
		t.Errorf("the heap grew by %d MiB, want at most %d", most>>20, allowed>>20)
	}
}
