package gcppubsub

import (
	"context"

	"github.com/sajin-gallery/sajin/pkg/event"
)

// message is what came from Pub/Sub, pulled or pushed.
type message struct {
	id         string
	data       []byte
	attributes map[string]string
	attempt    int // as Pub/Sub counts; 0 where it does not
}

// process is the way of every message, pulled or pushed.
func (b *Bus) process(ctx context.Context, s event.Subscription, h event.Handler, m message) event.Answer {
	body, ignored := b.translate(m.attributes, m.data)
	if ignored {
		return event.Answer{}
	}
	result := event.Process(ctx, s, b, h, event.Raw{Body: body, Attempt: b.attempt(m.id, m.attempt)})
	if result.Again && ctx.Err() == nil {
		b.failures.add(m.id)
	}
	return result
}
