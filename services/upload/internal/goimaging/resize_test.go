package goimaging

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"testing"

	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// TestKernelStaysInItsLanes proves for many reductions that no sum of weights
// can leave its lane, whatever the samples: the resizer's packed arithmetic is
// exact because of it.
func TestKernelStaysInItsLanes(t *testing.T) {
	for _, dst := range []int{1, 2, 3, 7, 100, 319, 320, 1023} {
		for ratio := 0.25; ratio <= maxScale; ratio *= 1.0173 {
			src := max(1, int(math.Round(float64(dst)*ratio)))
			for _, offset := range []float64{0, -0.5} {
				a := axis{scale: float64(src) / float64(dst), offset: offset}
				checkLanes(t, newKernel(dst, src, a, rowScale), src, rowScale, func(low, high int) bool {
					return rowBias+255*low >= 0 && rowBias+255*high <= math.MaxUint16
				})
				checkLanes(t, newKernel(dst, src, a, columnScale), src, columnScale, func(low, high int) bool {
					return columnBias+math.MaxUint16*low >= 0 && columnBias+math.MaxUint16*high <= math.MaxInt32
				})
			}
		}
	}
}

func checkLanes(t *testing.T, k kernel, src, total int, holds func(low, high int) bool) {
	t.Helper()
	for i, start := range k.start {
		low, high := 0, 0
		for j, w := range k.weights[i*k.taps:][:k.taps] {
			low, high = low+min(int(w), 0), high+max(int(w), 0)
			if w != 0 && (int(start)+j < 0 || int(start)+j >= src) {
				t.Fatalf("%d of %d reaches sample %d of %d", i, len(k.start), int(start)+j, src)
			}
		}
		if low+high != total || !holds(low, high) {
			t.Fatalf("%d of %d from %d: weights from %d to %d", i, len(k.start), src, low, high)
		}
	}
}

// referenceResize is resize in floating point, as the definition says.
func referenceResize(dst, src plane, across, down axis) plane {
	line := make([]float64, src.w)
	weight := func(i, j int, a axis) float64 {
		return catmullRom((float64(j) + 0.5 - (float64(i)+0.5+a.offset)*a.scale) / max(a.scale, 1))
	}
	for y := range dst.h {
		sum := combineReference(y, src.h, down, func(j int, w float64) {
			for x, v := range src.row(j) {
				line[x] += w * float64(v)
			}
		}, weight)
		for x := range dst.w {
			var v float64
			total := combineReference(x, src.w, across, func(j int, w float64) { v += w * line[j] }, weight)
			dst.row(y)[x] = byteOf(v / sum / total)
		}
		clear(line)
	}
	return dst
}

// combineReference calls add with every source sample of i, and sums the weights.
func combineReference(i, n int, a axis, add func(int, float64), weight func(i, j int, a axis) float64) float64 {
	var sum float64
	reach := 2*max(a.scale, 1) + 1
	centre := (float64(i) + 0.5 + a.offset) * a.scale
	for j := int(centre - reach); j <= int(centre+reach); j++ {
		if w := weight(i, j, a); w != 0 {
			sum += w
			add(min(max(j, 0), n-1), w)
		}
	}
	return sum
}

// TestResizeAgreesWithFloatingPoint compares planes of every shape.
func TestResizeAgreesWithFloatingPoint(t *testing.T) {
	src := sampled(scene(397, 291), func(c color.Color) uint8 { return color.GrayModel.Convert(c).(color.Gray).Y }, 1, 1)
	for _, size := range [][2]int{{397, 291}, {396, 290}, {199, 146}, {131, 97}, {100, 73}, {50, 37}, {1, 291}, {397, 1}, {1, 1}, {794, 582}} {
		for _, offset := range []float64{0, -0.5} {
			across := axis{scale: 397 / float64(size[0]), offset: offset}
			down := axis{scale: 291 / float64(size[1]), offset: offset}
			if max(across.scale, down.scale) > maxScale {
				continue
			}
			var r resizer
			got := newPlane(size[0], size[1])
			if err := r.resize(t.Context(), got, src, across, down); err != nil {
				t.Fatal(err)
			}
			want := referenceResize(newPlane(size[0], size[1]), src, across, down)
			if s := ssim(got, want); s < .998 {
				t.Errorf("%v, offset %g: SSIM %.4f", size, offset, s)
			}
		}
	}
}

// TestRenditionsAreSharp compares each rendition with a reference that was
// resized in one step and in floating point: neither the chain nor the encoder
// may cost what can be seen.
func TestRenditionsAreSharp(t *testing.T) {
	m := scene(1150, 750)
	d := mustDerive(t, encodeJPEG(t, m, 98),
		ingest.Spec{Name: "small", LongEdge: 160, Quality: 95}, ingest.Spec{Name: "middle", LongEdge: 512, Quality: 95},
		ingest.Spec{Name: "large", LongEdge: 1024, Quality: 95})
	luma := sampled(m, func(c color.Color) uint8 { return color.YCbCrModel.Convert(c).(color.YCbCr).Y }, 1, 1)
	for _, r := range d.Renditions {
		want := referenceResize(newPlane(r.Width, r.Height), luma,
			axis{scale: 1150 / float64(r.Width)}, axis{scale: 750 / float64(r.Height)})
		got, ok := fromYCbCr(decodeRendition(t, r).(*image.YCbCr))
		if s := ssim(got.y, want); !ok || s < .99 {
			t.Errorf("%s: SSIM %.4f", r.Name, s)
		}
	}
}

// ssim is the mean structural similarity in windows of 8 x 8.
func ssim(a, b plane) float64 {
	var sum float64
	n := 0
	step := 4
	for y := 0; y == 0 || y+8 <= a.h; y += step {
		for x := 0; x == 0 || x+8 <= a.w; x += step {
			sum += ssimWindow(a, b, x, y)
			n++
		}
	}
	return sum / float64(n)
}

func ssimWindow(a, b plane, x, y int) float64 {
	var sa, sb, saa, sbb, sab, n float64
	for j := y; j < min(y+8, a.h); j++ {
		for i := x; i < min(x+8, a.w); i++ {
			u, v := float64(a.row(j)[i]), float64(b.row(j)[i])
			sa, sb, saa, sbb, sab, n = sa+u, sb+v, saa+u*u, sbb+v*v, sab+u*v, n+1
		}
	}
	ma, mb := sa/n, sb/n
	const c1, c2 = (0.01 * 255) * (0.01 * 255), (0.03 * 255) * (0.03 * 255)
	return (2*ma*mb + c1) * (2*(sab/n-ma*mb) + c2) /
		((ma*ma + mb*mb + c1) * (saa/n - ma*ma + sbb/n - mb*mb + c2))
}

// A flat picture stays what it was: no rounding may add up.
func TestFlatStaysFlat(t *testing.T) {
	for v := range 256 {
		src := newPlane(93, 61)
		src.fill(byte(v))
		dst := newPlane(40, 17)
		var r resizer
		if err := r.shrink(t.Context(), dst, src, axis{scale: 93 / 40.}, axis{scale: 61 / 17.}); err != nil {
			t.Fatal(err)
		}
		for y := range dst.h {
			if want := bytes.Repeat([]byte{byte(v)}, dst.w); !bytes.Equal(dst.row(y), want) {
				t.Fatalf("%d became % d", v, dst.row(y))
			}
		}
	}
}

// Long reductions average blocks first; every sample must count the same.
func TestLongReductionsKeepTheMean(t *testing.T) {
	src := newPlane(6003, 4)
	for y := range src.h {
		for x := range src.row(y) {
			src.row(y)[x] = byte(x % 2 * 255)
		}
	}
	dst := newPlane(61, 4)
	var r resizer
	if err := r.shrink(t.Context(), dst, src, axis{scale: 6003 / 61.}, axis{scale: 1}); err != nil {
		t.Fatal(err)
	}
	for x, v := range dst.row(2) {
		if v < 121 || v > 134 {
			t.Errorf("sample %d is %d, want the mean, 127", x, v)
		}
	}
}

func TestResizeStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var r resizer
	err := r.resize(ctx, newPlane(10, 10), newPlane(20, 20), axis{scale: 2}, axis{scale: 2})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
}

// TestEncodeAgreesWithImageJPEG has the standard library decode what both
// encoders wrote: the pictures differ by rounding, and the files by little.
func TestEncodeAgreesWithImageJPEG(t *testing.T) {
	for _, size := range [][2]int{{1, 1}, {7, 9}, {8, 8}, {16, 16}, {17, 33}, {320, 213}} {
		m := scene(size[0], size[1])
		colour, err := fromImage(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		grey := picture{w: colour.w, h: colour.h, y: colour.y, hs: 2, vs: 2, grey: true}
		for _, p := range []picture{colour, grey} {
			for _, quality := range []int{1, 30, 50, 80, 95, 100} {
				ours := encode(p, quality, nil)
				var theirs bytes.Buffer
				if err := jpeg.Encode(&theirs, p.toImage(), &jpeg.Options{Quality: quality}); err != nil {
					t.Fatal(err)
				}
				a, err := jpeg.Decode(bytes.NewReader(ours))
				if err != nil {
					t.Fatal(err)
				}
				b, err := jpeg.Decode(&theirs)
				if err != nil {
					t.Fatal(err)
				}
				original := p.toImage()
				if mine, other := psnr(a, original), psnr(b, original); mine < min(other-0.3, 45) {
					t.Errorf("%v grey %v quality %d: %.2f dB, image/jpeg %.2f dB", size, p.grey, quality, mine, other)
				}
			}
		}
	}
}
