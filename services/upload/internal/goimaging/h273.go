package goimaging

import (
	"encoding/binary"
	"math"
	"unicode/utf16"
)

// gamut is the chromaticities of red, green, blue and white, each x and y.
type gamut struct {
	name string
	xy   [4][2]float64
}

var d65 = [2]float64{0.3127, 0.3290}

// gamuts are ITU-T H.273's colour primaries (table 2) that are not sRGB's. Older
// ones of television differ from it by less than anybody sees.
var gamuts = map[uint64]gamut{
	9:  {"BT.2020", [4][2]float64{{0.708, 0.292}, {0.170, 0.797}, {0.131, 0.046}, d65}},
	11: {"DCI-P3", [4][2]float64{{0.680, 0.320}, {0.265, 0.690}, {0.150, 0.060}, {0.314, 0.351}}},
	12: {"Display P3", [4][2]float64{{0.680, 0.320}, {0.265, 0.690}, {0.150, 0.060}, d65}},
}

// curve makes light of a sample: (a*v+b)^g from d up, c*v below.
type curve struct{ g, a, b, c, d float64 }

var (
	curveSRGB  = curve{2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045}
	curveBT709 = curve{1 / 0.45, 1 / 1.099, 0.099 / 1.099, 1 / 4.5, 0.081}
)

// curves are H.273's transfer characteristics (table 3) that an ICC profile can
// tell. PQ and HLG are not among them: their light has no white to stand on.
var curves = map[uint64]curve{
	1: curveBT709, 6: curveBT709, 14: curveBT709, 15: curveBT709,
	2: curveSRGB, 13: curveSRGB, // 2 says nothing
	4: {g: 2.2, a: 1}, 5: {g: 2.8, a: 1}, 8: {g: 1, a: 1},
}

// profile is an ICC profile for what a file says of its samples by numbers
// alone; nil where that is sRGB, as far as can be seen, or cannot be told.
func (c *nclx) profile() []byte {
	if c == nil {
		return nil
	}
	g, known := gamuts[c.primaries]
	t, tellable := curves[c.transfer]
	if !known || !tellable {
		return nil
	}
	return matrixProfile(g, t)
}

type (
	vector [3]float64
	matrix [3]vector // by rows
)

var (
	d50 = vector{0.9642, 1, 0.8249} // of the profile connection space
	// bradford brings XYZ to the answers of the eye's cones (ICC.1:2022, annex E).
	bradford = matrix{{0.8951, 0.2664, -0.1614}, {-0.7502, 1.7135, 0.0367}, {0.0389, -0.0685, 1.0296}}
)

// colorants is the XYZ of full red, green and blue, one in each column, seen
// under D50; adaptation is what brought them there.
func (g gamut) colorants() (m, adaptation matrix) {
	var columns matrix
	for i, xy := range g.xy[:3] {
		v := xyz(xy)
		for row := range 3 {
			columns[row][i] = v[row]
		}
	}
	white := xyz(g.xy[3])
	share := columns.inverse().apply(white)
	for row := range 3 {
		for i := range 3 {
			columns[row][i] *= share[i]
		}
	}
	from, to := bradford.apply(white), bradford.apply(d50)
	var scale matrix
	for i := range 3 {
		scale[i][i] = to[i] / from[i]
	}
	adaptation = bradford.inverse().times(scale.times(bradford))
	return adaptation.times(columns), adaptation
}

// xyz has Y = 1.
func xyz(xy [2]float64) vector { return vector{xy[0] / xy[1], 1, (1 - xy[0] - xy[1]) / xy[1]} }

func (m matrix) apply(v vector) (out vector) {
	for i, row := range m {
		out[i] = row[0]*v[0] + row[1]*v[1] + row[2]*v[2]
	}
	return out
}

func (m matrix) times(n matrix) (out matrix) {
	for i := range 3 {
		for j := range 3 {
			out[i][j] = m[i][0]*n[0][j] + m[i][1]*n[1][j] + m[i][2]*n[2][j]
		}
	}
	return out
}

// inverse is by cofactors; the matrices here have one.
func (m matrix) inverse() (out matrix) {
	cofactor := func(i, j int) float64 {
		a, b, c, d := (i+1)%3, (i+2)%3, (j+1)%3, (j+2)%3
		return m[a][c]*m[b][d] - m[a][d]*m[b][c]
	}
	determinant := m[0][0]*cofactor(0, 0) + m[0][1]*cofactor(0, 1) + m[0][2]*cofactor(0, 2)
	for i := range 3 {
		for j := range 3 {
			out[j][i] = cofactor(i, j) / determinant
		}
	}
	return out
}

// matrixProfile is a display profile of three colorants and a curve
// (ICC.1:2022, 8.4.3), 4.4 as they are numbered.
func matrixProfile(g gamut, t curve) []byte {
	m, adaptation := g.colorants()
	column := func(i int) []byte { return tagXYZ(vector{m[0][i], m[1][i], m[2][i]}) }
	light := append(binary.BigEndian.AppendUint32([]byte("para\x00\x00\x00\x00"), 3<<16), fixed(t.g, t.a, t.b, t.c, t.d)...)
	chad := append([]byte("sf32\x00\x00\x00\x00"), fixed(append(append(adaptation[0][:], adaptation[1][:]...), adaptation[2][:]...)...)...)
	tags := []struct {
		name string
		data []byte
	}{
		{"desc", tagText(g.name)},
		{"cprt", tagText("No copyright, use freely")},
		{"wtpt", tagXYZ(d50)},
		{"chad", chad},
		{"rXYZ", column(0)},
		{"gXYZ", column(1)},
		{"bXYZ", column(2)},
		{"rTRC", light},
		{"gTRC", nil}, // nil shares the data of the one before
		{"bTRC", nil},
	}
	out := make([]byte, iccHeaderBytes, 1024)
	copy(out[8:], "\x04\x40\x00\x00mntrRGB XYZ ")
	copy(out[24:], "\x07\xe8\x00\x01\x00\x01") // 1 January 2024: a date there must be
	copy(out[36:], "acsp")
	copy(out[68:], fixed(d50[:]...))
	out = binary.BigEndian.AppendUint32(out, uint32(len(tags)))
	start := uint32(iccHeaderBytes + 4 + 12*len(tags))
	var body []byte
	var at, size uint32
	for _, tag := range tags {
		if tag.data != nil {
			at, size = start+uint32(len(body)), uint32(len(tag.data))
			body = append(body, tag.data...)
			body = append(body, make([]byte, -len(body)&3)...) // tags begin at multiples of 4
		}
		out = append(out, tag.name...)
		out = binary.BigEndian.AppendUint32(out, at)
		out = binary.BigEndian.AppendUint32(out, size)
	}
	out = append(out, body...)
	binary.BigEndian.PutUint32(out, uint32(len(out)))
	return out
}

func tagXYZ(v vector) []byte { return append([]byte("XYZ \x00\x00\x00\x00"), fixed(v[:]...)...) }

// tagText is a multi-localized text of one language.
func tagText(s string) []byte {
	units := utf16.Encode([]rune(s))
	out := binary.BigEndian.AppendUint32([]byte("mluc\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x0cenUS"), uint32(2*len(units)))
	out = binary.BigEndian.AppendUint32(out, 28)
	for _, u := range units {
		out = binary.BigEndian.AppendUint16(out, u)
	}
	return out
}

// fixed is s15Fixed16Numbers.
func fixed(numbers ...float64) (out []byte) {
	for _, n := range numbers {
		out = binary.BigEndian.AppendUint32(out, uint32(int32(math.Round(n*65536))))
	}
	return out
}
