package gcppubsub

import (
	"context"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/sajin-gallery/sajin/pkg/event"
)

// Pub/Sub's limits on the deadline of a subscription.
const (
	minAckDeadline = 10 * time.Second
	maxAckDeadline = 10 * time.Minute
)

// Ensure makes the topic, the subscription, and a place for its dead letters.
// Without Options.Create it does nothing: they are there.
func (b *Bus) Ensure(ctx context.Context, s event.Subscription) error {
	s = s.WithDefaults()
	if err := s.Check(); err != nil {
		return err
	}
	return b.ensure(ctx, s)
}

func (b *Bus) ensure(ctx context.Context, s event.Subscription) error {
	if !b.create {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if err := b.ensureTopic(ctx, s.Topic); err != nil {
		return err
	}
	if err := b.ensureSubscription(ctx, s); err != nil {
		return err
	}
	if s.Topic.Dead() {
		return nil
	}
	return b.ensureTopic(ctx, event.DeadTopic(s.Name))
}

// ensureTopic makes the topic. One of dead letters gets a subscription of its
// own name, without which Pub/Sub would keep nothing.
func (b *Bus) ensureTopic(ctx context.Context, topic event.Topic) error {
	if _, known := b.topics.Load(topic); known || !b.create {
		return nil
	}
	if b.isClosed() {
		return errClosed
	}
	_, err := b.client.TopicAdminClient.CreateTopic(ctx, &pubsubpb.Topic{Name: b.topicName(topic)})
	if err != nil && status.Code(err) != codes.AlreadyExists {
		return classify("gcppubsub.ensureTopic", err)
	}
	if topic.Dead() {
		if err := b.ensureSubscription(ctx, event.Subscription{Name: string(topic), Topic: topic}.WithDefaults()); err != nil {
			return err
		}
	}
	b.topics.Store(topic, struct{}{})
	return nil
}

func (b *Bus) ensureSubscription(ctx context.Context, s event.Subscription) error {
	if b.isClosed() {
		return errClosed
	}
	deadline := min(max(s.AckDeadline, minAckDeadline), maxAckDeadline)
	_, err := b.client.SubscriptionAdminClient.CreateSubscription(ctx, &pubsubpb.Subscription{
		Name: b.subscriptionName(s.Name), Topic: b.topicName(s.Topic), AckDeadlineSeconds: int32(deadline / time.Second), //nolint:gosec // at most 600
		RetryPolicy: &pubsubpb.RetryPolicy{MinimumBackoff: durationpb.New(s.MinBackoff), MaximumBackoff: durationpb.New(s.MaxBackoff)},
		// By default a subscription that nobody uses for 31 days is deleted.
		ExpirationPolicy: &pubsubpb.ExpirationPolicy{},
	})
	if err != nil && status.Code(err) != codes.AlreadyExists {
		return classify("gcppubsub.ensureSubscription", err)
	}
	return nil
}

func (b *Bus) isClosed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closed
}

func (b *Bus) topicName(topic event.Topic) string {
	return "projects/" + b.project + "/topics/" + string(topic)
}

func (b *Bus) subscriptionName(name string) string {
	return "projects/" + b.project + "/subscriptions/" + name
}
