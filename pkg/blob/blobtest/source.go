package blobtest

import (
	"bytes"
	"errors"
	"io"
)

// errSource is what a failing reader fails with.
var errSource = errors.New("the source broke")

// pattern makes n bytes, different for every seed, without period in n.
func pattern(seed byte, n int) []byte {
	out := make([]byte, n)
	state := uint32(seed)*2654435761 + 1
	for i := range out {
		state = state*1664525 + 1013904223
		out[i] = byte(state >> 24)
	}
	return out
}

// failing yields data, then err.
func failing(data []byte, err error) io.Reader {
	return io.MultiReader(bytes.NewReader(data), readerFunc(func([]byte) (int, error) { return 0, err }))
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// stream yields size bytes that depend only on their position, and calls
// every(n) after each step of stepBytes; it holds nothing.
type stream struct {
	size, at int64
	every    func(at int64)
}

const stepBytes = 8 << 20

func (s *stream) Read(p []byte) (int, error) {
	if s.at == s.size {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), s.size-s.at))
	for i := range p[:n] {
		p[i] = byteAt(s.at + int64(i))
	}
	step := s.at / stepBytes
	s.at += int64(n)
	if s.at/stepBytes > step {
		s.every(s.at)
	}
	return n, nil
}

// byteAt has a period (65 521) that divides no buffer's length, so that a
// misplaced chunk is noticed.
func byteAt(at int64) byte {
	x := at % 65521
	return byte(x ^ x>>7)
}
