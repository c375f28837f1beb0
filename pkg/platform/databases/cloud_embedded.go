//go:build embedded

package databases

import (
	"context"
	"io"

	"github.com/sajin-gallery/sajin/pkg/gormdb"
	"github.com/sajin-gallery/sajin/pkg/platform"
)

// dialer is what there is none of.
type dialer interface {
	gormdb.Dialer
	io.Closer
}

func newDialer(context.Context) (dialer, error) { return nil, platform.ErrEmbedded }
