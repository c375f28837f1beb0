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

func TestDeliveryIsSeen(t *testing.T) {
	b := fake(t)
	if err := b.Ensure(t.Context(), event.Subscription{Name: "pulled", Topic: "news"}); err != nil {
		t.Fatal(err)
	}
	push := Delivery{"https://upload.example/events/pushed", "push@project.example"}
	if _, err := b.client.SubscriptionAdminClient.CreateSubscription(t.Context(), &pubsubpb.Subscription{
		Name: b.subscriptionName("pushed"), Topic: b.topicName("news"), PushConfig: &pubsubpb.PushConfig{
			PushEndpoint: push.Endpoint,
			AuthenticationMethod: &pubsubpb.PushConfig_OidcToken_{OidcToken: &pubsubpb.PushConfig_OidcToken{
				ServiceAccountEmail: push.Account, Audience: "https://upload.example",
			}},
		},
	}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]Delivery{"pulled": {}, "pushed": push} {
		if got, err := b.Delivery(t.Context(), event.Subscription{Name: name}); err != nil || got != want {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}
}
