//go:build !embedded

package stores

import (
	"context"

	"github.com/sajin-gallery/sajin/pkg/blob/gcsblob"
)

func openBucket(ctx context.Context, name string) (bucket, error) {
	return gcsblob.Open(ctx, name, gcsblob.Options{})
}
