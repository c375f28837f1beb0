//go:build unix

package imageworker

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/services/upload/internal/imagertest"
)

// What decoding may take of resident memory, in MiB.
const (
	maxPhotographMiB = 150 // for a baseline JPEG of 24 megapixels
	maxAnythingMiB   = 512
)

// TestPeakMemory measures the highest resident memory of the worker that made
// the renditions: of the ordinary photograph, and of the dearest that the limits
// let through.
func TestPeakMemory(t *testing.T) {
	if shadow > 1 || testing.Short() {
		t.Skip("decodes 150 megapixels; the race detector's memory is not bounded")
	}
	for _, tc := range []struct {
		name string
		data []byte
		most int
	}{
		{"baseline, 24 megapixels", photograph(6000, 4000), maxPhotographMiB},
		{"baseline, 50 binary megapixels", photograph(8192, 6400), maxAnythingMiB},
		{"progressive, 24 megapixels", progressive(6000, 4000), maxAnythingMiB},
		{"progressive, as large as is let through", progressive(6800, 5000), maxAnythingMiB},
	} {
		pool := newPool(t)
		src := held(t, tc.data)
		p, err := pool.Probe(t.Context(), src)
		if err != nil {
			t.Fatalf("%s: %v", tc.name, err)
		}
		worker := pool.idle[0]
		for range 3 { // a worker that has worked before takes no more
			resp, _, err := worker.call(t.Context(), request{Call: callDerive, Size: src.Size, Probe: p, Specs: imagertest.Specs},
				src.ReaderAt.(*os.File), bodyLimit(imagertest.Specs))
			if err != nil || resp.Failure != nil {
				t.Fatalf("%s: %v, %+v", tc.name, err, resp.Failure)
			}
		}
		peak := highest(t, worker.cmd.Process.Pid)
		t.Logf("%s: %d MiB, of which the estimate is %d", tc.name, peak, p.MemoryBytes>>20)
		if peak > tc.most {
			t.Errorf("%s: %d MiB, want at most %d", tc.name, peak, tc.most)
		}
	}
}

// highest is the most that a process ever had resident, in MiB.
func highest(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Skip("resident memory is read from /proc, which is not here")
	}
	for line := range strings.Lines(string(status)) {
		var kib int
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kib); n == 1 {
			return kib >> 10
		}
	}
	t.Fatal("no VmHWM")
	return 0
}

// progressive is a JPEG of one colour in two kinds of scans, small as a file and
// as large as any to decode. Being flat, it looks broken off, and is decoded
// twice.
func progressive(w, h int) []byte {
	segment := func(marker byte, body ...byte) []byte {
		return append(binary.BigEndian.AppendUint16([]byte{0xff, marker}, uint16(len(body)+2)), body...)
	}
	table := func(class byte) []byte { // one code of one bit: nothing, or the end of the block
		return append(append([]byte{class, 1}, make([]byte, 15)...), 0)
	}
	side := func(n int) (byte, byte) { return byte(n >> 8), byte(n) }
	hh, hl := side(h)
	wh, wl := side(w)
	out := bytes.Join([][]byte{
		{0xff, 0xd8},
		segment(0xdb, append([]byte{0}, bytes.Repeat([]byte{1}, 64)...)...),
		segment(0xc2, 8, hh, hl, wh, wl, 3, 1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0),
		segment(0xc4, append(table(0), table(0x10)...)...),
		segment(0xda, 3, 1, 0, 2, 0, 3, 0, 0, 0, 0),
	}, nil)
	blocks := func(w, h int) int { return (w + 7) / 8 * ((h + 7) / 8) }
	mcus := (w + 15) / 16 * ((h + 15) / 16)
	out = append(out, make([]byte, mcus*6/8+1)...)
	for component, n := range []int{blocks(w, h), blocks((w+1)/2, (h+1)/2), blocks((w+1)/2, (h+1)/2)} {
		out = append(out, segment(0xda, 1, byte(component+1), 0, 1, 63, 0)...)
		out = append(out, make([]byte, n/8+1)...)
	}
	return append(out, 0xff, 0xd9)
}
