package ingest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

var (
	errGone    = fault.New(fault.NotFound, "original_not_found", "The file is not there any more.")
	errRotten  = fault.New(fault.Unavailable, "object_corrupt", "The stored file does not match its checksum.")
	errChanged = fault.New(fault.Unavailable, "object_changed", "The stored file was changed while it was read.")
)

// loaded is an original brought near for random access.
type loaded struct {
	info    blob.Info
	source  Source
	sha256  string
	release func()
}

// load brings the original near: a small one into memory, a large one into a
// temporary file, either within its budget. What was read is compared with the
// store's own checksum.
func (s *Service) load(ctx context.Context, key string) (loaded, error) {
	info, err := s.ports.Blob.Stat(ctx, key)
	if errors.Is(err, blob.ErrNotFound) {
		return loaded{}, errGone
	}
	if err != nil {
		return loaded{}, fault.Wrap("ingest.load", err)
	}
	if info.Size > s.cfg.heldBytes() {
		if near, ok := s.ports.Blob.(blob.AtOpener); ok {
			return open(ctx, near, info)
		}
		return s.spool(ctx, info)
	}
	release, err := s.sources.acquire(ctx, info.Size)
	if err != nil {
		return loaded{}, fault.Wrap("ingest.load", err)
	}
	buffer := &bytes.Buffer{}
	buffer.Grow(int(info.Size) + bytes.MinRead) // so that reading to EOF does not double it
	o, err := s.fetch(ctx, info, buffer)
	if err != nil {
		release()
		return loaded{}, err
	}
	o.source = Source{ReaderAt: bytes.NewReader(buffer.Bytes()), Size: info.Size}
	o.release = release
	return o, nil
}

// open reads the original where it lies.
func open(ctx context.Context, near blob.AtOpener, want blob.Info) (loaded, error) {
	file, info, err := near.OpenAt(ctx, want.Key)
	if errors.Is(err, blob.ErrNotFound) {
		return loaded{}, errGone
	}
	if err != nil {
		return loaded{}, fault.Wrap("ingest.open", err)
	}
	release := func() { _ = file.Close() }
	sum, err := examine(untilEnd{ctx, io.NewSectionReader(file, 0, info.Size)}, info, want, io.Discard)
	if err != nil {
		release()
		return loaded{}, err
	}
	return loaded{info: info, source: Source{ReaderAt: file, Size: info.Size}, sha256: sum, release: release}, nil
}

// untilEnd reads until its context ends.
type untilEnd struct {
	ctx context.Context
	r   io.Reader
}

func (u untilEnd) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}

func (s *Service) spool(ctx context.Context, info blob.Info) (loaded, error) {
	free, err := s.spools.acquire(ctx, info.Size)
	if err != nil {
		return loaded{}, fault.Wrap("ingest.spool", err)
	}
	file, err := os.CreateTemp(s.cfg.TempDir, "sajin-original-*")
	if err != nil {
		free()
		return loaded{}, fault.As(fault.OutOfSpace, "ingest.spool", err)
	}
	// Without its name the file goes when the process does, however it ends.
	// Where the system does not allow that, it goes on release.
	_ = os.Remove(file.Name())
	release := func() {
		_ = file.Close()
		_ = os.Remove(file.Name())
		free()
	}
	o, err := s.fetch(ctx, info, spoolWriter{file})
	if err != nil {
		release()
		return loaded{}, err
	}
	o.source = Source{ReaderAt: file, Size: info.Size}
	o.release = release
	return o, nil
}

// spoolWriter tells a full disk from a store that fails.
type spoolWriter struct{ file *os.File }

func (w spoolWriter) Write(p []byte) (int, error) {
	n, err := w.file.Write(p)
	return n, fault.As(fault.OutOfSpace, "ingest.spool", err)
}

func (s *Service) fetch(ctx context.Context, want blob.Info, w io.Writer) (loaded, error) {
	r, info, err := s.ports.Blob.Open(ctx, want.Key, 0, -1)
	if errors.Is(err, blob.ErrNotFound) {
		return loaded{}, errGone
	}
	if err != nil {
		return loaded{}, fault.Wrap("ingest.fetch", err)
	}
	defer func() { _ = r.Close() }()
	sum, err := examine(r, info, want, w)
	return loaded{info: info, sha256: sum}, err
}

// examine reads an original to its end, passes it on to w, compares it with
// what the store says of it, and tells its SHA-256.
func examine(r io.Reader, info, want blob.Info, w io.Writer) (sum string, err error) {
	if info.Generation != want.Generation || info.Size != want.Size {
		return "", errChanged
	}
	sha, crc := sha256.New(), crc32.New(castagnoli)
	all := io.LimitReader(r, info.Size+1)
	n, err := io.CopyBuffer(onlyWriter{io.MultiWriter(w, sha, crc)}, all, make([]byte, readBytes))
	if errors.Is(err, blob.ErrChecksum) {
		return "", errRotten.With("ingest.examine", err)
	}
	if err != nil {
		return "", fault.Wrap("ingest.examine", asUnavailable(err))
	}
	if n != info.Size || crc.Sum32() != info.CRC32C {
		return "", errRotten.With("ingest.examine", fmt.Errorf("%s: read %d bytes with crc %08x, stored %d with %08x",
			info.Key, n, crc.Sum32(), info.Size, info.CRC32C))
	}
	return hex.EncodeToString(sha.Sum(nil)), nil
}

// asUnavailable classifies an error that the store's reader did not.
func asUnavailable(err error) error {
	if fault.KindOf(err) == fault.Internal {
		return fault.As(fault.Unavailable, "ingest.read", err)
	}
	return err
}
