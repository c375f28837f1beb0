package pubsubtest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	"google.golang.org/grpc"
)

// LaunchFake starts the SDK's fake on a free port of the loopback interface.
//
// It is reached through a server of its own, which answers the pings of
// receivers. The fake does that itself while it holds the lock of everything: a
// receiver that was killed at that instant takes nothing any more, and the fake
// would stand still for good.
func LaunchFake(ctx context.Context) (*Server, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("pubsubtest: %w", err)
	}
	fake := pstest.NewServerWithAddress("127.0.0.1:0")
	server := grpc.NewServer(grpc.StreamInterceptor(answerPings))
	pubsubpb.RegisterPublisherServer(server, &fake.GServer)
	pubsubpb.RegisterSubscriberServer(server, &fake.GServer)
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener) // until Stop, and even if that comes first it closes the listener
	}()
	stop := sync.OnceValue(func() error {
		server.Stop()
		<-served
		return fake.Close()
	})
	context.AfterFunc(ctx, func() { _ = stop() })
	return &Server{Addr: listener.Addr().String(), Name: "the SDK's fake of Pub/Sub", stop: stop}, nil
}

func answerPings(srv any, stream grpc.ServerStream, _ *grpc.StreamServerInfo, handler grpc.StreamHandler) error {
	return handler(srv, &pinged{ServerStream: stream})
}

// pinged is a stream on which pings are answered before the fake sees them.
type pinged struct {
	grpc.ServerStream
	begun   bool // the first request says what the stream is for
	sending sync.Mutex
}

// SendMsg may be called by the fake while a ping is answered.
func (p *pinged) SendMsg(message any) error {
	p.sending.Lock()
	defer p.sending.Unlock()
	return p.ServerStream.SendMsg(message)
}

// RecvMsg is called by one goroutine.
func (p *pinged) RecvMsg(message any) error {
	for {
		if err := p.ServerStream.RecvMsg(message); err != nil {
			return err
		}
		request, pull := message.(*pubsubpb.StreamingPullRequest)
		if !pull {
			return nil
		}
		first := !p.begun
		if p.begun = true; first || len(request.GetAckIds())+len(request.GetModifyDeadlineAckIds()) > 0 {
			return nil
		}
		if err := p.SendMsg(&pubsubpb.StreamingPullResponse{}); err != nil {
			return errors.Join(err, p.Context().Err())
		}
	}
}
