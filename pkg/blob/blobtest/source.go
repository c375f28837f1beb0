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
	fillAt(p[:n], s.at)
	step := s.at / stepBytes
	s.at += int64(n)
	if s.at/stepBytes > step {
		s.every(s.at)
	}
	return n, nil
}

// period is what a stream repeats. Its length is prime, so that it divides no
// buffer's and a misplaced chunk is noticed.
var period = pattern(99, 65521)

// fillAt fills p with the bytes of a stream from position at.
func fillAt(p []byte, at int64) {
	for len(p) > 0 {
		n := copy(p, period[at%int64(len(period)):])
		p, at = p[n:], at+int64(n)
	}
}
