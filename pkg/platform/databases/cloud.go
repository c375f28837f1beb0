//go:build !embedded

package databases

import (
	"context"

	"github.com/sajin-gallery/sajin/pkg/gormdb/cloudsql"
)

func newDialer(ctx context.Context) (*cloudsql.Dialer, error) { return cloudsql.New(ctx) }
