package blobtest

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"slices"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/blob"
)

const (
	largeBytes = 48 << 20
	// maxGrowth is what one Put or one read may hold: a third of the object,
	// and enough for an adapter that buffers a chunk to send it again.
	maxGrowth = 16 << 20
)

func testLargeObject(t *testing.T, h Harness) {
	heap := watchHeap()
	info, err := h.Store.Put(t.Context(), "large", &stream{size: largeBytes, every: heap.sample}, blob.WriteOptions{})
	if err != nil || info.Size != largeBytes {
		t.Fatalf("Put = %+v, %v", info, err)
	}
	heap.check(t, "Put", h)
	heap = watchHeap()
	body, _, err := h.Store.Open(t.Context(), "large", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if n, err := io.Copy(&matcher{every: heap.sample}, body); err != nil || n != largeBytes {
		t.Fatalf("read %d bytes, %v", n, err)
	}
	heap.check(t, "reading", h)
}

// heapWatch measures what is reachable: it collects garbage before each sample,
// so that the result does not depend on when the collector happens to run.
type heapWatch struct{ base, peak, samples uint64 }

func watchHeap() *heapWatch { return &heapWatch{base: liveHeap()} }

func liveHeap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func (w *heapWatch) sample(int64) {
	w.peak = max(w.peak, liveHeap())
	w.samples++
}

func (w *heapWatch) check(t *testing.T, what string, h Harness) {
	t.Helper()
	if w.samples == 0 {
		t.Fatalf("%s was not measured", what)
	}
	if w.peak > w.base+maxGrowth && !h.InMemory {
		t.Errorf("%s of %d MiB held %d MiB, want at most %d", what, largeBytes>>20, (w.peak-w.base)>>20, maxGrowth>>20)
	}
}

// matcher is a writer that accepts exactly the bytes of a stream.
type matcher struct {
	at    int64
	want  []byte
	every func(at int64)
}

func (m *matcher) Write(p []byte) (int, error) {
	m.want = slices.Grow(m.want[:0], len(p))[:len(p)]
	if fillAt(m.want, m.at); !bytes.Equal(p, m.want) {
		return 0, fmt.Errorf("the %d bytes at %d are not those that were written", len(p), m.at)
	}
	step := m.at / stepBytes
	m.at += int64(len(p))
	if m.at/stepBytes > step {
		m.every(m.at)
	}
	return len(p), nil
}
