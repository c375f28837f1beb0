//go:build !embedded

package main

import (
	"context"
	"fmt"

	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/event/gcppubsub"
	"github.com/sajin-gallery/sajin/services/sajin/internal/doctor"
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

// lackingOn asks Pub/Sub what is missing; nil for another bus, which makes what
// it needs.
func lackingOn(bus event.Bus) doctor.Lacking {
	pubsub, ok := bus.(*gcppubsub.Bus)
	if !ok {
		return nil
	}
	return func(ctx context.Context, s event.Subscription) (map[string]string, error) {
		missing, err := pubsub.Missing(ctx, s)
		out := map[string]string{}
		for _, lack := range missing {
			if lack.Subscription == "" {
				out["topic "+string(lack.Topic)] = "gcloud pubsub topics create " + string(lack.Topic)
				continue
			}
			out["subscription "+lack.Subscription] = fmt.Sprintf("gcloud pubsub subscriptions create %s --topic=%s --ack-deadline=%d --expiration-period=never",
				lack.Subscription, lack.Topic, int(s.WithDefaults().AckDeadline.Seconds()))
		}
		return out, err
	}
}
