//go:build embedded

package stores

import (
	"context"

	"github.com/sajin-gallery/sajin/pkg/platform"
)

func openBucket(context.Context, string) (bucket, error) { return nil, platform.ErrEmbedded }
