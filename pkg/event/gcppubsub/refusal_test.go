package gcppubsub

import (
	"context"
	"net"
	"sync"
	"testing"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

// picky is a bus on a Pub/Sub that answers some requests to publish with an error.
func picky(t *testing.T, refuse func(*pubsubpb.PublishRequest) error) *Bus {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	fake := pstest.NewServerWithAddress("127.0.0.1:0")
	server := grpc.NewServer(grpc.UnaryInterceptor(func(ctx context.Context, request any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		if p, publishes := request.(*pubsubpb.PublishRequest); publishes {
			if err := refuse(p); err != nil {
				return nil, err
			}
		}
		return next(ctx, request)
	}))
	pubsubpb.RegisterPublisherServer(server, &fake.GServer)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) }) // until it is stopped
	t.Cleanup(func() {
		server.Stop()
		serving.Wait()
		if err := fake.Close(); err != nil {
			t.Error(err)
		}
	})
	return open(t, listener.Addr().String())
}

// A request that holds one event that is wrong is refused as a whole. Only the
// one is to blame.
func TestOnlyTheEventThatIsWrongIsRefused(t *testing.T) {
	b := picky(t, func(p *pubsubpb.PublishRequest) error {
		for _, m := range p.GetMessages() {
			if m.GetAttributes()["ce-id"] == "bad" {
				return status.Error(codes.InvalidArgument, "does not fit the schema")
			}
		}
		return nil
	})
	ids := []string{"bad", "a", "b", "c"}
	errs := make([]error, len(ids))
	var publishing sync.WaitGroup
	for i, id := range ids {
		publishing.Go(func() {
			errs[i] = b.Publish(t.Context(), "news", event.Event{ID: id, Source: "/s", Type: "t"})
		})
	}
	publishing.Wait()
	for i, err := range errs {
		id := ids[i]
		if id == "bad" && !event.Refused(err) || id != "bad" && err != nil {
			t.Errorf("Publish(%s) = %v", id, err)
		}
	}
}

// What is wrong with the topic is not the event's fault.
func TestAMissingRightRefusesNoEvent(t *testing.T) {
	for _, code := range []codes.Code{codes.PermissionDenied, codes.NotFound, codes.FailedPrecondition, codes.Unauthenticated} {
		b := picky(t, func(*pubsubpb.PublishRequest) error { return status.Error(code, "no") })
		err := b.Publish(t.Context(), "news", event.Event{ID: "1", Source: "/s", Type: "t"})
		if fault.KindOf(err) != fault.Unavailable || event.Refused(err) {
			t.Errorf("%s: Publish = %v, want Unavailable", code, err)
		}
	}
}
