package goimaging

import "math"

// The resizer combines rows in lanes of 16 bits, then columns in lanes of 32.
//
// A lane holds a bias and the sum of weight x sample. Catmull-Rom has weights
// below zero, so that a sum of rows reaches from -0.125 to 1.125 times 255 x
// rowScale, a little more at some phases. The scales and biases leave room at
// both ends of the lanes, which TestKernelStaysInItsLanes proves.
const (
	rowScale = 192  // what the weights of a combination of rows add up to
	rowBias  = 6912 // keeps a 16-bit lane above zero

	// The weights of a combination of columns add up to columnScale, so that
	// both together scale by 2^columnShift.
	columnShift = 21
	columnScale = 10923 // 2^21 / 192, rounded: 255 becomes 255.008
	columnBias  = 1 << 27
)

// catmullRom is the interpolating cubic with support 2.
func catmullRom(x float64) float64 {
	switch x = math.Abs(x); {
	case x < 1:
		return (1.5*x-2.5)*x*x + 1
	case x < 2:
		return ((-0.5*x+2.5)*x-4)*x + 2
	default:
		return 0
	}
}

// axis maps the samples of a resized line to those of its source: the centre of
// sample i is at (i + 0.5 + offset) x scale.
type axis struct {
	scale  float64 // source samples for one
	offset float64 // in samples of the resized line
}

// kernel is the weights of every sample of a resized line.
type kernel struct {
	taps    int     // for each sample
	start   []int32 // the first source sample of each
	weights []int16 // taps for each
}

// newKernel makes the weights for a line of dst samples out of src. Each
// sample's weights add up to total exactly. What would lie beyond the ends is
// taken from the outermost sample. taps is a multiple of four; a start never
// lies more than taps before the end unless src is shorter than that.
func newKernel(dst, src int, a axis, total int) kernel {
	stretch := max(a.scale, 1)
	taps := (int(math.Ceil(4*stretch)) + 1 + 3) / 4 * 4
	k := kernel{taps: taps, start: make([]int32, dst), weights: make([]int16, dst*taps)}
	sums := make([]float64, taps)
	for i := range dst {
		centre := (float64(i) + 0.5 + a.offset) * a.scale
		first := int(math.Ceil(centre - 2*stretch - 0.5))
		start := max(min(first, src-taps), 0)
		clear(sums)
		for j := first; float64(j)+0.5-centre < 2*stretch; j++ {
			at := min(max(j, 0), src-1) - start
			sums[min(max(at, 0), taps-1)] += catmullRom((float64(j) + 0.5 - centre) / stretch)
		}
		k.start[i] = int32(start)
		quantise(k.weights[i*taps:][:taps], sums, total)
	}
	return k
}

// quantise rounds weights to whole numbers that add up to total. It rounds the
// running sum, so that an error is taken back by the next weight.
func quantise(out []int16, weights []float64, total int) {
	var sum, running float64
	for _, w := range weights {
		sum += w
	}
	before := 0
	for i, w := range weights {
		running += w
		now := int(math.Round(running / sum * float64(total)))
		out[i] = int16(now - before)
		before = now
	}
}
