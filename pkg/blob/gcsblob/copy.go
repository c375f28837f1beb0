package gcsblob

import (
	"cmp"
	"context"
	"maps"
	"time"

	"cloud.google.com/go/storage"

	"github.com/sajin-gallery/sajin/pkg/blob"
)

var (
	_ blob.Copier             = (*Store)(nil)
	_ blob.ConditionalDeleter = (*Store)(nil)
)

// Copy implements blob.Copier: the bucket copies within itself. A copy whose
// answer was lost and that was repeated is blob.ErrExists.
func (s *Store) Copy(ctx context.Context, from blob.Info, key string, opts blob.WriteOptions) (_ blob.Info, err error) {
	defer observe(ctx, "copy", time.Now(), &err)
	const op = "gcsblob.Copy"
	if err := blob.CheckKey(from.Key); err != nil {
		return blob.Info{}, err
	}
	if err := blob.CheckWrite(key, opts); err != nil {
		return blob.Info{}, err
	}
	to := s.bucket.Object(key).If(storage.Conditions{DoesNotExist: true})
	copier := to.CopierFrom(s.bucket.Object(from.Key).Generation(from.Generation))
	copier.ContentType, copier.Metadata = cmp.Or(opts.ContentType, blob.DefaultContentType), maps.Clone(opts.Metadata)
	attrs, err := copier.Run(ctx)
	if err != nil {
		return blob.Info{}, classify(ctx, op, err)
	}
	return describe(attrs), nil
}
