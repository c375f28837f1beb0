package goimaging

import (
	"bytes"
	"image/jpeg"
)

// encode is a picture (4:2:0 or grey) as a JPEG file with a colour profile, if
// there is one, and nothing else beside the pixels.
func encode(p picture, quality int, icc []byte) ([]byte, error) {
	var out bytes.Buffer
	if err := jpeg.Encode(&out, p.toImage(), &jpeg.Options{Quality: quality}); err != nil {
		return nil, err
	}
	file := out.Bytes()
	return append(append([]byte{0xff, markerSOI}, appSegments(icc)...), file[2:]...), nil
}

// appSegments are the segments that follow SOI: JFIF, which says how the colours
// are meant, and the profile in pieces of at most a segment each.
func appSegments(icc []byte) []byte {
	out := []byte{0xff, markerAPP0, 0, 16, 'J', 'F', 'I', 'F', 0, 1, 2, 0, 0, 1, 0, 1, 0, 0}
	const head = len(iccPrefix) + 2
	const most = 65533 - head
	count := ceilDiv(len(icc), most)
	for i := range count {
		piece := icc[i*most : min((i+1)*most, len(icc))]
		size := 2 + head + len(piece)
		out = append(out, 0xff, markerAPP2, byte(size>>8), byte(size))
		out = append(out, iccPrefix...)
		out = append(out, byte(i+1), byte(count))
		out = append(out, piece...)
	}
	return out
}
