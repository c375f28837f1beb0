package pubsubtest

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// reachable reports whether anything listens on addr.
func reachable(t *testing.T, addr string) bool {
	t.Helper()
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		return false
	}
	return conn.Close() == nil
}

func TestFakeStops(t *testing.T) {
	checkStop(t, LaunchFake)
}

// checkStop holds a server to being there until it is stopped, once or twice.
func checkStop(t *testing.T, launch func(context.Context) (*Server, error)) {
	t.Helper()
	s, err := launch(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	if !reachable(t, s.Addr) {
		t.Fatal("not reachable")
	}
	for range 2 {
		if err := s.Stop(); err != nil {
			t.Errorf("Stop: %v", err)
		}
	}
	if reachable(t, s.Addr) {
		t.Error("still reachable after Stop")
	}
}

// A receiver that asks whether the other side is there, and takes no answers,
// as one that was killed, holds up nobody else.
func TestFakeSurvivesAReceiverThatTakesNothing(t *testing.T) {
	s, err := LaunchFake(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := grpc.NewClient(s.Addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	topics, subscriptions := pubsubpb.NewPublisherClient(conn), pubsubpb.NewSubscriberClient(conn)
	const topic, subscription = "projects/p/topics/t", "projects/p/subscriptions/s"
	if _, err := topics.CreateTopic(ctx, &pubsubpb.Topic{Name: topic}); err != nil {
		t.Fatal(err)
	}
	if _, err := subscriptions.CreateSubscription(ctx, &pubsubpb.Subscription{Name: subscription, Topic: topic}); err != nil {
		t.Fatal(err)
	}
	stream, err := subscriptions.StreamingPull(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&pubsubpb.StreamingPullRequest{Subscription: subscription, StreamAckDeadlineSeconds: 10, ProtocolVersion: 1}); err != nil {
		t.Fatal(err)
	}
	var sent atomic.Int64
	go func() {
		for stream.Send(&pubsubpb.StreamingPullRequest{}) == nil {
			sent.Add(1)
		}
	}()
	for last := int64(-1); last < sent.Load() || last == 0; { // until the other side takes no more
		last = sent.Load()
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			t.Fatal(ctx.Err())
		}
	}
	if _, err := topics.Publish(ctx, &pubsubpb.PublishRequest{Topic: topic, Messages: []*pubsubpb.PubsubMessage{{Data: []byte("x")}}}); err != nil {
		t.Errorf("after %d pings: %v", sent.Load(), err)
	}
}

// TestEmulatorLeavesNothingBehind: its Java holds the port as long as it lives.
func TestEmulatorLeavesNothingBehind(t *testing.T) {
	Start(t) // skips where it is not installed
	checkStop(t, LaunchEmulator)
}

func TestEmulatorStopsWhenItsStartIsCanceled(t *testing.T) {
	Start(t) // skips where it is not installed
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if s, err := LaunchEmulator(ctx); err == nil {
		t.Errorf("started %s with an ended context", s.Addr)
	}
}
