package platform

import (
	"context"
	"io"
	"net/url"
	"path/filepath"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/blob/fileblob"
)

// MediaReader reads a media store that may be in use.
type MediaReader interface {
	Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, blob.Info, error)
	Stat(ctx context.Context, key string) (blob.Info, error)
	List(ctx context.Context, prefix, after string, limit int) ([]blob.Info, error)
	io.Closer
}

// OpenMediaReader opens the media store for reading only: a directory too while
// another process has hold of it.
func OpenMediaReader(ctx context.Context, c Config) (MediaReader, error) {
	c.Required = Media
	if err := c.Validate(); err != nil {
		return nil, err
	}
	u, err := url.Parse(c.MediaURL)
	if err != nil {
		return nil, errURL("SAJIN_MEDIA_URL")
	}
	if u.Scheme == "file" {
		return fileblob.OpenReadOnly(filepath.FromSlash(u.Path), fileblob.Options{})
	}
	return openCloudMedia(ctx, u)
}
