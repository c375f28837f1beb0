//go:build !embedded

package buses

import (
	"context"
	"net/http"
	"os"

	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/event/gcppubsub"
	"github.com/sajin-gallery/sajin/pkg/platform"
	"github.com/sajin-gallery/sajin/pkg/serviceauth"
	"github.com/sajin-gallery/sajin/pkg/serviceauth/googletokens"
)

// openPubSub opens a project's topics. Against the emulator topics and
// subscriptions are made on the way; in the cloud they are made by whoever
// deploys.
func openPubSub(ctx context.Context, project string, c *platform.Config) (platform.Bus, platform.Push, error) {
	push := func(*gcppubsub.Bus) platform.Push { return nil }
	if c.PushAccount != "" {
		verifier, err := googletokens.NewVerifier(c.PushAudience, nil)
		if err != nil {
			return nil, nil, err
		}
		push = func(bus *gcppubsub.Bus) platform.Push { return doors(bus, serviceauth.Of(verifier, c.PushAccount)) }
	}
	bus, err := gcppubsub.Open(ctx, gcppubsub.Options{
		Project: project, Create: os.Getenv("PUBSUB_EMULATOR_HOST") != "", //nolint:forbidigo // the SDK's own variable, which it reads by itself
	})
	if err != nil {
		return nil, nil, err
	}
	return bus, push(bus), nil
}

// doors makes the doors for events that Pub/Sub pushes.
func doors(bus *gcppubsub.Bus, verify gcppubsub.TokenVerifier) platform.Push {
	return func(s event.Subscription, h event.Handler) (http.Handler, error) {
		return bus.PushHandler(s, h, verify)
	}
}
