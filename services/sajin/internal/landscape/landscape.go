// Package landscape draws pictures that look enough like photographs to try a
// gallery with: a sky, a sun or a moon, ranges of mountains in the haze, and at
// some of them a lake. The same number always gives the same picture.
//
// It knows nothing of galleries and files.
package landscape

import (
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"slices"
)

// Scene is one landscape.
type Scene struct {
	light  light
	random *rand.Rand
	sun    point   // in shares of the picture's width and height
	shore  float64 // where the water begins, as a share of the height; 1 is no water
	ranges []ridge // the farthest first
}

// New makes the scene with that number.
func New(number uint64) *Scene {
	s := &Scene{random: rand.New(rand.NewPCG(number, 1)), shore: 1}
	s.light = lights[number%uint64(len(lights))]
	s.sun = point{0.15 + 0.7*s.random.Float64(), s.light.sunHeight + 0.08*s.random.Float64()}
	if number%3 == 1 {
		s.shore = 0.66 + 0.08*s.random.Float64()
	}
	count := 3 + s.random.IntN(3)
	for i := range count {
		depth := float64(i+1) / float64(count)
		s.ranges = append(s.ranges, newRidge(s.random, 0.42+0.36*depth*s.shore, 0.20-0.08*depth, 1.5+2.5*depth))
	}
	return s
}

// Light names the time of day: dawn, day, gold, dusk, night or snow.
func (s *Scene) Light() string { return s.light.name }

// Lake reports whether there is water.
func (s *Scene) Lake() bool { return s.shore < 1 }

// Hour is the hour of the day that it looks like.
func (s *Scene) Hour() int { return s.light.hour }

// Draw paints the scene, once: drawing takes a quarter of a second for a million
// pixels on one core.
func (s *Scene) Draw(width, height int) *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, width, height))
	shape := float64(width) / float64(height)
	tops := make([]float64, len(s.ranges))
	for x := range width {
		across := float64(x) / float64(width)
		for i, r := range s.ranges {
			tops[i] = r.top(across * shape)
		}
		for y := range height {
			down := float64(y) / float64(height)
			out.SetRGBA(x, y, s.grain(s.at(across, down, shape, tops)))
		}
	}
	return out
}

// at is the light that comes from a place of the picture.
func (s *Scene) at(x, y, shape float64, tops []float64) tone {
	if y > s.shore {
		return s.water(x, y, shape, tops)
	}
	for i, top := range slices.Backward(tops) {
		if y >= top {
			near := float64(i+1) / float64(len(tops))
			mist := math.Exp(-6 * (s.shore - y)) // it lies in the valleys
			return s.light.haze.mix(s.light.ground, near*(1-0.55*mist))
		}
	}
	return s.sky(x, y, shape)
}

func (s *Scene) sky(x, y, shape float64) tone {
	out := s.light.zenith.mix(s.light.haze, math.Pow(math.Min(y/0.6, 1), 1.3))
	distance := math.Hypot((x-s.sun.x)*shape, y-s.sun.y)
	if distance < 0.035 {
		return s.light.sun
	}
	return out.mix(s.light.sun, 0.75*math.Exp(-9*(distance-0.035)))
}

// water shows what is above the shore, the other way round, darker and broken by
// waves that are larger nearby.
func (s *Scene) water(x, y, shape float64, tops []float64) tone {
	below := (y - s.shore) / (1 - s.shore)
	wave := math.Sin(300*y*(1.3-below)+40*x) * math.Sin(90*x+200*y)
	mirrored := s.shore - (y-s.shore)*1.5 + 0.012*below*wave
	return s.at(x, math.Max(mirrored, 0), shape, tops).mix(s.light.ground, 0.25+0.15*below)
}

// grain is a tone as a sensor sees it.
func (s *Scene) grain(t tone) color.RGBA {
	noise := 5 * (s.random.Float64() - 0.5)
	level := func(v float64) uint8 { return uint8(math.Max(0, math.Min(255, 255*v+noise))) }
	return color.RGBA{level(t.r), level(t.g), level(t.b), 255}
}
