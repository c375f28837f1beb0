package goimaging

import "math"

// block is 8 x 8 samples or coefficients, in rows.
type block [64]float32

// fdct transforms a block in place by the algorithm of Arai, Agui and Nakajima:
// five multiplications a line. The coefficients come out scaled, each by a
// factor that fdctScale tells and that the quantiser takes back.
func (b *block) fdct() {
	for i := 0; i < 64; i += 8 {
		r := b[i : i+8 : i+8]
		r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7] = fdctLine(r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7])
	}
	for i := range 8 {
		c := b[i : i+57 : i+57]
		c[0], c[8], c[16], c[24], c[32], c[40], c[48], c[56] = fdctLine(c[0], c[8], c[16], c[24], c[32], c[40], c[48], c[56])
	}
}

func fdctLine(s0, s1, s2, s3, s4, s5, s6, s7 float32) (_, _, _, _, _, _, _, _ float32) {
	const (
		cos4    = 0.70710678118654752440
		cos6    = 0.38268343236508977173
		diff26  = 0.54119610014619698440 // cos2 - cos6
		cross26 = 1.30656296487637652786 // cos2 + cos6
	)
	a0, a7 := s0+s7, s0-s7
	a1, a6 := s1+s6, s1-s6
	a2, a5 := s2+s5, s2-s5
	a3, a4 := s3+s4, s3-s4

	b0, b3 := a0+a3, a0-a3
	b1, b2 := a1+a2, a1-a2
	z1 := (b2 + b3) * cos4

	c0, c1, c2 := a4+a5, a5+a6, a6+a7
	z5 := (c0 - c2) * cos6
	z2, z4 := diff26*c0+z5, cross26*c2+z5
	z3 := c1 * cos4
	d0, d1 := a7+z3, a7-z3

	return b0 + b1, d0 + z4, b3 + z1, d1 - z2, b0 - b1, d1 + z2, b3 - z1, d0 - z4
}

// fdctScale is by what fdct multiplies the coefficient in a row and column.
func fdctScale(row, column int) float64 {
	factor := func(k int) float64 {
		if k == 0 {
			return 1
		}
		return math.Cos(float64(k)*math.Pi/16) * math.Sqrt2
	}
	return 8 * factor(row) * factor(column)
}
