package fileblob

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/blob"
)

var benchSizes = []int{40 << 10, 5 << 20, 64 << 20} // a thumbnail, a photograph, a film

// BenchmarkPut stores objects and, in turn with it, copies the same bytes to
// plain files with an fsync each: "ratio" is the time of the one to the other.
func BenchmarkPut(b *testing.B) {
	for _, size := range benchSizes {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			dir := b.TempDir()
			s, err := Open(filepath.Join(dir, "store"), Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			data := bytes.Repeat([]byte("0123456789abcdef"), size/16)
			var ours, plain time.Duration
			b.SetBytes(int64(size))
			for i := 0; b.Loop(); i++ {
				start := time.Now()
				if _, err := s.Put(b.Context(), fmt.Sprintf("d/%d", i%8), bytes.NewReader(data), blob.WriteOptions{}); err != nil {
					b.Fatal(err)
				}
				ours += time.Since(start)
				b.StopTimer()
				start = time.Now()
				if err := plainCopy(filepath.Join(dir, fmt.Sprintf("plain%d", i%8)), bytes.NewReader(data)); err != nil {
					b.Fatal(err)
				}
				plain += time.Since(start)
				b.StartTimer()
			}
			b.ReportMetric(float64(ours)/float64(plain), "ratio")
		})
	}
}

// plainCopy is what cp does, and an fsync. It replaces by truncation.
func plainCopy(path string, r io.Reader) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := io.CopyBuffer(onlyWriter{file}, struct{ io.Reader }{r}, make([]byte, copyBytes)); err != nil {
		return err
	}
	return file.Sync()
}

// BenchmarkOpen reads whole objects, with their checksums.
func BenchmarkOpen(b *testing.B) {
	for _, size := range benchSizes {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			s, err := Open(b.TempDir(), Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			if _, err := s.Put(b.Context(), "d/x", bytes.NewReader(make([]byte, size)), blob.WriteOptions{}); err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(size))
			for b.Loop() {
				body, _, err := s.Open(b.Context(), "d/x", 0, -1)
				if err != nil {
					b.Fatal(err)
				}
				if n, err := io.Copy(io.Discard, body); err != nil || n != int64(size) {
					b.Fatal(n, err)
				}
				if err := body.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkStat describes an object: one small read.
func BenchmarkStat(b *testing.B) {
	s, err := Open(b.TempDir(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Put(b.Context(), "a/b/x", bytes.NewReader(make([]byte, 1<<20)), blob.WriteOptions{}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := s.Stat(b.Context(), "a/b/x"); err != nil {
			b.Fatal(err)
		}
	}
}
