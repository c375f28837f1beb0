//go:build embedded

package buses

import (
	"context"

	"github.com/sajin-gallery/sajin/pkg/platform"
)

func openPubSub(context.Context, string, *platform.Config) (platform.Bus, platform.Push, error) {
	return nil, nil, platform.ErrEmbedded
}
