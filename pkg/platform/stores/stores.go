// Package stores opens the media store: a directory, or a bucket of Cloud
// Storage.
package stores

import (
	"context"
	"io"
	"path/filepath"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/blob/fileblob"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/pkg/platform"
)

// bucket is what a store in the cloud is.
type bucket interface {
	blob.Store
	blob.SessionOpener
	io.Closer
}

// Open opens what c.MediaURL names: file:///folder or gs://bucket. It is a
// platform.Kit's Media.
func Open(ctx context.Context, c *platform.Config, announce platform.Announce) (platform.Store, error) {
	u, err := platform.Address("SAJIN_MEDIA_URL", c.MediaURL)
	if err != nil {
		return platform.Store{}, err
	}
	if u.Scheme == "file" {
		return openDirectory(filepath.FromSlash(u.Path), announce)
	}
	store, err := openBucket(ctx, u.Host)
	if err != nil {
		return platform.Store{}, err
	}
	return platform.Store{Store: store, Sessions: store, Close: store.Close}, nil
}

func openDirectory(dir string, announce platform.Announce) (_ platform.Store, err error) {
	store, err := fileblob.Open(dir, fileblob.Options{OnFinalize: announce})
	if err != nil {
		return platform.Store{}, err
	}
	defer func() {
		if err != nil {
			_ = store.Close() // why it is of no use is in err
		}
	}()
	m := platform.Store{Store: store, Close: store.Close}
	if announce == nil { // who only reads takes nothing in
		return m, nil
	}
	if m.Partials, err = store.Partials(); err != nil {
		return platform.Store{}, err
	}
	if m.Inbox, err = store.Inbox(string(identity.LocalOwner)); err != nil {
		return platform.Store{}, err
	}
	return m, nil
}

// Reader reads a media store that may be in use.
type Reader interface {
	Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, blob.Info, error)
	Stat(ctx context.Context, key string) (blob.Info, error)
	List(ctx context.Context, prefix, after string, limit int) ([]blob.Info, error)
	io.Closer
}

// OpenReader opens the media store for reading only: a directory too while
// another process has hold of it.
func OpenReader(ctx context.Context, c platform.Config) (Reader, error) {
	c.Required = platform.Media
	if err := c.Validate(); err != nil {
		return nil, err
	}
	u, err := platform.Address("SAJIN_MEDIA_URL", c.MediaURL)
	if err != nil {
		return nil, err
	}
	if u.Scheme == "file" {
		return fileblob.OpenReadOnly(filepath.FromSlash(u.Path), fileblob.Options{})
	}
	return openBucket(ctx, u.Host)
}
