package natsevents

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/sajin-gallery/sajin/pkg/event"
)

const (
	// pullExpires is how long the server keeps a request that it cannot answer.
	pullExpires = 30 * time.Second
	// pullHeartbeat is how often it says meanwhile that it still has it.
	pullHeartbeat = 5 * time.Second
	// pullPause is the wait after a server refused.
	pullPause = time.Second
)

// puller asks a durable consumer for one event at a time. nats.go's own
// iterator asks ahead, from another goroutine: limited to one message it
// can miss that it has to ask again, and stands still for half a minute.
// https://docs.nats.io/reference/reference-protocols/nats_api_reference
type puller struct {
	conn    *nats.Conn
	link    *link
	inbox   *nats.Subscription
	request *nats.Msg
}

func newPuller(conn *nats.Conn, l *link, s event.Subscription) (*puller, error) {
	inbox, err := conn.SubscribeSync(conn.NewInbox())
	if err != nil {
		return nil, err
	}
	return &puller{conn: conn, link: l, inbox: inbox, request: &nats.Msg{
		Subject: fmt.Sprintf("$JS.API.CONSUMER.MSG.NEXT.%s.%s", s.Topic, s.Name), Reply: inbox.Subject,
		Data: fmt.Appendf(nil, `{"batch":1,"expires":%d,"idle_heartbeat":%d}`, pullExpires, pullHeartbeat),
	}}, nil
}

// next waits for an event until ctx ends. Both may happen at once: then there
// is a message though ctx has ended.
func (p *puller) next(ctx context.Context) (*nats.Msg, error) {
	for ctx.Err() == nil {
		gone := p.link.current()
		if err := p.conn.PublishMsg(p.request); err != nil {
			return nil, err
		}
		msg, err := p.await(ctx, gone)
		if msg != nil || err != nil {
			return msg, err
		}
	}
	return nil, ctx.Err()
}

// await waits for the answer to a request. Without a message and an error it is
// to be asked again: the request has expired, or got lost with a connection.
func (p *puller) await(ctx context.Context, gone <-chan struct{}) (*nats.Msg, error) {
	connected, cancel := until(ctx, gone)
	defer cancel()
	for {
		heartbeat, cancel := context.WithTimeout(connected, 2*pullHeartbeat)
		msg, err := p.inbox.NextMsgWithContext(heartbeat)
		cancel()
		switch {
		case err == nil && (len(msg.Data) > 0 || msg.Header.Get(statusHeader) == ""):
			return msg, nil
		case err == nil && msg.Header.Get(statusHeader) == "100":
			continue
		case err == nil:
			return nil, refusal(msg)
		case errors.Is(err, context.DeadlineExceeded), connected.Err() != nil && ctx.Err() == nil:
			return nil, nil
		case errors.Is(err, nats.ErrNoResponders):
			return nil, errRefused
		default:
			return nil, err
		}
	}
}

// errRefused is the answer of a server that does not serve the consumer: it was
// deleted, or moves, or the server stops.
var errRefused = errors.New("the event server cannot deliver")

// A message with a status and no data is the server's own.
const (
	statusHeader      = "Status"
	descriptionHeader = "Description"
)

// refusal is nil when the request has expired or there was nothing to deliver.
func refusal(status *nats.Msg) error {
	switch code := status.Header.Get(statusHeader); code {
	case "404", "408":
		return nil
	default:
		return fmt.Errorf("%w: %s %s", errRefused, code, status.Header.Get(descriptionHeader))
	}
}

// stop withdraws the request and gives back what was sent meanwhile.
func (p *puller) stop() {
	if err := p.inbox.Drain(); err != nil {
		return // the connection is closed; its leases run out
	}
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	for {
		msg, err := p.inbox.NextMsgWithContext(ctx)
		if err != nil {
			return // drained
		}
		if len(msg.Data) > 0 {
			answer(msg, event.Answer{Again: true})
		}
	}
}
