//go:build !embedded

package main

import (
	"context"

	"github.com/sajin-gallery/sajin/services/sajin/internal/gcsstatic"
	"github.com/sajin-gallery/sajin/services/sajin/internal/staticfiles"
)

func openStaticBucket(ctx context.Context, name string) (staticfiles.Place, func(), error) {
	place, err := gcsstatic.Open(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	return place, func() { _ = place.Close() }, nil // what was to be written has been
}
