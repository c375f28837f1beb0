//go:build embedded

package platform

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"gorm.io/gorm"

	"github.com/sajin-gallery/sajin/pkg/gormdb"
)

// errEmbedded explains a build that leaves the cloud's adapters out.
var errEmbedded = errors.New("this program was built for one machine only (-tags embedded); " +
	"gs://, pubsub:// and cloudsql:// need a build without that tag")

func openCloudEvents(context.Context, *url.URL) (closingBus, error) { return nil, errEmbedded }

func openCloudMedia(context.Context, *url.URL) (cloudStore, error) { return nil, errEmbedded }

func (*Adapters) connect(ctx context.Context, raw string) (*gorm.DB, error) {
	if strings.HasPrefix(raw, "cloudsql://") {
		return nil, errEmbedded
	}
	return gormdb.Open(ctx, raw, gormdb.Options{})
}
