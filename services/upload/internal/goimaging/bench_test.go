//go:build unix

package goimaging

import (
	"context"
	"fmt"
	"image"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"slices"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// large is a scene of many pixels: a smaller one, repeated, which costs as much
// to decode and less to make.
func large(w, h int) *image.RGBA {
	tile := scene(1000, 667)
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		row := m.Pix[y*m.Stride:][:m.Stride]
		from := tile.Pix[y%667*tile.Stride:][:tile.Stride]
		for len(row) > 0 {
			row = row[copy(row, from):]
		}
	}
	return m
}

// benchFiles are what is derived, by format, at the given size.
var benchFiles = []struct {
	name string
	make func(testing.TB, *image.RGBA) []byte
}{
	{"jpeg", func(t testing.TB, m *image.RGBA) []byte { return encodeJPEG(t, m, 92) }},
	{"jpeg-progressive", func(_ testing.TB, m *image.RGBA) []byte {
		return jpegForm{sampling: [][2]int{{2, 2}, {1, 1}, {1, 1}}, progressive: true, adobe: -1}.encode(m)
	}},
	{"png", func(t testing.TB, m *image.RGBA) []byte { return encodePNG(t, m) }},
	{"gif", func(t testing.TB, m *image.RGBA) []byte { return encodeGIF(t, palettedCopy(m)) }},
	{"webp-lossless", func(_ testing.TB, m *image.RGBA) []byte { return riff(riffChunk("VP8L", vp8l(m))) }},
}

// BenchmarkDerive makes the gallery's three renditions. It reports the CPU time
// of the process and the peak of the heap beside the time.
func BenchmarkDerive(b *testing.B) {
	for _, size := range [][2]int{{4000, 3000}, {6000, 4000}} {
		for _, f := range benchFiles {
			b.Run(fmt.Sprintf("%s/%dMP", f.name, size[0]*size[1]/1e6), func(b *testing.B) {
				file := f.make(b, large(size[0], size[1]))
				runtime.GC()
				peak := watchHeap(b.Context())
				before := cpuTime(b, syscall.RUSAGE_SELF)
				for b.Loop() {
					mustDerive(b, file, standardSpecs...)
				}
				cpu := cpuTime(b, syscall.RUSAGE_SELF) - before
				b.ReportMetric(cpu.Seconds()*1e3/float64(b.N), "cpu-ms/op")
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "images/s")
				b.ReportMetric(mega(peak.Load()), "heap-MB")
			})
		}
	}
}

// BenchmarkPhotographs derives the photographs of a folder, one after the other:
// its profile is that of a gallery.
func BenchmarkPhotographs(b *testing.B) {
	dir, ok := os.LookupEnv(photosEnv)
	if !ok {
		b.Skip(photosEnv + " names no folder of photographs")
	}
	files := slices.Collect(maps.Values(photographs(b, dir)))
	before := cpuTime(b, syscall.RUSAGE_SELF)
	for b.Loop() {
		for _, file := range files {
			mustDerive(b, file, standardSpecs...)
		}
	}
	cpu := cpuTime(b, syscall.RUSAGE_SELF) - before
	b.ReportMetric(cpu.Seconds()*1e3/float64(b.N*len(files)), "cpu-ms/image")
}

// BenchmarkProbe walks a file's structure.
func BenchmarkProbe(b *testing.B) {
	file := encodeJPEG(b, large(6000, 4000), 92)
	b.SetBytes(int64(len(file)))
	for b.Loop() {
		mustProbe(b, file)
	}
}

// BenchmarkAgainstVips has vipsthumbnail make the same three sizes from the same
// file at the same quality, in turns, and reports the ratio of CPU times.
//
// vipsthumbnail makes one size a run, so each run starts from the one before, as
// Derive does; what three runs on a picture of one pixel take, which is the start
// of the programs, is taken off. It decodes two small JPEGs more than Derive,
// about a tenth of its time.
func BenchmarkAgainstVips(b *testing.B) {
	if _, err := exec.LookPath("vipsthumbnail"); err != nil {
		b.Skip("vipsthumbnail is not installed")
	}
	for _, size := range [][2]int{{4000, 3000}, {6000, 4000}} {
		b.Run(fmt.Sprintf("jpeg/%dMP", size[0]*size[1]/1e6), func(b *testing.B) {
			file := encodeJPEG(b, large(size[0], size[1]), 92)
			dir := b.TempDir()
			original, dot := filepath.Join(dir, "original.jpg"), filepath.Join(dir, "dot.jpg")
			writeFile(b, original, file)
			writeFile(b, dot, encodeJPEG(b, scene(1, 1), 92))
			var ours, theirs time.Duration
			for b.Loop() {
				start := cpuTime(b, syscall.RUSAGE_SELF)
				mustDerive(b, file, standardSpecs...)
				ours += cpuTime(b, syscall.RUSAGE_SELF) - start
				b.StopTimer()
				theirs += vipsChain(b, dir, original) - vipsChain(b, dir, dot)
				b.StartTimer()
			}
			b.ReportMetric(ours.Seconds()*1e3/float64(b.N), "cpu-ms/op")
			b.ReportMetric(theirs.Seconds()*1e3/float64(b.N), "vips-cpu-ms/op")
			b.ReportMetric(ours.Seconds()/theirs.Seconds(), "x-vips")
		})
	}
}

// vipsChain is the CPU time of three runs of vipsthumbnail.
func vipsChain(b *testing.B, dir, from string) time.Duration {
	before := cpuTime(b, syscall.RUSAGE_CHILDREN)
	for _, size := range []string{"2048x2048>", "1024x1024>", "320x320>"} {
		out := filepath.Join(dir, "vips"+size[:3]+".jpg")
		cmd := exec.CommandContext(b.Context(), "vipsthumbnail", from, "--size", size, "--output", out+"[Q=80]")
		cmd.Env = append(os.Environ(), "VIPS_CONCURRENCY=1")
		if text, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("vipsthumbnail: %v: %s", err, text)
		}
		from = out
	}
	return cpuTime(b, syscall.RUSAGE_CHILDREN) - before
}

func writeFile(b *testing.B, name string, data []byte) {
	b.Helper()
	if err := os.WriteFile(name, data, 0o600); err != nil {
		b.Fatal(err)
	}
}

func cpuTime(b *testing.B, who int) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// watchHeap notes the greatest heap, dead objects included, until ctx ends.
func watchHeap(ctx context.Context) *atomic.Int64 {
	var peak atomic.Int64
	go func() {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		for tick := time.NewTicker(time.Millisecond); ; {
			metrics.Read(sample)
			peak.Store(max(peak.Load(), int64(sample[0].Value.Uint64())))
			select {
			case <-ctx.Done():
				tick.Stop()
				return
			case <-tick.C:
			}
		}
	}()
	return &peak
}
