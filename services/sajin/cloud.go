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
	return func(ctx context.Context, s event.Subscription) ([]doctor.Lack, error) {
		missing, err := pubsub.Missing(ctx, s)
		var out []doctor.Lack
		for _, lack := range missing { // topics first
			if lack.Subscription == "" {
				out = append(out, doctor.Lack{What: "topic " + string(lack.Topic), Mend: "gcloud pubsub topics create " + string(lack.Topic)})
				continue
			}
			out = append(out, doctor.Lack{What: "subscription " + lack.Subscription, Mend: subscriptionCommand(s.WithDefaults(), lack)})
		}
		return out, err
	}
}

// subscriptionCommand makes a subscription that is pulled. Where events are pushed,
// what made the others knows the address.
func subscriptionCommand(s event.Subscription, lack gcppubsub.Lack) string {
	create := fmt.Sprintf("gcloud pubsub subscriptions create %s --topic=%s --expiration-period=never", lack.Subscription, lack.Topic)
	if lack.Topic.Dead() {
		return create + " --message-retention-duration=31d"
	}
	return create + fmt.Sprintf(" --ack-deadline=%d --min-retry-delay=%ds --max-retry-delay=%ds\n",
		int(s.AckDeadline.Seconds()), int(s.MinBackoff.Seconds()), int(s.MaxBackoff.Seconds())) +
		"terraform apply, where events are pushed: it knows the address"
}
