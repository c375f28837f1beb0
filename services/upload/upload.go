// Package upload composes the upload service: configuration, the core, its
// doors and its subscriptions. It chooses the image engine; the bucket and the
// bus are given to it.
package upload

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/services/upload/internal/goimaging"
	"github.com/sajin-gallery/sajin/services/upload/internal/httpapi"
	"github.com/sajin-gallery/sajin/services/upload/internal/imagemetadata"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)
