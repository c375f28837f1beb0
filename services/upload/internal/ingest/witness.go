package ingest

import (
	"errors"
	"io"
)

// Witness remembers why a [Source] could not be read. Whoever reads an image goes
// on without much that a file may lack, and must not take what could not be read
// for what is lacking. It is for one reader at a time.
type Witness struct {
	of      io.ReaderAt
	failure error
}

// Watched is the source with a witness before it.
func (s Source) Watched() (Source, *Witness) {
	w := &Witness{of: s.ReaderAt}
	return Source{ReaderAt: w, Size: s.Size}, w
}

// ReadAt implements [io.ReaderAt].
func (w *Witness) ReadAt(p []byte, off int64) (int, error) {
	n, err := w.of.ReadAt(p, off)
	if n < len(p) && err != nil && !errors.Is(err, io.EOF) && w.failure == nil {
		w.failure = err
	}
	return n, err
}

// Failure is the first error but for the end of the source, nil for none.
func (w *Witness) Failure() error { return w.failure }
