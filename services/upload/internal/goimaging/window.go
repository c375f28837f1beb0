package goimaging

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// windowBytes is how much of a source is held while its structure is walked.
const windowBytes = 32 << 10

// extent is a stretch of the source.
type extent struct{ off, size int64 }

// window reads a source at any offset through one small buffer. Every refill
// checks the context, so that a walk over a large file can be stopped.
type window struct {
	ctx context.Context
	src ingest.Source
	buf []byte
	off int64 // of buf in the source
}

func newWindow(ctx context.Context, src ingest.Source) *window {
	return &window{ctx: ctx, src: src, buf: make([]byte, 0, min(windowBytes, src.Size))}
}

// at returns n bytes at off, valid until the next call; n must fit the window.
// An end before off+n is a damaged image.
func (w *window) at(off int64, n int) ([]byte, error) {
	if off < 0 || off > w.src.Size-int64(n) {
		return nil, corrupt("it ends at %d, within the %d bytes at %d", w.src.Size, n, off)
	}
	if off < w.off || off+int64(n) > w.off+int64(len(w.buf)) {
		if err := w.fill(off); err != nil {
			return nil, err
		}
	}
	return w.buf[off-w.off:][:n], nil
}

// from returns what the window holds from off on, at least one byte.
func (w *window) from(off int64) ([]byte, error) {
	if _, err := w.at(off, 1); err != nil {
		return nil, err
	}
	return w.buf[off-w.off:], nil
}

func (w *window) fill(off int64) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	size := min(int64(cap(w.buf)), w.src.Size-off)
	w.buf, w.off = w.buf[:size], off
	if err := readFullAt(w.src, w.buf, off); err != nil {
		w.buf = w.buf[:0]
		return err
	}
	return nil
}

// read copies an extent into memory of its own; the caller bounds its size.
func (w *window) read(e extent) ([]byte, error) {
	if e.off < 0 || e.size < 0 || e.off > w.src.Size-e.size {
		return nil, corrupt("it ends at %d, within the %d bytes at %d", w.src.Size, e.size, e.off)
	}
	data := make([]byte, e.size)
	return data, readFullAt(w.src, data, e.off)
}

// indexByte is the offset of the first c at or after off.
func (w *window) indexByte(off int64, c byte) (int64, error) {
	for {
		chunk, err := w.from(off)
		if err != nil {
			return 0, err
		}
		if i := bytes.IndexByte(chunk, c); i >= 0 {
			return off + int64(i), nil
		}
		off += int64(len(chunk))
	}
}

// readFullAt fills p. A source that is shorter than it said is a damaged image.
func readFullAt(r io.ReaderAt, p []byte, off int64) error {
	n, err := r.ReadAt(p, off)
	switch {
	case n == len(p):
		return nil
	case err == nil || errors.Is(err, io.EOF):
		return corrupt("the source has fewer bytes than it said")
	default:
		return err
	}
}
