// Package event is the port to the message bus between the services: Pub/Sub in
// the cloud (gcppubsub), an embedded JetStream on one machine (natsevents).
//
// Events are CloudEvents 1.0 (https://github.com/cloudevents/spec). Delivery is
// at least once and unordered: every handler must be idempotent. The package
// owns the envelope and the verdict on a handler's error; it knows no SDK and
// not what the events mean (that is contract).
package event

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
)

// MaxBytes is the most an encoded event may hold. Pub/Sub takes 10 MB and
// JetStream 1 MiB; ours are a few kilobytes.
const MaxBytes = 256 << 10

// Event is a CloudEvents 1.0 event with a JSON body.
type Event struct {
	ID          string          `json:"id"`     // unique per source; redelivery keeps it
	Source      string          `json:"source"` // URI reference, such as "/services/upload"
	Type        string          `json:"type"`   // versioned, such as "image.uploaded.v1"
	Subject     string          `json:"subject,omitempty"`
	Time        time.Time       `json:"time"`
	TraceParent string          `json:"traceparent,omitempty"` // W3C Trace Context, an official extension
	Data        json.RawMessage `json:"data"`
}

// Topic names a stream of events: lower-case letters, digits and '-'.
type Topic string

// Publisher sends events.
type Publisher interface {
	// Publish returns nil only when the bus has stored the event durably; then
	// every subscription that exists will see it at least once. An error means
	// that it may or may not have been stored. Safe for concurrent use.
	Publish(ctx context.Context, topic Topic, e Event) error
}

// Delivery is one attempt to hand an event over.
type Delivery struct {
	Event   Event
	Attempt int // 1 for the first
}

// Handler handles one delivery. nil acknowledges it. An error is judged by
// [JudgeError]: tried again later, or set aside as a dead letter. The context
// ends at the acknowledgement deadline.
type Handler func(ctx context.Context, d Delivery) error

// Subscription says what to receive and how.
type Subscription struct {
	Name        string        // durable; two receivers with one name share the events
	Topic       Topic         // what to receive
	MaxAttempts int           // then the event is a dead letter; 5 when 0
	Concurrency int           // handlers at once in this process; 1 when 0
	AckDeadline time.Duration // for one attempt; 60 s when 0
	MinBackoff  time.Duration // before the second attempt; doubles; 1 s when 0
	MaxBackoff  time.Duration // 60 s when 0
}

// WithDefaults fills in what is not set.
func (s Subscription) WithDefaults() Subscription {
	if s.MaxAttempts == 0 {
		s.MaxAttempts = 5
	}
	if s.Concurrency == 0 {
		s.Concurrency = 1
	}
	if s.AckDeadline == 0 {
		s.AckDeadline = time.Minute
	}
	if s.MinBackoff == 0 {
		s.MinBackoff = time.Second
	}
	if s.MaxBackoff == 0 {
		s.MaxBackoff = time.Minute
	}
	return s
}

// Backoff is how long to wait before the attempt after the given one.
func (s Subscription) Backoff(attempt int) time.Duration {
	wait := s.MinBackoff
	for range attempt - 1 {
		if wait *= 2; wait >= s.MaxBackoff {
			return s.MaxBackoff
		}
	}
	return min(wait, s.MaxBackoff)
}

// Subscriber receives events.
type Subscriber interface {
	// Receive hands events to h until ctx ends, then waits for the handlers
	// that run (their context is cut when the adapter's drain time, at most
	// 8 s, has passed), gives back what it has not handled, and returns nil.
	// The subscription is made where it does not exist; from then on no event
	// published to its topic is missed, whether or not somebody receives.
	Receive(ctx context.Context, s Subscription, h Handler) error

	// Ensure makes the subscription without receiving, so that a publisher
	// may start before its consumers.
	Ensure(ctx context.Context, s Subscription) error
}

// Bus is both ends.
type Bus interface {
	Publisher
	Subscriber
}

// DeadLetter is an event that was set aside. It is published, as the data of
// an event of type DeadLetterType, to the topic DeadTopic(subscription).
type DeadLetter struct {
	Subscription string `json:"subscription"`
	Attempts     int    `json:"attempts"`
	Reason       string `json:"reason"`
	Event        Event  `json:"event"`
}

// DeadLetterType is the type of the events on a dead-letter topic.
const DeadLetterType = "event.dead_letter.v1"

// DeadTopic is where the dead letters of a subscription go.
func DeadTopic(subscription string) Topic { return Topic(subscription + "-dead") }

// Verdict is what becomes of a delivery.
type Verdict uint8

// The verdicts.
const (
	Ack   Verdict = iota // done
	Retry                // give it back, to be delivered after the back-off
	Dead                 // set it aside now: trying again cannot help
)

var errPermanent = errors.New("permanent")

// Permanent marks err so that its event becomes a dead letter at once.
func Permanent(err error) error { return errors.Join(err, errPermanent) }

// JudgeError is the one table from a handler's error to a verdict. What was cut
// short by a stop is always given back. An error that is marked Permanent, or
// whose kind says that the event itself is wrong (Invalid, Unsupported,
// TooLarge), is not tried again.
func JudgeError(err error, attempt, maxAttempts int) Verdict {
	if err == nil {
		return Ack
	}
	if fault.KindOf(err) == fault.Canceled {
		return Retry
	}
	if errors.Is(err, errPermanent) || attempt >= maxAttempts {
		return Dead
	}
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Unsupported, fault.TooLarge:
		return Dead
	default:
		return Retry
	}
}
