package landscape

import (
	"math"
	"math/rand/v2"
)

type point struct{ x, y float64 }

// tone is a colour, each part 0 to 1.
type tone struct{ r, g, b float64 }

// mix is t with a share of other in it.
func (t tone) mix(other tone, share float64) tone {
	share = math.Max(0, math.Min(1, share))
	return tone{t.r + (other.r-t.r)*share, t.g + (other.g-t.g)*share, t.b + (other.b-t.b)*share}
}

// rgb is a tone as style sheets write it.
func rgb(hex uint32) tone {
	return tone{float64(hex>>16) / 255, float64(hex>>8&0xff) / 255, float64(hex&0xff) / 255}
}

// light is a time of day.
type light struct {
	name                      string
	hour                      int
	sunHeight                 float64 // from the top, as a share of the height
	zenith, haze, sun, ground tone
}

var lights = []light{
	{"dawn", 6, 0.34, rgb(0x41506f), rgb(0xf2b79b), rgb(0xfff1cf), rgb(0x2a2c3f)},
	{"day", 13, 0.10, rgb(0x2f6fb5), rgb(0xcfe3ee), rgb(0xffffff), rgb(0x22402f)},
	{"gold", 18, 0.30, rgb(0x6d86a3), rgb(0xf6cf82), rgb(0xfff4d6), rgb(0x3a2a1c)},
	{"dusk", 20, 0.40, rgb(0x1f2449), rgb(0xd9697a), rgb(0xffd9b0), rgb(0x150f22)},
	{"night", 23, 0.14, rgb(0x060a1c), rgb(0x2b3c66), rgb(0xf3f1e2), rgb(0x04060e)},
	{"snow", 11, 0.16, rgb(0x7f9dbb), rgb(0xf3f6f8), rgb(0xffffff), rgb(0x5d6f80)},
}

// ridge is the outline of a range of mountains: waves, each twice as short and
// half as high as the one before.
type ridge struct {
	base, height, waves float64
	phases              [7]float64
}

func newRidge(random *rand.Rand, base, height, waves float64) ridge {
	r := ridge{base: base, height: height, waves: waves}
	for i := range r.phases {
		r.phases[i] = 100 * random.Float64()
	}
	return r
}

// top is how far from the top of the picture the ridge is, at x.
func (r ridge) top(x float64) float64 {
	sum, share, frequency := 0.0, 0.5, r.waves
	for _, phase := range r.phases {
		sum += share * (2*math.Abs(math.Sin(frequency*x+phase)) - 1)
		share, frequency = share/2, frequency*2.17
	}
	return r.base + r.height*sum
}
