package event

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
)

// DrainTimeout is how long a stop waits for the handlers that run before it
// cuts their context. It leaves two of the ten seconds between Cloud Run's
// SIGTERM and SIGKILL. https://cloud.google.com/run/docs/container-contract
const DrainTimeout = 8 * time.Second

// deadTimeout bounds the publishing of one dead letter.
const deadTimeout = 5 * time.Second

// maxReasonBytes bounds the reason that a dead letter gives.
const maxReasonBytes = 1024

// Raw is one delivery as an engine hands it over.
type Raw struct {
	Body    []byte
	Attempt int // 1 for the first
}

// Answer is what an adapter is to tell its engine about a delivery.
type Answer struct {
	Again bool          // give it back; else acknowledge it
	After time.Duration // do not deliver it again before that
	Err   error         // why it is given back
}

// Process is what every adapter does with a delivery: it decodes the event,
// runs the handler within the subscription's deadline, turns a panic into a
// failed attempt, judges the error, and publishes the dead letter with p. An
// event is acknowledged as dead only once its dead letter is stored.
//
// The end of ctx means that the receiver stops: whatever fails after it is
// given back. A delivery whose handler never came to an end in twice
// MaxAttempts, because it takes the process with it, is set aside unhandled.
func Process(ctx context.Context, s Subscription, p Publisher, h Handler, raw Raw) Answer {
	e, err := Decode(raw.Body)
	if err != nil {
		return SetAside(ctx, s, p, raw, err)
	}
	if raw.Attempt > 2*s.MaxAttempts {
		return bury(ctx, s, p, raw, DeadLetter{Event: e}, errors.New("no attempt to handle it came to an end"))
	}
	err = attempt(ctx, s, h, Delivery{Event: e, Attempt: raw.Attempt})
	if err != nil && ctx.Err() != nil {
		return Answer{Again: true, Err: fault.As(fault.Canceled, "event.Process", err)}
	}
	switch JudgeError(err, raw.Attempt, s.MaxAttempts) {
	case Ack:
		return Answer{}
	case Dead:
		return bury(ctx, s, p, raw, DeadLetter{Event: e}, err)
	default:
		return retry(ctx, s, e, raw, err)
	}
}

// SetAside publishes the dead letter of a body that is no event. Process calls
// it; an adapter does where the engine's own envelope is broken.
func SetAside(ctx context.Context, s Subscription, p Publisher, raw Raw, reason error) Answer {
	letter := DeadLetter{Raw: raw.Body[:min(len(raw.Body), MaxBytes)]}
	return bury(ctx, s, p, raw, letter, reason)
}

func attempt(ctx context.Context, s Subscription, h Handler, d Delivery) (err error) {
	ctx, cancel := context.WithTimeout(ctx, s.AckDeadline)
	defer cancel()
	defer func() {
		if cause := recover(); cause != nil {
			slog.ErrorContext(ctx, "panic in an event handler", "subscription", s.Name, "event", d.Event.ID,
				"cause", cause, "stack", string(debug.Stack()))
			err = fault.As(fault.Internal, "event.Process", fmt.Errorf("panic: %v", cause))
		}
	}()
	return h(ctx, d)
}

// retry gives the event back: after the back-off, or when the error says, if
// that is later.
func retry(ctx context.Context, s Subscription, e Event, raw Raw, err error) Answer {
	after := s.Backoff(raw.Attempt)
	if fault.KindOf(err) == fault.Canceled {
		after = s.MinBackoff
	}
	after = min(max(after, fault.Public(err).Retry), s.MaxBackoff)
	slog.WarnContext(ctx, "event not handled, to be tried again", "subscription", s.Name, "event", e.ID,
		"type", e.Type, "attempt", raw.Attempt, "after", after, "err", err)
	return Answer{Again: true, After: after, Err: err}
}

// bury publishes the dead letter. It outlives a stop by deadTimeout, since the
// verdict has fallen and the handler would only fail again.
func bury(ctx context.Context, s Subscription, p Publisher, raw Raw, letter DeadLetter, reason error) Answer {
	letter.Subscription, letter.Attempts, letter.Reason = s.Name, raw.Attempt, short(reason.Error())
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deadTimeout)
	defer cancel()
	e, err := letter.event(raw.Body)
	if err == nil {
		err = p.Publish(ctx, DeadTopic(s.Name), e)
	}
	log := slog.With("subscription", s.Name, "event", letter.Event.ID, "type", letter.Event.Type,
		"attempt", raw.Attempt, "reason", letter.Reason)
	if err != nil {
		log.ErrorContext(ctx, "dead letter not stored, its event is given back", "err", err)
		return Answer{Again: true, After: s.MaxBackoff, Err: err}
	}
	log.ErrorContext(ctx, "event set aside as a dead letter")
	return Answer{}
}

// event wraps the letter. Its id is made from the event's own identity, so that
// a letter published twice is one letter.
func (l DeadLetter) event(body []byte) (Event, error) {
	data, err := marshal(l)
	if err != nil {
		return Event{}, fault.As(fault.Internal, "event.DeadLetter", err)
	}
	identity := []byte(l.Subscription + "\x00" + l.Event.Source + "\x00" + l.Event.ID)
	if l.Event.ID == "" {
		identity = append(identity, body...)
	}
	sum := sha256.Sum256(identity)
	return Event{
		ID: hex.EncodeToString(sum[:]), Source: "/subscriptions/" + l.Subscription, Type: DeadLetterType,
		Subject: l.Event.Subject, Time: time.Now().UTC(), TraceParent: l.Event.TraceParent, Data: data,
	}, nil
}

func short(s string) string {
	return strings.ToValidUTF8(s[:min(len(s), maxReasonBytes)], "")
}

// Draining is the context for a receiver's handlers: it outlives ctx by
// DrainTimeout at most. The caller calls the returned function when the last
// handler has returned.
func Draining(ctx context.Context) (context.Context, context.CancelFunc) {
	out, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.NewTimer(DrainTimeout)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-out.Done():
		}
	})
	return out, func() { stop(); cancel() }
}
