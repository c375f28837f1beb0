package gormdjango

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/platform"
	"github.com/sajin-gallery/sajin/pkg/platform/stores"
	"github.com/sajin-gallery/sajin/services/sajin/internal/intake"
)

// OpenMedia opens a folder, or a bucket for gs://bucket.
func OpenMedia(ctx context.Context, place string) (Media, error) {
	if strings.Contains(place, "://") {
		if !strings.HasPrefix(place, "gs://") {
			return nil, errors.New("the media must be in a folder or in gs://bucket")
		}
		store, err := stores.OpenReader(ctx, platform.Config{MediaURL: place})
		if err != nil {
			return nil, err
		}
		return Bucket(place, store), nil
	}
	abs, err := filepath.Abs(place)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(abs)
	if err != nil {
		return nil, err
	}
	return disk{root}, nil
}

// disk is a folder. The table's paths cannot lead out of it.
type disk struct{ root *os.Root }

func (d disk) Close() error           { return d.root.Close() }
func (d disk) Key(name string) string { return filepath.Join(d.root.Name(), filepath.FromSlash(name)) }

func (d disk) Look(_ context.Context, name string) (File, error) {
	info, err := d.stat(name)
	if err != nil {
		return File{}, err
	}
	return File{Size: info.Size(), Modified: info.ModTime(), Check: func() error {
		now, err := d.stat(name)
		if err != nil {
			return errRead.With("gormdjango.Check", err)
		}
		if now.Size() != info.Size() || !now.ModTime().Equal(info.ModTime()) {
			return intake.ErrChanged
		}
		return nil
	}}, nil
}

func (d disk) stat(name string) (fs.FileInfo, error) {
	if !fs.ValidPath(name) {
		return nil, ErrMissing
	}
	info, err := d.root.Stat(filepath.FromSlash(name))
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && !info.Mode().IsRegular():
		return nil, ErrMissing
	default:
		return info, err
	}
}

var errRead = fault.New(fault.Invalid, "file_unreadable", "The file cannot be read. Does it still exist, and may you read it?")

func (d disk) Open(_ context.Context, name string, offset int64) (io.ReadCloser, error) {
	file, err := d.root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, errRead.With("gormdjango.Open", err)
	}
	if _, err := file.Seek(offset, io.SeekStart); err != nil {
		_ = file.Close()
		return nil, errRead.With("gormdjango.Open", err)
	}
	return file, nil
}

// bucket is a bucket, read through the blob port's reading half.
type bucket struct {
	address string
	stores.Reader
}

// Bucket takes the pictures from a store; the address names it in what is
// remembered of unfinished uploads.
func Bucket(address string, store stores.Reader) Media { return bucket{address, store} }

func (b bucket) Key(name string) string { return b.address + "/" + name }

func (b bucket) Look(ctx context.Context, name string) (File, error) {
	if blob.CheckKey(name) != nil {
		return File{}, ErrMissing
	}
	info, err := b.Stat(ctx, name)
	if errors.Is(err, blob.ErrNotFound) {
		return File{}, ErrMissing
	}
	return File{Size: info.Size, Modified: info.CreatedAt}, err
}

func (b bucket) Open(ctx context.Context, name string, offset int64) (io.ReadCloser, error) {
	r, _, err := b.Reader.Open(ctx, name, offset, -1)
	return r, err
}
