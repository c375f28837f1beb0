package gcppubsub

import (
	"context"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

// Lack is a topic, or a subscription, that a subscription of ours needs and that
// is not there, or is of another topic.
type Lack struct {
	Topic        event.Topic
	Subscription string // "" where the topic itself is missing
}

// Missing lists what is not there of what s needs, its dead letters included:
// topics first. It takes the right to look at topics and subscriptions.
func (b *Bus) Missing(ctx context.Context, s event.Subscription) ([]Lack, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var out []Lack
	dead := event.DeadTopic(s.Name)
	for _, topic := range []event.Topic{s.Topic, dead} {
		_, err := b.client.TopicAdminClient.GetTopic(ctx, &pubsubpb.GetTopicRequest{Topic: b.topicName(topic)})
		if status.Code(err) == codes.NotFound {
			out = append(out, Lack{Topic: topic})
		} else if err != nil {
			return nil, notShown(err)
		}
	}
	for _, need := range []Lack{{s.Topic, s.Name}, {dead, string(dead)}} {
		found, err := b.client.SubscriptionAdminClient.GetSubscription(ctx, &pubsubpb.GetSubscriptionRequest{Subscription: b.subscriptionName(need.Subscription)})
		if status.Code(err) == codes.NotFound || err == nil && found.GetTopic() != b.topicName(need.Topic) {
			out = append(out, need)
		} else if err != nil {
			return nil, notShown(err)
		}
	}
	return out, nil
}

// Delivery is how a subscription's events reach who handles them.
type Delivery struct {
	Endpoint string // where they are pushed to; "" where they are pulled
	Account  string // whose token a push carries; "" for none
}

// Delivery looks at a subscription that is there. It takes the same right as
// Missing.
func (b *Bus) Delivery(ctx context.Context, s event.Subscription) (Delivery, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	found, err := b.client.SubscriptionAdminClient.GetSubscription(ctx, &pubsubpb.GetSubscriptionRequest{Subscription: b.subscriptionName(s.Name)})
	if err != nil {
		return Delivery{}, notShown(err)
	}
	push := found.GetPushConfig()
	return Delivery{push.GetPushEndpoint(), push.GetOidcToken().GetServiceAccountEmail()}, nil
}

// notShown tells a right that is missing from a bus that is away: the services do
// without that right.
func notShown(err error) error {
	if status.Code(err) == codes.PermissionDenied {
		return fault.As(fault.Forbidden, "gcppubsub.Missing", err)
	}
	return classify("gcppubsub.Missing", err)
}
