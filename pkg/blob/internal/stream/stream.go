// Package stream holds what every blob adapter does to the bytes that pass
// through it: honour the context, count, hash, and check against what was
// declared or stored. It knows no store.
package stream

import (
	"context"
	"errors"
	"hash/crc32"
	"io"

	"github.com/sajin-gallery/sajin/pkg/blob"
)

// castagnoli is Cloud Storage's polynomial, which x86-64 and arm64 compute in
// hardware.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Checksum is the CRC32C of data.
func Checksum(data []byte) uint32 { return crc32.Checksum(data, castagnoli) }

// Source reads what a caller puts into a store. It ends with the context, and
// fails with blob.ErrIncomplete when the length is not the declared one. An
// error is final. Not safe for concurrent use.
type Source struct {
	ctx  context.Context
	r    io.Reader
	want int64
	n    int64
	crc  uint32
	err  error
}

// NewSource reads r; size is its exact length, or 0 where that is not known.
func NewSource(ctx context.Context, r io.Reader, size int64) *Source {
	return &Source{ctx: ctx, r: r, want: size}
}

// Read implements io.Reader.
func (s *Source) Read(p []byte) (int, error) {
	if s.err == nil {
		s.err = s.ctx.Err()
	}
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.r.Read(p)
	s.n += int64(n)
	s.crc = crc32.Update(s.crc, castagnoli, p[:n])
	s.err = s.judge(err)
	return n, s.err
}

// judge turns an end at the wrong place into ErrIncomplete.
func (s *Source) judge(err error) error {
	switch {
	case s.want > 0 && s.n > s.want:
		return blob.ErrIncomplete
	case s.want > 0 && s.n < s.want && errors.Is(err, io.EOF):
		return blob.ErrIncomplete.With("", io.ErrUnexpectedEOF)
	default:
		return err
	}
}

// Err is why reading stopped before the end, or nil. It tells a failing source
// from a failing store after a copy from one to the other.
func (s *Source) Err() error {
	if s.err == io.EOF { //nolint:errorlint // io.Reader returns io.EOF itself, never wrapped
		return nil
	}
	return s.err
}

// Size is the number of bytes read so far.
func (s *Source) Size() int64 { return s.n }

// CRC32C is the checksum of the bytes read so far.
func (s *Source) CRC32C() uint32 { return s.crc }

// NewVerifier reads r until its end and returns blob.ErrChecksum there, in
// place of io.EOF, unless the CRC32C of everything read is want.
func NewVerifier(r io.Reader, want uint32) io.Reader {
	return &verifier{r: r, want: want}
}

type verifier struct {
	r         io.Reader
	crc, want uint32
}

func (v *verifier) Read(p []byte) (int, error) {
	n, err := v.r.Read(p)
	v.crc = crc32.Update(v.crc, castagnoli, p[:n])
	if err == io.EOF && v.crc != v.want {
		err = blob.ErrChecksum
	}
	return n, err
}
