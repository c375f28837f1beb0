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
	"strings"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
)

// MaxBytes is the most an encoded event may hold. Pub/Sub takes 10 MB and
// JetStream 1 MiB; ours are a few kilobytes.
const MaxBytes = 256 << 10

// Event is a CloudEvents 1.0 event with JSON data. It encodes to and from the
// JSON format of the specification; see [Encode].
type Event struct {
	ID          string // unique per source; redelivery keeps it
	Source      string // URI reference, such as "/services/upload"
	Type        string // versioned, such as "image.uploaded.v1"
	Subject     string // optional
	Time        time.Time
	TraceParent string // W3C Trace Context, an official extension; optional
	Data        json.RawMessage
}

// Topic names a stream of events: a lower-case letter, then letters, digits and
// '-', at most MaxNameBytes in all.
type Topic string

// MaxNameBytes bounds the name of a topic and of a subscription, so that what
// an engine derives from it (Pub/Sub takes 255 bytes) stays within its limits.
const MaxNameBytes = 128

// Check is an Invalid fault unless the topic has the form that every engine takes.
func (t Topic) Check() error {
	if !validName(string(t)) {
		return fault.Newf(fault.Invalid, "topic_invalid", "%q is not the name of a topic.", string(t))
	}
	return nil
}

const deadSuffix = "-dead"

// Dead reports whether the topic holds dead letters. An adapter keeps those
// for an operator, whether or not anybody is subscribed.
func (t Topic) Dead() bool { return strings.HasSuffix(string(t), deadSuffix) }

func validName(s string) bool {
	if s == "" || len(s) > MaxNameBytes || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}

// Publisher sends events.
type Publisher interface {
	// Publish returns nil only when the bus has stored the event durably; then
	// every subscription that exists will see it at least once. An error means
	// that it may or may not have been stored; one that is Refused means that this
	// event never will be. Whatever others on the topic would meet too, such as a
	// right that is missing, is no refusal of the event. Safe for concurrent use.
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
	MaxBackoff  time.Duration // 60 s when 0, or MinBackoff where that is more
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
		s.MaxBackoff = max(time.Minute, s.MinBackoff)
	}
	return s
}

// The limits of a subscription. MaxAckDeadline is also Pub/Sub's.
const (
	MaxConcurrency = 256
	MaxAckDeadline = 10 * time.Minute
)

// Check is an Invalid fault unless the subscription, with its defaults filled
// in, is one that every engine takes. Adapters call it first.
func (s Subscription) Check() error {
	if err := s.Topic.Check(); err != nil {
		return err
	}
	ok := validName(s.Name) && len(s.Name)+len(deadSuffix) <= MaxNameBytes && s.MaxAttempts > 0 &&
		s.Concurrency > 0 && s.Concurrency <= MaxConcurrency && s.AckDeadline > 0 && s.AckDeadline <= MaxAckDeadline &&
		s.MinBackoff > 0 && s.MaxBackoff >= s.MinBackoff && s.MaxBackoff <= MaxAckDeadline
	if !ok {
		return fault.Newf(fault.Invalid, "subscription_invalid", "The subscription %q has a value out of range.", s.Name)
	}
	return nil
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
// an event of type DeadLetterType, to the topic DeadTopic(subscription). What
// could not be read as an event is kept in Raw instead, cut at MaxBytes.
type DeadLetter struct {
	Subscription string `json:"subscription"`
	Attempts     int    `json:"attempts"`
	Reason       string `json:"reason"`
	Event        Event  `json:"event,omitzero"`
	Raw          []byte `json:"raw,omitempty"`
}

// DeadLetterType is the type of the events on a dead-letter topic.
const DeadLetterType = "event.dead_letter.v1"

// DeadTopic is where the dead letters of a subscription go.
func DeadTopic(subscription string) Topic { return Topic(subscription + deadSuffix) }

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

// Refused reports whether an error says that the event itself is wrong (Invalid,
// Unsupported, TooLarge), so that trying again cannot help.
func Refused(err error) bool {
	switch fault.KindOf(err) {
	case fault.Invalid, fault.Unsupported, fault.TooLarge:
		return true
	default:
		return false
	}
}

// JudgeError is the one table from a handler's error to a verdict. What was cut
// short by a stop is always given back. An error that is marked Permanent, or
// that is Refused, is not tried again.
func JudgeError(err error, attempt, maxAttempts int) Verdict {
	if err == nil {
		return Ack
	}
	if fault.KindOf(err) == fault.Canceled {
		return Retry
	}
	if errors.Is(err, errPermanent) || attempt >= maxAttempts || Refused(err) {
		return Dead
	}
	return Retry
}
