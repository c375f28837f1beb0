//go:build embedded

package platform

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"gorm.io/gorm"

	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/gormdb"
	"github.com/sajin-gallery/sajin/pkg/serviceauth"
)

// errEmbedded explains a build that leaves the cloud's adapters out.
var errEmbedded = errors.New("this program was built for one machine only (-tags embedded); " +
	"gs://, pubsub://, cloudsql:// and SAJIN_SERVICE_AUTH=google need a build without that tag")

func openCloudEvents(context.Context, *url.URL) (closingBus, error) { return nil, errEmbedded }

func openCloudMedia(context.Context, *url.URL) (cloudStore, error) { return nil, errEmbedded }

func (*Adapters) connect(ctx context.Context, raw string) (*gorm.DB, error) {
	if strings.HasPrefix(raw, "cloudsql://") {
		return nil, errEmbedded
	}
	return gormdb.Open(ctx, raw, gormdb.Options{})
}

func googleVerifier(string) (serviceauth.Verifier, error) { return nil, errEmbedded }

func googleTokens(string) (serviceauth.TokenSource, error) { return nil, errEmbedded }

func pushed(event.Bus, string, string) (Push, error) { return nil, errEmbedded }
