package fileblob

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"io/fs"
	"maps"
	"path"
	"strings"
	"sync"
	"syscall"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/blob/internal/stream"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

// copyBytes is the memory of one Put: large enough that system calls do not
// count, small enough for hundreds at once.
const copyBytes = 128 << 10

var copyBuffers = sync.Pool{New: func() any { return new([copyBytes]byte) }}

// Put implements blob.Store.
func (s *Store) Put(ctx context.Context, key string, r io.Reader, opts blob.WriteOptions) (blob.Info, error) {
	const op = "fileblob.Put"
	if err := blob.CheckWrite(key, opts); err != nil {
		return blob.Info{}, err
	}
	info, err := s.write(ctx, key, r, opts)
	if err != nil {
		return blob.Info{}, classify(op, err)
	}
	if err := s.announce(ctx, info); err != nil {
		return info, blob.ErrUnavailable.With(op, err)
	}
	return info, nil
}

// write stages the object in a temporary file and moves it into place.
func (s *Store) write(ctx context.Context, key string, r io.Reader, opts blob.WriteOptions) (blob.Info, error) {
	name := objectsDir + "/" + key
	if opts.IfNotExists && s.taken(name) {
		return blob.Info{}, blob.ErrExists // before the body is read for nothing
	}
	temp := tempDir + "/" + rand.Text()
	rec, err := s.stage(ctx, temp, r, opts)
	if err == nil {
		err = s.place(temp, name, opts.IfNotExists)
	}
	if err != nil || opts.IfNotExists {
		// After a rename there is nothing to remove; what cannot be removed now
		// is removed by the next Open.
		_ = s.disk.remove(temp)
	}
	if err != nil {
		return blob.Info{}, err
	}
	return rec.info(key), nil
}

func (s *Store) taken(name string) bool {
	info, err := s.root.Lstat(name)
	return err == nil && !info.IsDir()
}

// stage writes the object and its trailer to a new file and makes it durable.
func (s *Store) stage(ctx context.Context, temp string, r io.Reader, opts blob.WriteOptions) (record, error) {
	file, err := s.disk.create(temp)
	if err != nil {
		return record{}, err
	}
	src := stream.NewSource(ctx, r, opts.Size)
	rec, err := s.fill(file, src, opts)
	if err == nil {
		// After a failed fsync the kernel may have dropped the dirty pages: the
		// file is given up, never fsynced again.
		err = file.Sync()
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = ctx.Err()
	}
	return rec, err
}

// fill copies src into file and appends the trailer.
func (s *Store) fill(file io.Writer, src *stream.Source, opts blob.WriteOptions) (record, error) {
	buf := copyBuffers.Get().(*[copyBytes]byte)
	defer copyBuffers.Put(buf)
	if _, err := io.CopyBuffer(onlyWriter{file}, src, buf[:]); err != nil {
		// The source's own error is not the disk's, whatever it looks like.
		return record{}, cmp.Or(fault.Wrap("fileblob.read", src.Err()), err)
	}
	rec := s.describe(src.Size(), src.CRC32C(), opts)
	trailer, err := rec.encode()
	if err != nil {
		return record{}, err
	}
	_, err = file.Write(trailer)
	return rec, err
}

// onlyWriter hides os.File.ReadFrom, which would bring a buffer of its own.
type onlyWriter struct{ io.Writer }

func (s *Store) describe(size int64, crc32c uint32, opts blob.WriteOptions) record {
	now := s.opts.Now().UTC()
	contentType := opts.ContentType
	if contentType == "" {
		contentType = blob.DefaultContentType
	}
	return record{
		Size: size, ContentType: contentType, CRC32C: crc32c,
		Generation: s.nextGeneration(now), CreatedAt: now, Metadata: maps.Clone(opts.Metadata),
	}
}

// place makes the staged file the object, durably.
func (s *Store) place(temp, name string, exclusive bool) error {
	s.tree.RLock()
	defer s.tree.RUnlock()
	err := s.move(temp, name, exclusive)
	if errors.Is(err, fs.ErrNotExist) {
		// Somebody removed folders behind the store's back.
		s.folders.forgetAll()
		err = s.move(temp, name, exclusive)
	}
	if err != nil {
		return s.explain(err, name)
	}
	return s.disk.syncDir(path.Dir(name))
}

func (s *Store) move(temp, name string, exclusive bool) error {
	if err := s.folders.ensure(path.Dir(name)); err != nil {
		return err
	}
	if exclusive {
		// link(2) fails where the name exists, atomically; rename(2) would replace.
		return s.disk.link(temp, name)
	}
	return s.disk.rename(temp, name)
}

// explain tells an object that exists from a folder in the way. It runs before
// classify, which takes ENOTDIR for absence.
func (s *Store) explain(err error, name string) error {
	switch {
	case errors.Is(err, fs.ErrExist) && s.taken(name):
		return blob.ErrExists.With("", err)
	case errors.Is(err, fs.ErrExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EISDIR):
		return blob.ErrConflict.With("", err)
	case errors.Is(err, fs.ErrNotExist):
		return blob.ErrUnavailable.With("", err) // a missing folder is not a missing object
	default:
		return err
	}
}

// announce tells OnFinalize of a durable object.
func (s *Store) announce(ctx context.Context, info blob.Info) error {
	if s.opts.OnFinalize == nil || !s.isAnnounced(info.Key) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finalizeTimeout)
	defer cancel()
	return s.opts.OnFinalize(ctx, info)
}

func (s *Store) isAnnounced(key string) bool {
	for _, prefix := range s.opts.FinalizePrefixes {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return len(s.opts.FinalizePrefixes) == 0
}
