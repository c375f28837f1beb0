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

// subscribedOn asks Pub/Sub about a subscription; nil for another bus, which makes
// what it needs. account is whose pushes the services take, "" where they pull, or
// where that is not said: a job is not told.
func subscribedOn(bus event.Bus, account string) doctor.Subscribed {
	pubsub, ok := bus.(*gcppubsub.Bus)
	if !ok {
		return nil
	}
	return func(ctx context.Context, s event.Subscription) (string, []doctor.Lack, error) {
		missing, err := pubsub.Missing(ctx, s)
		if err != nil || len(missing) > 0 {
			return "", lacks(s, missing), err
		}
		delivery, err := pubsub.Delivery(ctx, s)
		return delivered(delivery), undelivered(s, delivery, account), err
	}
}

func lacks(s event.Subscription, missing []gcppubsub.Lack) (out []doctor.Lack) {
	for _, lack := range missing { // topics first
		if lack.Subscription == "" {
			out = append(out, doctor.Lack{What: "topic " + string(lack.Topic) + " is not there", Mend: "gcloud pubsub topics create " + string(lack.Topic)})
			continue
		}
		out = append(out, doctor.Lack{What: "subscription " + lack.Subscription + " is not there", Mend: subscriptionCommand(s.WithDefaults(), lack)})
	}
	return out
}

func delivered(d gcppubsub.Delivery) string {
	if d.Endpoint == "" {
		return "pulled"
	}
	return "pushed to " + d.Endpoint
}

// undelivered is what keeps events from services that take pushes of an account.
func undelivered(s event.Subscription, d gcppubsub.Delivery, account string) []doctor.Lack {
	if account == "" || d.Account == account {
		return nil
	}
	what := "subscription " + s.Name
	switch {
	case d.Endpoint == "":
		what += " is pulled by nobody: SAJIN_EVENTS_PUSH_ACCOUNT says that events are pushed"
	case d.Account == "":
		what += " is pushed without a token, and SAJIN_EVENTS_PUSH_ACCOUNT is " + account
	default:
		what += " is pushed by " + d.Account + ", and SAJIN_EVENTS_PUSH_ACCOUNT is " + account
	}
	return []doctor.Lack{{What: what, Mend: "gcloud pubsub subscriptions modify-push-config " + s.Name + " --push-endpoint=ADDRESS/events/" + s.Name +
		" --push-auth-service-account=" + account + " --push-auth-token-audience=ADDRESS\n" +
		"terraform apply, which knows the address; or empty SAJIN_EVENTS_PUSH_ACCOUNT and SAJIN_EVENTS_PUSH_AUDIENCE, and events are pulled"}}
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
