package fileblob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

// ReadOnly reads a store's directory beside the process that has hold of it: an
// object appears and goes by one rename each, so that what is read is whole
// whatever that process does. It changes nothing, not even the lock. Safe for
// concurrent use.
type ReadOnly struct{ store *Store }

// OpenReadOnly opens a directory that is a store. Of opts only Log counts.
func OpenReadOnly(dir string, opts Options) (*ReadOnly, error) {
	const op = "fileblob.OpenReadOnly"
	root, err := os.OpenRoot(dir)
	if err == nil {
		if _, err = root.Stat(objectsDir); err != nil {
			_ = root.Close()
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		none := fault.New(fault.NotFound, "data_dir_missing", "There are no stored pictures in this folder.")
		return nil, none.With(op, fmt.Errorf("open %s: %w", dir, err))
	}
	if err != nil {
		return nil, classify(op, err)
	}
	return &ReadOnly{&Store{root: root, opts: opts.withDefaults()}}, nil
}

// Open is blob.Store's.
func (r *ReadOnly) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, blob.Info, error) {
	return r.store.Open(ctx, key, offset, length)
}

// Stat is blob.Store's.
func (r *ReadOnly) Stat(ctx context.Context, key string) (blob.Info, error) {
	return r.store.Stat(ctx, key)
}

// List is blob.Store's.
func (r *ReadOnly) List(ctx context.Context, prefix, after string, limit int) ([]blob.Info, error) {
	return r.store.List(ctx, prefix, after, limit)
}

// Close closes the directory.
func (r *ReadOnly) Close() error { return classify("fileblob.Close", r.store.root.Close()) }
