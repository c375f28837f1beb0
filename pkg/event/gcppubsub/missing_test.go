package gcppubsub

import (
	"testing"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/google/go-cmp/cmp"

	"github.com/sajin-gallery/sajin/pkg/event"
)

func TestMissingNamesEachLackOnce(t *testing.T) {
	b, s := fake(t), event.Subscription{Name: "reader", Topic: "news"}
	want := func(what string, want ...Lack) {
		t.Helper()
		got, err := b.Missing(t.Context(), s)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", what, err, diff)
		}
	}
	want("of nothing", Lack{Topic: "news"}, Lack{Topic: "reader-dead"}, Lack{"news", "reader"}, Lack{"reader-dead", "reader-dead"})
	other := &pubsubpb.Subscription{Name: b.subscriptionName("reader"), Topic: b.topicName("other")}
	if err := b.ensureTopic(t.Context(), "other"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.client.SubscriptionAdminClient.CreateSubscription(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	if err := b.Ensure(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	want("of a subscription to another topic", Lack{"news", "reader"})
	s.Name = "second"
	if err := b.Ensure(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	want("of what was made")
}
