package goimaging

import (
	"bytes"
	"image"
	"image/jpeg"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// photosEnv names a folder of JPEG photographs to measure with instead of a
// picture that is made.
const photosEnv = "SAJIN_TEST_PHOTOS"

// How much the 2048 px rendition must be like a Lanczos reduction of the original:
// its structural similarity before the gallery's quality takes something away,
// and how much less it may be with that than the reduction itself is.
const (
	minLikeness = .995
	maxBehind   = .01
)

// TestLikenessToLanczos compares the luma of renditions with what the standard
// library decodes and a Lanczos kernel of three lobes makes small, in floating
// point. At quality 80 it is the encoder that decides: the reduction itself,
// encoded by the standard library, is the measure there.
func TestLikenessToLanczos(t *testing.T) {
	files := map[string][]byte{"a scene of 4000 x 3000": encodeJPEG(t, scene(4000, 3000), 92)}
	if dir, ok := os.LookupEnv(photosEnv); ok {
		files = photographs(t, dir)
	}
	for name, file := range files {
		d := mustDerive(t, file, ingest.Spec{Name: "whole", LongEdge: 2048, Quality: 100})
		want := reduction(t, file, d.Renditions[0].Width, d.Renditions[0].Height)
		best := ssim(luma(t, d.Renditions[0].Data), want.y)
		d = mustDerive(t, file, ingest.Spec{Name: "w2048", LongEdge: 2048, Quality: 80})
		ours := ssim(luma(t, d.Renditions[0].Data), want.y)
		theirs := ssim(luma(t, encodeJPEG(t, want.toImage(), 80)), want.y)
		t.Logf("%s: SSIM %.4f, at quality 80 %.4f, of the reduction itself %.4f", name, best, ours, theirs)
		if best < minLikeness || ours < theirs-maxBehind {
			t.Errorf("%s: want at least %.3f, and at most %.2f behind", name, minLikeness, maxBehind)
		}
	}
}

// reduction is the luma of a JPEG, upright and made small by Lanczos.
func reduction(t *testing.T, file []byte, w, h int) picture {
	t.Helper()
	turn := turns[mustProbe(t, file).Orientation]
	w, h = turn.size(w, h)
	p := newPicture(w, h, true)
	p.y = lanczos(luma(t, file), w, h)
	return turn.apply(p)
}

// luma is what the standard library decodes of a JPEG.
func luma(t *testing.T, file []byte) plane {
	t.Helper()
	m, err := jpeg.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	size := m.Bounds()
	switch m := m.(type) {
	case *image.YCbCr:
		return plane{m.Y, m.YStride, size.Dx(), size.Dy()}
	case *image.Gray:
		return plane{m.Pix, m.Stride, size.Dx(), size.Dy()}
	default:
		t.Fatalf("%T", m)
		return plane{}
	}
}

// photographs reads the JPEGs of a folder.
func photographs(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.jpg"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no photographs in %s, which %s names: %v", dir, photosEnv, err)
	}
	out := map[string][]byte{}
	for _, name := range names {
		if out[filepath.Base(name)], err = os.ReadFile(name); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// lanczos is src at w x h, first along the columns and then along the rows, with
// nothing rounded in between.
func lanczos(src plane, w, h int) plane {
	out := newPlane(w, h)
	columns := make([]float64, src.w)
	across := make([][]float64, w)
	from := make([]int, w)
	for x := range w {
		from[x], across[x] = lobes(x, src.w, float64(src.w)/float64(w))
	}
	for y := range h {
		first, weights := lobes(y, src.h, float64(src.h)/float64(h))
		clear(columns)
		for i, weight := range weights {
			for x, v := range src.row(min(max(first+i, 0), src.h-1)) {
				columns[x] += weight * float64(v)
			}
		}
		for x := range w {
			var sum float64
			for i, weight := range across[x] {
				sum += weight * columns[min(max(from[x]+i, 0), src.w-1)]
			}
			out.row(y)[x] = byteOf(sum)
		}
	}
	return out
}

// lobes are the weights for sample i of a line that was scale times as long, and
// the first sample that they are for.
func lobes(i, n int, scale float64) (first int, weights []float64) {
	const a = 3
	reach := a * max(scale, 1)
	centre := (float64(i)+.5)*scale - .5
	first = int(math.Ceil(centre - reach))
	var sum float64
	for j := first; float64(j) <= centre+reach && j < n+int(reach)+1; j++ {
		x := math.Pi * (float64(j) - centre) / max(scale, 1)
		weight := 1.0
		if x != 0 {
			weight = a * math.Sin(x) * math.Sin(x/a) / (x * x)
		}
		weights, sum = append(weights, weight), sum+weight
	}
	for k := range weights {
		weights[k] /= sum
	}
	return first, weights
}
