package fileblob

import (
	"context"
	"io"
	"os"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/blob/internal/stream"
)

// Stat implements blob.Store.
func (s *Store) Stat(ctx context.Context, key string) (blob.Info, error) {
	const op = "fileblob.Stat"
	if err := blob.CheckKey(key); err != nil {
		return blob.Info{}, err
	}
	if err := ctx.Err(); err != nil {
		return blob.Info{}, classify(op, err)
	}
	file, info, err := s.open(key)
	if err != nil {
		return blob.Info{}, classify(op, err)
	}
	return info, classify(op, file.Close())
}

// Open implements blob.Store. The reader goes on reading its generation after
// the key is overwritten or deleted.
func (s *Store) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, blob.Info, error) {
	const op = "fileblob.Open"
	if err := blob.CheckKey(key); err != nil {
		return nil, blob.Info{}, err
	}
	if err := ctx.Err(); err != nil {
		return nil, blob.Info{}, classify(op, err)
	}
	file, info, err := s.open(key)
	if err != nil {
		return nil, blob.Info{}, classify(op, err)
	}
	n, err := blob.Span(info.Size, offset, length)
	if err != nil {
		_ = file.Close()
		return nil, blob.Info{}, err
	}
	var body io.Reader = io.NewSectionReader(file, offset, n)
	if n == info.Size {
		body = stream.NewVerifier(body, info.CRC32C)
	}
	return &reader{ctx: ctx, body: body, file: file}, info, nil
}

// OpenAt implements blob.AtOpener.
func (s *Store) OpenAt(ctx context.Context, key string) (blob.ReaderAtCloser, blob.Info, error) {
	const op = "fileblob.OpenAt"
	if err := blob.CheckKey(key); err != nil {
		return nil, blob.Info{}, err
	}
	if err := ctx.Err(); err != nil {
		return nil, blob.Info{}, classify(op, err)
	}
	file, info, err := s.open(key)
	if err != nil {
		return nil, blob.Info{}, classify(op, err)
	}
	return readerAt{io.NewSectionReader(file, 0, info.Size), file}, info, nil
}

// readerAt ends where the object does, before its trailer.
type readerAt struct {
	io.ReaderAt
	io.Closer
}

// open opens the object's file and reads its trailer.
func (s *Store) open(key string) (*os.File, blob.Info, error) {
	name := objectsDir + "/" + key
	// Only plain files are objects. Asking first keeps a named pipe, which
	// would block in open(2), and a symbolic link from being taken for one.
	if stat, err := s.root.Lstat(name); err != nil {
		return nil, blob.Info{}, err
	} else if !stat.Mode().IsRegular() {
		return nil, blob.Info{}, blob.ErrNotFound
	}
	file, err := s.root.Open(name)
	if err != nil {
		return nil, blob.Info{}, err
	}
	info, err := describe(file, key)
	if err != nil {
		_ = file.Close()
		return nil, blob.Info{}, err
	}
	return file, info, nil
}

// describe reads the trailer of an open file.
func describe(file *os.File, key string) (blob.Info, error) {
	stat, err := file.Stat()
	if err != nil {
		return blob.Info{}, err
	}
	rec, err := readRecord(file, stat.Size())
	if err != nil {
		return blob.Info{}, err
	}
	return rec.info(key), nil
}

// reader reads an object until its context ends.
type reader struct {
	ctx  context.Context
	body io.Reader
	file *os.File
}

// Read returns io.EOF itself, and other errors classified.
func (r *reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, classify("fileblob.Read", err)
	}
	n, err := r.body.Read(p)
	if err == nil || err == io.EOF {
		return n, err
	}
	return n, classify("fileblob.Read", err)
}

func (r *reader) Close() error { return classify("fileblob.Close", r.file.Close()) }
