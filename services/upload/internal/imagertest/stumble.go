package imagertest

import (
	"bytes"
	"io"

	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// Stumbler is a file of which one read fails. It is for one reader at a time.
type Stumbler struct {
	io.ReaderAt
	size         int64
	reads, fails int
	err          error
}

// Stumbling is a file whose read number n, counted from 1, fails with err.
func Stumbling(data []byte, n int, err error) *Stumbler {
	return &Stumbler{ReaderAt: bytes.NewReader(data), size: int64(len(data)), fails: n, err: err}
}

// Source is the file to be read.
func (s *Stumbler) Source() ingest.Source { return ingest.Source{ReaderAt: s, Size: s.size} }

// Stumbled reports whether it has come to that read.
func (s *Stumbler) Stumbled() bool { return s.reads >= s.fails }

// ReadAt implements io.ReaderAt.
func (s *Stumbler) ReadAt(p []byte, off int64) (int, error) {
	if s.reads++; s.reads == s.fails {
		return 0, s.err
	}
	return s.ReaderAt.ReadAt(p, off)
}
