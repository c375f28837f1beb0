//go:build unix

package imageworker

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"syscall"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/services/upload/internal/goimaging"
	"github.com/sajin-gallery/sajin/services/upload/internal/imagemetadata"
	"github.com/sajin-gallery/sajin/services/upload/internal/imagertest"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// photograph is a JPEG of w x h pixels with something in every corner.
func photograph(w, h int) []byte {
	tile, m := imagertest.Scene(400, 250), image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		row, from := m.Pix[y*m.Stride:][:m.Stride], tile.Pix[y%250*tile.Stride:][:tile.Stride]
		for len(row) > 0 {
			row = row[copy(row, from):]
		}
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, m, &jpeg.Options{Quality: 90}); err != nil {
		panic(err) // the standard library encodes what is in memory
	}
	return out.Bytes()
}

// held is an image as ingest holds it: in a file in memory.
func held(t testing.TB, data []byte) ingest.Source {
	t.Helper()
	f, err := MemoryFile()
	if err == nil {
		_, err = f.Write(data)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return ingest.Source{ReaderAt: f, Size: int64(len(data))}
}

// whole does with an image what an upload does.
func whole(t testing.TB, s imagertest.Subject, src ingest.Source) {
	p, err := s.Probe(t.Context(), src)
	if err == nil {
		_, err = s.Derive(t.Context(), src, p, imagertest.Specs)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(t.Context(), src, p); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkWorker does the whole of an image in this process and in a worker, in
// turns, and reports what the worker costs as a ratio of time, and of processor
// time, the start of the worker included.
func BenchmarkWorker(b *testing.B) {
	near := imagertest.Subject{Imager: goimaging.New(goimaging.Limits{}), MetadataReader: imagemetadata.New(time.Now)}
	for _, size := range [][2]int{{320, 240}, {4000, 3000}, {6000, 4000}} {
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) {
			pool := newPool(b)
			src, far := held(b, photograph(size[0], size[1])), imagertest.Subject{Imager: pool, MetadataReader: pool}
			var nearTime, farTime, nearCPU, farCPU time.Duration
			before := used(b, syscall.RUSAGE_CHILDREN)
			for b.Loop() {
				start, cpu := time.Now(), used(b, syscall.RUSAGE_SELF)
				whole(b, near, src)
				nearTime, nearCPU = nearTime+time.Since(start), nearCPU+used(b, syscall.RUSAGE_SELF)-cpu
				start, cpu = time.Now(), used(b, syscall.RUSAGE_SELF)
				whole(b, far, src)
				farTime, farCPU = farTime+time.Since(start), farCPU+used(b, syscall.RUSAGE_SELF)-cpu
			}
			pool.Close() // the worker's own time is known when it has ended
			farCPU += used(b, syscall.RUSAGE_CHILDREN) - before
			b.ReportMetric(farTime.Seconds()/nearTime.Seconds(), "x-time")
			b.ReportMetric(farCPU.Seconds()/nearCPU.Seconds(), "x-cpu")
			b.ReportMetric(farCPU.Seconds()*1e3/float64(b.N), "cpu-ms/op")
		})
	}
}

// BenchmarkStart starts and ends a worker.
func BenchmarkStart(b *testing.B) {
	pool := newPool(b)
	for b.Loop() {
		w, err := start(b.Context(), pool.setup)
		if err != nil {
			b.Fatal(err)
		}
		w.end()
	}
}

func used(b *testing.B, who int) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
