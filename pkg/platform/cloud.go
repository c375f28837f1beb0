//go:build !embedded

package platform

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"strings"

	"gorm.io/gorm"

	"github.com/sajin-gallery/sajin/pkg/blob/gcsblob"
	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/event/gcppubsub"
	"github.com/sajin-gallery/sajin/pkg/gormdb"
	"github.com/sajin-gallery/sajin/pkg/gormdb/cloudsql"
	"github.com/sajin-gallery/sajin/pkg/serviceauth"
	"github.com/sajin-gallery/sajin/pkg/serviceauth/googletokens"
)

// openCloudEvents opens pubsub://project. Against the emulator topics and
// subscriptions are made on the way; in the cloud they are made by whoever
// deploys.
func openCloudEvents(ctx context.Context, u *url.URL) (closingBus, error) {
	return gcppubsub.Open(ctx, gcppubsub.Options{
		Project: u.Host, Create: os.Getenv("PUBSUB_EMULATOR_HOST") != "", //nolint:forbidigo // the SDK's own variable, which it reads by itself
	})
}

func openCloudMedia(ctx context.Context, u *url.URL) (cloudStore, error) {
	return gcsblob.Open(ctx, u.Host, gcsblob.Options{})
}

// connect opens the database; Cloud SQL's connector is made only where it is
// asked for, since it looks for credentials.
func (a *Adapters) connect(ctx context.Context, raw string) (*gorm.DB, error) {
	if !strings.HasPrefix(raw, "cloudsql://") {
		return gormdb.Open(ctx, raw, gormdb.Options{})
	}
	dialer, err := cloudsql.New(ctx)
	if err != nil {
		return nil, err
	}
	a.closers = append(a.closers, dialer.Close)
	return gormdb.Open(ctx, raw, gormdb.Options{CloudSQL: dialer})
}

func googleVerifier(audience string) (serviceauth.Verifier, error) {
	return googletokens.NewVerifier(audience, nil)
}

func googleTokens(audience string) (serviceauth.TokenSource, error) {
	return googletokens.NewSource(audience)
}

// pushed makes the doors for events that Pub/Sub pushes.
func pushed(bus event.Bus, audience, account string) (Push, error) {
	verifier, err := googletokens.NewVerifier(audience, nil)
	if err != nil {
		return nil, err
	}
	pubsub, ok := bus.(*gcppubsub.Bus)
	if !ok {
		return nil, errPushBus
	}
	verify := serviceauth.Of(verifier, account)
	return func(s event.Subscription, h event.Handler) (http.Handler, error) {
		return pubsub.PushHandler(s, h, verify)
	}, nil
}
