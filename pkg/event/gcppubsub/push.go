package gcppubsub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
	"github.com/sajin-gallery/sajin/pkg/telemetry"
)

const (
	// MaxPushBytes bounds the body of a push: the largest event in base64 with
	// its envelope. What is longer is set aside, cut.
	MaxPushBytes = 2 * event.MaxBytes
	// pushWait is how long a push waits for one of the subscription's
	// Concurrency before it is told to come back later.
	pushWait = 5 * time.Second
	// pushSpare is what is left of the acknowledgement deadline for the answer.
	pushSpare = time.Second
)

// TokenVerifier checks the token of a push request ("" where it has none). An
// Unavailable fault means that it cannot be checked at the moment; any other
// error refuses the request. Refusals are counted by the code of the error. Safe
// for concurrent use.
type TokenVerifier func(ctx context.Context, token string) error

// Unverified takes every request. It is for the emulator, which sends no token.
func Unverified(context.Context, string) error { return nil }

var errToken = fault.New(fault.Unauthenticated, "push_token_invalid", "The request does not prove that it comes from the event bus.")

// pushed is the body of a wrapped push request.
// https://cloud.google.com/pubsub/docs/push#receive_push
type pushed struct {
	Message struct {
		Data       []byte            `json:"data"`
		Attributes map[string]string `json:"attributes"`
		MessageID  string            `json:"messageId"`
	} `json:"message"`
	Subscription    string `json:"subscription"`
	DeliveryAttempt int    `json:"deliveryAttempt"`
}

// PushHandler serves the subscription's wrapped push requests. The token is
// verified before anything of the body is read; a nil verifier refuses all.
//
// 204 acknowledges: the event was handled, or set aside as a dead letter, which
// is also the way of a body that cannot be read, since it would come back for
// ever. 503 and 429, with a problem, have Pub/Sub deliver it again: the handler
// failed, or s.Concurrency of them are running.
//
// Pub/Sub waits for the answer as long as s.AckDeadline, so the handler gets
// less: that without the wait for its turn and a second, at least half of it. A
// stop of the server cuts it as well.
func (b *Bus) PushHandler(s event.Subscription, h event.Handler, verify TokenVerifier) (http.Handler, error) {
	s = s.WithDefaults()
	if err := s.Check(); err != nil {
		return nil, err
	}
	if verify == nil {
		verify = func(context.Context, string) error { return errToken }
	}
	s.AckDeadline = max(s.AckDeadline-pushWait-pushSpare, s.AckDeadline/2)
	p := &push{bus: b, subscription: s, handler: h, verify: verify, running: make(chan struct{}, s.Concurrency)}
	return http.HandlerFunc(p.serve), nil
}

type push struct {
	bus          *Bus
	subscription event.Subscription
	handler      event.Handler
	verify       TokenVerifier
	running      chan struct{}
}

func (p *push) serve(w http.ResponseWriter, r *http.Request) {
	if err := p.authenticate(r); err != nil {
		w.Header().Set("WWW-Authenticate", "Bearer")
		problem.Write(w, r, err)
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		problem.WriteStatus(w, r, fault.New(fault.Invalid, "method_not_allowed", "Events are sent with POST."), http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxPushBytes+1))
	if err != nil {
		problem.WriteStatus(w, r, fault.As(fault.Unavailable, "gcppubsub.push", err), http.StatusServiceUnavailable)
		return
	}
	if err := p.acquire(r.Context()); err != nil {
		problem.Write(w, r, err)
		return
	}
	defer func() { <-p.running }()
	if result := p.handle(r.Context(), body); result.Again {
		problem.Write(w, r, again(result))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (p *push) authenticate(r *http.Request) error {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		token = ""
	}
	err := p.verify(r.Context(), token)
	if err == nil {
		return nil
	}
	telemetry.Refused.Add(r.Context(), 1, attribute.String("messaging.destination.subscription.name", p.subscription.Name),
		attribute.String("reason", fault.Public(err).Code))
	if fault.KindOf(err) == fault.Unavailable {
		return err
	}
	return errToken.With("gcppubsub.push", err)
}

func (p *push) acquire(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pushWait)
	defer cancel()
	select {
	case p.running <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fault.New(fault.RateLimited, "events_busy", "As many events as can be handled at once are being handled.")
	}
}

func (p *push) handle(ctx context.Context, body []byte) event.Answer {
	in, err := p.read(body)
	if err != nil {
		return event.SetAside(ctx, p.subscription, p.bus, event.Raw{Body: body, Attempt: max(in.DeliveryAttempt, 1)}, err)
	}
	return p.bus.process(ctx, p.subscription, p.handler, message{
		id: in.Message.MessageID, data: in.Message.Data, attributes: in.Message.Attributes, attempt: in.DeliveryAttempt,
	})
}

// read reads the envelope. One of another subscription was sent here by
// mistake, and perhaps from another environment.
func (p *push) read(body []byte) (pushed, error) {
	var in pushed
	if len(body) > MaxPushBytes {
		return in, event.ErrTooLarge
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return in, fmt.Errorf("push envelope: %w", err)
	}
	if in.Message.MessageID == "" {
		return in, errors.New("push envelope: no message id")
	}
	if want := p.bus.subscriptionName(p.subscription.Name); in.Subscription != want {
		return in, fmt.Errorf("push envelope: of the subscription %.300q, not %q", in.Subscription, want)
	}
	return in, nil
}

// again answers 503, or 429 where the handler was told to slow down.
func again(result event.Answer) error {
	kind := fault.Unavailable
	if fault.KindOf(result.Err) == fault.RateLimited {
		kind = fault.RateLimited
	}
	return fault.New(kind, "event_not_handled", "The event was not handled. It has to be delivered again.").
		RetryAfter(result.After).With("gcppubsub.push", result.Err)
}
