package goimaging

import (
	"encoding/binary"
	"slices"
)

// The JPEG markers that matter here (ITU-T T.81, table B.1).
const (
	markerTEM   = 0x01
	markerSOF0  = 0xc0 // baseline
	markerSOF1  = 0xc1 // extended sequential
	markerSOF2  = 0xc2 // progressive
	markerDHT   = 0xc4
	markerDAC   = 0xcc // what arithmetic coding is conditioned by
	markerSOF15 = 0xcf
	markerRST0  = 0xd0
	markerRST7  = 0xd7
	markerSOI   = 0xd8
	markerEOI   = 0xd9
	markerSOS   = 0xda
	markerDQT   = 0xdb
	markerDNL   = 0xdc
	markerAPP0  = 0xe0
	markerAPP1  = 0xe1
	markerAPP2  = 0xe2
	markerAPP14 = 0xee
)

// jpegHeader is what decoding a JPEG needs beside the probe.
type jpegHeader struct {
	end         int64 // just after EOI; what follows is not part of the picture
	components  int
	sampling    [4][2]int // horizontal and vertical factors
	progressive bool
	extended    bool // SOF1
	rgb         bool // three components that are not YCbCr
	scans       int
}

// jpegWalk is a walk over the markers of a JPEG.
type jpegWalk struct {
	w      *window
	limits Limits
	h      header
	adobe  int // the Adobe colour transform, -1 where there is none
	exif   bool
	icc    iccChunks
	tables [4]bool // the quantisers that are defined
	wanted []byte  // the quantisers that the components name
}

// walkJPEG reads the markers from SOI to EOI, those between scans included. It
// does so at the speed of a search for 0xff, as counting scans and finding the
// end are the two things that a decoder does too late.
func walkJPEG(w *window, limits Limits) (header, error) {
	j := jpegWalk{w: w, limits: limits, adobe: -1}
	j.h.Orientation, j.h.Frames = 1, 1
	for pos := int64(2); ; {
		marker, after, err := j.next(pos)
		if err != nil {
			return header{}, err
		}
		if marker == markerEOI {
			j.h.jpeg.end = after
			if j.h.Motion, err = motionAfter(w, after); err != nil {
				return header{}, err
			}
			return j.finish()
		}
		if pos, err = j.segment(marker, after); err != nil {
			return header{}, err
		}
	}
}

// next finds the marker at or after pos. Stuffed zeros, fill bytes and restart
// markers belong to the entropy-coded data.
func (j *jpegWalk) next(pos int64) (marker byte, after int64, err error) {
	for {
		if pos, err = j.w.indexByte(pos, 0xff); err != nil {
			return 0, 0, err
		}
		b, err := j.w.at(pos+1, 1)
		if err != nil {
			return 0, 0, err
		}
		switch m := b[0]; {
		case m == 0xff:
			pos++
		case m == 0, m == markerTEM, m >= markerRST0 && m <= markerRST7:
			pos += 2
		default:
			return m, pos + 2, nil
		}
	}
}

// segment reads one marker segment and returns the offset after it.
func (j *jpegWalk) segment(marker byte, off int64) (int64, error) {
	if marker < markerSOF0 || marker == markerSOI {
		return 0, corrupt("the marker %#02x at %d", marker, off)
	}
	length, err := j.w.at(off, 2)
	if err != nil {
		return 0, err
	}
	size := int64(binary.BigEndian.Uint16(length))
	if size < 2 {
		return 0, corrupt("a segment of %d bytes at %d", size, off)
	}
	body := extent{off + 2, size - 2}
	if err := j.interpret(marker, body); err != nil {
		return 0, err
	}
	return body.off + body.size, nil
}

func (j *jpegWalk) interpret(marker byte, body extent) error {
	switch {
	case marker == markerAPP1:
		return j.app1(body)
	case marker == markerAPP2:
		return j.icc.add(j.w, body)
	case marker == markerAPP14:
		return j.app14(body)
	case marker == markerDQT:
		return j.quantisers(body)
	case marker == markerSOS:
		j.h.jpeg.scans++
		return j.limits.checkScans(j.h.jpeg.scans)
	case marker == markerDHT, marker == markerDAC:
		return nil
	case marker <= markerSOF15:
		return j.frame(marker, body)
	case marker == markerDNL: // the height comes after the scan
		j.h.Unavailable = true
		return nil
	default:
		return nil
	}
}

// app1 takes the orientation from the first EXIF segment.
func (j *jpegWalk) app1(body extent) error {
	if j.exif || body.size < int64(len(exifPrefix)) {
		return nil
	}
	prefix, err := j.w.at(body.off, len(exifPrefix))
	if err != nil || string(prefix) != exifPrefix {
		return err
	}
	j.exif = true
	j.h.Orientation = orientationAt(j.w, body)
	return nil
}

// app14 takes the colour transform from an Adobe segment.
func (j *jpegWalk) app14(body extent) error {
	if body.size < 12 {
		return nil
	}
	b, err := j.w.at(body.off, 12)
	if err != nil || string(b[:5]) != "Adobe" {
		return err
	}
	j.adobe = int(b[11])
	return nil
}

// quantisers notes which tables a segment defines: jpegn shows a grey picture
// where one is missing.
func (j *jpegWalk) quantisers(body extent) error {
	for body.size > 0 {
		b, err := j.w.at(body.off, 1)
		if err != nil {
			return err
		}
		j.tables[b[0]&3] = true
		size := int64(1 + 64)
		if b[0]>>4 != 0 {
			size += 64
		}
		body.off, body.size = body.off+size, body.size-size
	}
	return nil
}

// frame reads a start of frame. Processes other than the first three, samples
// of other than 8 bits and unusual components are what no decoder here knows:
// such an image is kept and not shown.
func (j *jpegWalk) frame(marker byte, body extent) error {
	g := &j.h.jpeg
	if g.components != 0 {
		return corrupt("a second start of frame at %d", body.off)
	}
	if body.size < 6 {
		return corrupt("a start of frame of %d bytes", body.size)
	}
	b, err := j.w.at(body.off, int(min(body.size, 6+3*4)))
	if err != nil {
		return err
	}
	j.h.Height, j.h.Width = int(binary.BigEndian.Uint16(b[1:])), int(binary.BigEndian.Uint16(b[3:]))
	g.components = int(b[5])
	if marker > markerSOF2 || b[0] != 8 || g.components != 1 && g.components != 3 && g.components != 4 {
		j.h.Unavailable = true
		g.components = max(g.components, 1) // it was seen
		return j.limits.checkSize(j.h.Width, j.h.Height)
	}
	if len(b) < 6+3*g.components {
		return corrupt("a start of frame of %d bytes", len(b))
	}
	g.progressive, g.extended = marker == markerSOF2, marker == markerSOF1
	g.rgb = g.components == 3 && b[6] == 'R' && b[9] == 'G' && b[12] == 'B'
	for i := range g.components {
		j.wanted = append(j.wanted, b[6+3*i+2])
	}
	known, err := g.readSampling(b[6:])
	if err != nil {
		return err
	}
	j.h.Unavailable = j.h.Unavailable || !known
	return j.limits.checkSize(j.h.Width, j.h.Height)
}

// readSampling reads the sampling factors out of a frame's components, and
// reports whether the decoders know them.
func (g *jpegHeader) readSampling(b []byte) (known bool, err error) {
	for i := range g.components {
		horizontal, vertical := int(b[3*i+1]>>4), int(b[3*i+1]&15)
		switch {
		case horizontal < 1 || horizontal > 4 || vertical < 1 || vertical > 4:
			return false, corrupt("sampling factors of %d x %d", horizontal, vertical)
		case horizontal == 3 || vertical == 3:
			return false, nil
		case g.components == 1:
			horizontal, vertical = 1, 1 // T.81, A.2.2: one component has no factors
		}
		g.sampling[i] = [2]int{horizontal, vertical}
	}
	return true, nil
}

// finish checks what only the end of the walk can know.
func (j *jpegWalk) finish() (header, error) {
	g := &j.h.jpeg
	switch {
	case g.components == 0:
		return header{}, corrupt("no start of frame before the end")
	case g.scans == 0:
		return header{}, corrupt("no scan before the end")
	case j.h.Unavailable:
		return j.h, nil
	case slices.ContainsFunc(j.wanted, func(q byte) bool { return q > 3 || !j.tables[q] }):
		return header{}, corrupt("a component without a quantiser")
	case g.components == 4 && j.adobe < 0: // nothing says which colours they are
		j.h.Unavailable = true
		return j.h, nil
	}
	g.rgb = g.rgb || g.components == 3 && j.adobe == 0
	j.h.profile = j.icc.profile()
	j.h.MemoryBytes = g.memory(j.h.Width, j.h.Height) + workBytes(j.h.Width, j.h.Height)
	return j.h, nil
}

// memory is what decoding holds: the file, the samples of every component in
// whole MCUs, for a progressive image their coefficients as well, and for
// colours other than YCbCr the interleaved copy and the planes made of it.
func (g *jpegHeader) memory(width, height int) int64 {
	maxH, maxV := 1, 1
	for _, s := range g.sampling[:g.components] {
		maxH, maxV = max(maxH, s[0]), max(maxV, s[1])
	}
	mcus := int64((width+8*maxH-1)/(8*maxH)) * int64((height+8*maxV-1)/(8*maxV))
	var samples int64
	for _, s := range g.sampling[:g.components] {
		samples += mcus * 64 * int64(s[0]*s[1])
	}
	total := g.end + samples
	if g.progressive {
		const coefficientBytes = 4
		total += coefficientBytes * samples
	}
	if g.rgb || g.components == 4 || !g.ordinary() {
		const interleaved = 4
		total += interleaved*int64(width)*int64(height) + planeBytes(width, height)
	}
	return total
}

// ordinary reports whether the components are luma at full size and two chroma
// components of one size, so that they are the planes of a picture as they are.
func (g *jpegHeader) ordinary() bool {
	if g.components == 1 {
		return true
	}
	one := [2]int{1, 1}
	return g.components == 3 && !g.rgb && g.sampling[1] == one && g.sampling[2] == one && g.sampling[0][1] <= 2
}
