package natsevents

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

// Limits of the streams. An external server's operator may create a stream
// (named like its topic, with the subject SubjectPrefix + topic) with other
// limits and replicas before; what is there is taken as it is.
const (
	MaxTopicBytes = 1 << 30
	MaxDeadBytes  = 64 << 20
	MaxDeadAge    = 30 * 24 * time.Hour
	// DuplicateWindow is how long a repeated Publish of one event is recognised.
	DuplicateWindow = 2 * time.Minute
	// SubjectPrefix is before every topic, for an external server's permissions.
	SubjectPrefix = "sajin.events."
)

const (
	defaultLease = 5 * time.Second
	// callTimeout bounds a call whose context has no deadline of its own.
	callTimeout = 10 * time.Second
	// inProcessWait is between tries to reach a server in the process that is
	// starting again. It costs a function call.
	inProcessWait = 100 * time.Millisecond
	// maxAckPending bounds what one subscription has handed out or is holding
	// back for later; above any sum of concurrencies, so that events that wait
	// for their back-off do not hold up the others.
	maxAckPending = 1000
)

// Server is a server with JetStream inside the process. *natsserver.Server is one.
type Server interface {
	nats.InProcessConnProvider
	io.Closer
}

// Options say where the bus is. Exactly one of Server and URL is set.
type Options struct {
	Server Server        // in this process; the bus closes it
	URL    string        // nats:// or tls:// of an external server with JetStream
	Lease  time.Duration // after which a dead receiver's events come back; 5 s when 0
}

// Bus is an event.Bus. Safe for concurrent use.
type Bus struct {
	lease   time.Duration
	server  Server // nil for an external one
	conn    *nats.Conn
	js      jetstream.JetStream
	streams sync.Map // event.Topic -> struct{}: known to exist
	link    link
}

var _ event.Bus = (*Bus)(nil)

// Open connects to a server. One that is not there is an Unavailable fault. One in
// the process is closed with the bus, and where the bus cannot be opened.
func Open(ctx context.Context, opts Options) (*Bus, error) {
	b := &Bus{lease: opts.Lease, server: opts.Server}
	if (opts.Server == nil) == (opts.URL == "") {
		return nil, errors.Join(fault.New(fault.Invalid, "events_config_invalid", "The event bus needs either a server in the process or an address."), b.Close())
	}
	if b.lease == 0 {
		b.lease = defaultLease
	}
	err := b.connect(opts)
	if err == nil {
		err = b.Check(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("natsevents: open: %w", err), b.Close())
	}
	return b, nil
}

func (b *Bus) connect(opts Options) (err error) {
	settings := []nats.Option{
		nats.Name("sajin"), nats.Timeout(callTimeout), nats.MaxReconnects(-1),
		nats.ReconnectHandler(func(*nats.Conn) { b.link.renewed() }),
	}
	if b.server != nil {
		settings = append(settings, nats.InProcessServer(b.server), nats.ReconnectWait(inProcessWait))
	}
	if b.conn, err = nats.Connect(opts.URL, settings...); err != nil {
		return fault.As(fault.Unavailable, "natsevents.connect", err)
	}
	b.js, err = jetstream.New(b.conn, jetstream.WithDefaultTimeout(callTimeout))
	return err
}

// Check is nil while events can be stored. It is for the readiness probe.
func (b *Bus) Check(ctx context.Context) error {
	ctx, cancel := bounded(ctx)
	defer cancel()
	_, err := b.js.AccountInfo(ctx)
	return classify("natsevents.Check", err)
}

// Close ends the connection and the server in the process. The receivers have to
// be stopped before. Closing twice does nothing.
func (b *Bus) Close() error {
	if b.conn != nil {
		b.conn.Close()
	}
	if b.server != nil {
		return b.server.Close()
	}
	return nil
}

// Publish stores e and returns when it is synced. An event of the same source
// and id that was stored within DuplicateWindow is not stored again. A full
// topic is an OutOfSpace fault, a server that does not answer Unavailable, an
// event that is more than the server or the stream takes TooLarge.
func (b *Bus) Publish(ctx context.Context, topic event.Topic, e event.Event) error {
	if err := topic.Check(); err != nil {
		return err
	}
	body, err := event.Encode(e)
	if err != nil {
		return err
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	if err := b.ensureStream(ctx, topic); err != nil {
		return err
	}
	msg := nats.NewMsg(SubjectPrefix + string(topic))
	msg.Data = body
	msg.Header.Set("Content-Type", event.ContentType)
	// A source holds no space, so the pair is unambiguous.
	id := jetstream.WithMsgID(e.Source + " " + e.ID)
	err = b.link.ask(ctx, func(ctx context.Context) error {
		_, err := b.js.PublishMsg(ctx, msg, id)
		return err
	})
	if errors.Is(err, jetstream.ErrNoStreamResponse) {
		b.streams.Delete(topic) // removed behind our back: make it again next time
	}
	return classify("natsevents.Publish", err)
}

// Ensure makes the stream and its durable consumer, or updates the consumer.
func (b *Bus) Ensure(ctx context.Context, s event.Subscription) error {
	s = s.WithDefaults()
	if err := s.Check(); err != nil {
		return err
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	if err := b.ensureStream(ctx, s.Topic); err != nil {
		return err
	}
	_, err := b.js.CreateOrUpdateConsumer(ctx, string(s.Topic), jetstream.ConsumerConfig{
		Durable: s.Name, AckPolicy: jetstream.AckExplicitPolicy, AckWait: b.lease,
		// Everything that is still there: it may be more than was published
		// since, and cannot be less, whatever a crash did to the position.
		DeliverPolicy: jetstream.DeliverAllPolicy,
		// Attempts are counted by the judge in package event.
		MaxDeliver: -1, MaxAckPending: maxAckPending,
	})
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		b.streams.Delete(s.Topic) // removed behind our back: make it again next time
	}
	return classify("natsevents.Ensure", err)
}

func (b *Bus) ensureStream(ctx context.Context, topic event.Topic) error {
	if _, known := b.streams.Load(topic); known {
		return nil
	}
	_, err := b.js.Stream(ctx, string(topic))
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		_, err = b.js.CreateStream(ctx, streamConfig(topic))
	}
	if err != nil && !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		return classify("natsevents.ensureStream", err)
	}
	b.streams.Store(topic, struct{}{})
	return nil
}

func streamConfig(topic event.Topic) jetstream.StreamConfig {
	c := jetstream.StreamConfig{
		Name: string(topic), Subjects: []string{SubjectPrefix + string(topic)}, Storage: jetstream.FileStorage,
		Retention: jetstream.InterestPolicy, Discard: jetstream.DiscardNew, MaxBytes: MaxTopicBytes,
		Duplicates: DuplicateWindow,
	}
	if topic.Dead() {
		c.Retention, c.Discard, c.MaxBytes, c.MaxAge = jetstream.LimitsPolicy, jetstream.DiscardOld, MaxDeadBytes, MaxDeadAge
	}
	return c
}

func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, callTimeout)
}

// classify says what an engine's error means for the caller.
func classify(op string, err error) error {
	var api *jetstream.APIError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fault.Wrap(op, err)
	case errors.As(err, &api) && api.ErrorCode == streamStoreFailed:
		return fault.As(fault.OutOfSpace, op, err)
	case errors.Is(err, nats.ErrMaxPayload), errors.As(err, &api) && api.ErrorCode == messageExceedsMaximum:
		return fault.As(fault.TooLarge, op, err)
	default:
		return fault.As(fault.Unavailable, op, err)
	}
}

// Codes of the server that nats.go has no names for.
const (
	// streamStoreFailed: a stream has reached its limits (JSStreamStoreFailedF).
	streamStoreFailed jetstream.ErrorCode = 10077
	// messageExceedsMaximum: a stream takes no message of that size
	// (JSStreamMessageExceedsMaximumErr).
	messageExceedsMaximum jetstream.ErrorCode = 10054
)
