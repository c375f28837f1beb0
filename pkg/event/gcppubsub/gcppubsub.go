package gcppubsub

import (
	"context"
	"errors"
	"sync"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

// callTimeout bounds a call whose context has no nearer deadline.
const callTimeout = 10 * time.Second

// maxAttributeBytes is Pub/Sub's limit on an attribute's value.
// https://cloud.google.com/pubsub/quotas#resource_limits
const maxAttributeBytes = 1024

// Options say which Pub/Sub, and how.
type Options struct {
	Project  string
	Emulator string // host:port of an emulator; else Google's service (or the SDK's PUBSUB_EMULATOR_HOST)
	Create   bool   // make topics and subscriptions that are not there
	Bucket   string // take notifications of this bucket only; any when empty
}

// Bus is an event.Bus. Safe for concurrent use.
type Bus struct {
	client   *pubsub.Client
	project  string
	create   bool
	bucket   string
	failures *counter
	topics   sync.Map // event.Topic -> struct{}: known to exist

	mu         sync.Mutex
	publishers map[event.Topic]*pubsub.Publisher
	closed     bool
}

var _ event.Bus = (*Bus)(nil)

// Open makes the client. It does not connect: a service that is not there
// shows in the first call.
func Open(ctx context.Context, opts Options) (*Bus, error) {
	if opts.Project == "" {
		return nil, fault.New(fault.Invalid, "events_config_invalid", "The event bus needs the id of a project.")
	}
	settings := []option.ClientOption{option.WithTelemetryDisabled()}
	if opts.Emulator != "" {
		settings = append(settings, option.WithEndpoint(opts.Emulator), option.WithoutAuthentication(),
			option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	}
	client, err := pubsub.NewClient(ctx, opts.Project, settings...)
	if err != nil {
		return nil, classify("gcppubsub.Open", err)
	}
	return &Bus{
		client: client, project: opts.Project, create: opts.Create, bucket: opts.Bucket,
		failures: newCounter(maxCounted), publishers: map[event.Topic]*pubsub.Publisher{},
	}, nil
}

// Close sends what is being published and ends the connection. The receivers
// have to be stopped before. Closing twice does nothing.
func (b *Bus) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil
	}
	b.closed = true
	for _, publisher := range b.publishers {
		publisher.Stop()
	}
	return classify("gcppubsub.Close", b.client.Close())
}

// Publish waits until Pub/Sub has stored e, at most callTimeout. A topic that
// is not there or may not be written to, or a service that does not answer, is an
// Unavailable fault; what Pub/Sub says is wrong with e is Invalid or TooLarge.
func (b *Bus) Publish(ctx context.Context, topic event.Topic, e event.Event) error {
	if err := topic.Check(); err != nil {
		return err
	}
	body, err := event.Encode(e)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return classify("gcppubsub.Publish", err)
	}
	publisher, err := b.publisher(ctx, topic)
	if err != nil {
		return err
	}
	_, err = publisher.Publish(ctx, &pubsub.Message{Data: body, Attributes: attributes(e)}).Get(ctx)
	switch {
	case errors.Is(err, pubsub.ErrOversizedMessage):
		return fault.As(fault.TooLarge, "gcppubsub.Publish", err)
	case status.Code(err) == codes.InvalidArgument:
		return b.publishAlone(ctx, topic, &pubsubpb.PubsubMessage{Data: body, Attributes: attributes(e)})
	default:
		return classify("gcppubsub.Publish", err)
	}
}

// publishAlone sends an event in a request of its own: one that Pub/Sub finds
// invalid takes those along that share its request.
func (b *Bus) publishAlone(ctx context.Context, topic event.Topic, m *pubsubpb.PubsubMessage) error {
	_, err := b.client.TopicAdminClient.Publish(ctx, &pubsubpb.PublishRequest{Topic: b.topicName(topic), Messages: []*pubsubpb.PubsubMessage{m}})
	if status.Code(err) == codes.InvalidArgument {
		return fault.As(fault.Invalid, "gcppubsub.Publish", err)
	}
	return classify("gcppubsub.Publish", err)
}

func (b *Bus) publisher(ctx context.Context, topic event.Topic) (*pubsub.Publisher, error) {
	if err := b.ensureTopic(ctx, topic); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, errClosed
	}
	publisher, there := b.publishers[topic]
	if !there {
		publisher = b.client.Publisher(string(topic))
		// A publisher waits for its one event: batching by time only delays it.
		// Events published at once still share a request.
		publisher.PublishSettings.DelayThreshold = time.Millisecond
		publisher.PublishSettings.Timeout = callTimeout
		b.publishers[topic] = publisher
	}
	return publisher, nil
}

// attributes are those of e under the names of CloudEvents' HTTP binding, which
// the Pub/Sub binding shares.
func attributes(e event.Event) map[string]string {
	out := map[string]string{
		"content-type": event.ContentType, "ce-specversion": event.SpecVersion,
		"ce-id": e.ID, "ce-source": e.Source, "ce-type": e.Type, "ce-subject": e.Subject, "ce-traceparent": e.TraceParent,
	}
	if !e.Time.IsZero() {
		out["ce-time"] = e.Time.UTC().Format(time.RFC3339Nano)
	}
	for name, value := range out {
		if value == "" || len(value) > maxAttributeBytes {
			delete(out, name)
		}
	}
	return out
}

var errClosed = &fault.Error{Kind: fault.Unavailable, Op: "gcppubsub", Err: errors.New("the bus is closed")}

// classify says what the SDK's error means for the caller.
func classify(op string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fault.Wrap(op, err)
	}
	switch status.Code(err) {
	case codes.Canceled:
		return fault.As(fault.Canceled, op, err)
	case codes.DeadlineExceeded:
		return fault.As(fault.Timeout, op, err)
	case codes.ResourceExhausted:
		return fault.As(fault.RateLimited, op, err)
	default:
		return fault.As(fault.Unavailable, op, err)
	}
}
