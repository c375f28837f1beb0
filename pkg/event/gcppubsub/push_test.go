package gcppubsub

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
)

// pushSide is a push handler, what it handled, and the dead letters of its bus.
type pushSide struct {
	http.Handler
	handled []event.Delivery
	dead    <-chan event.DeadLetter
}

func newPush(t *testing.T, verify TokenVerifier, result error) *pushSide {
	t.Helper()
	b := fake(t)
	s := event.Subscription{Name: "push", Topic: "pushed"}
	p := &pushSide{dead: deadLetters(t, b, s.Name)}
	var err error
	p.Handler, err = b.PushHandler(s, func(_ context.Context, d event.Delivery) error {
		p.handled = append(p.handled, d)
		return result
	}, verify)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func deadLetters(t *testing.T, b *Bus, name string) <-chan event.DeadLetter {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	sub := event.Subscription{Name: "reader", Topic: event.DeadTopic(name)}
	if err := b.Ensure(ctx, sub); err != nil {
		t.Fatal(err)
	}
	letters, returned := make(chan event.DeadLetter, 10), make(chan error, 1)
	go func() {
		returned <- b.Receive(ctx, sub, func(_ context.Context, d event.Delivery) error {
			letter, err := contract.Decode[event.DeadLetter](d.Event, event.DeadLetterType)
			if err == nil {
				letters <- letter
			}
			return err
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-returned; err != nil {
			t.Errorf("Receive: %v", err)
		}
	})
	return letters
}

func (p *pushSide) letter(t *testing.T) event.DeadLetter {
	t.Helper()
	select {
	case letter := <-p.dead:
		return letter
	case <-time.After(30 * time.Second):
		t.Fatal("no dead letter")
		panic("unreachable")
	}
}

func post(body string) *http.Request {
	return httptest.NewRequest(http.MethodPost, "/events/push", strings.NewReader(body))
}

func serve(h http.Handler, r *http.Request) *http.Response {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

const pushedEvent = `{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{"a":1}}`

func wrapped(data string, extra string) string {
	return fmt.Sprintf(`{"message":{"data":%q,"attributes":{"ce-id":"1"},"messageId":"7","message_id":"7",`+
		`"publishTime":"2026-11-22T08:30:00Z","orderingKey":"k"},"subscription":"projects/sajin-test/subscriptions/push"%s}`,
		base64.StdEncoding.EncodeToString([]byte(data)), extra)
}

func TestPushHandled(t *testing.T) {
	p := newPush(t, Unverified, nil)
	for i, extra := range []string{"", `,"deliveryAttempt":3`} {
		if got := serve(p, post(wrapped(pushedEvent, extra))); got.StatusCode != http.StatusNoContent {
			t.Fatalf("status %d, want 204", got.StatusCode)
		}
		if d := p.handled[i]; d.Event.ID != "1" || string(d.Event.Data) != `{"a":1}` || d.Attempt != 1+2*i {
			t.Errorf("handled %+v", d)
		}
	}
}

func TestPushOfABucketNotification(t *testing.T) {
	p := newPush(t, Unverified, nil)
	attributes, err := json.Marshal(notification())
	if err != nil {
		t.Fatal(err)
	}
	body := strings.Replace(wrapped(objectJSON, ""), `{"ce-id":"1"}`, string(attributes), 1)
	if got := serve(p, post(body)); got.StatusCode != http.StatusNoContent {
		t.Fatalf("status %d, want 204", got.StatusCode)
	}
	if len(p.handled) != 1 || p.handled[0].Event.Type != contract.TypeObjectFinalized {
		t.Errorf("handled %+v", p.handled)
	}
	serve(p, post(strings.Replace(body, "OBJECT_FINALIZE", "OBJECT_DELETE", 1)))
	if len(p.handled) != 1 {
		t.Error("a deletion was handled")
	}
}

func TestPushNotHandled(t *testing.T) {
	for name, test := range map[string]struct {
		err    error
		status int
	}{
		"unforeseen":  {errors.New("secret of the database"), http.StatusServiceUnavailable},
		"unavailable": {fault.New(fault.Unavailable, "x", "y"), http.StatusServiceUnavailable},
		"not found":   {fault.New(fault.NotFound, "x", "y"), http.StatusServiceUnavailable},
		"slow down":   {fault.New(fault.RateLimited, "x", "y").RetryAfter(20 * time.Second), http.StatusTooManyRequests},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPush(t, Unverified, test.err)
			got := serve(p, post(wrapped(pushedEvent, "")))
			if got.StatusCode != test.status || got.Header.Get("Content-Type") != problem.ContentType || got.Header.Get("Retry-After") == "" {
				t.Errorf("status %d, %v", got.StatusCode, got.Header)
			}
			var details problem.Details
			if err := json.NewDecoder(got.Body).Decode(&details); err != nil || details.Code != "event_not_handled" || strings.Contains(details.Detail, "secret") {
				t.Errorf("problem %+v, %v", details, err)
			}
		})
	}
}

// TestPushCountsAttempts where Pub/Sub does not, and gives up in the end.
func TestPushCountsAttempts(t *testing.T) {
	p := newPush(t, Unverified, errors.New("broken"))
	for range 4 {
		if got := serve(p, post(wrapped(pushedEvent, ""))); got.StatusCode != http.StatusServiceUnavailable {
			t.Fatalf("status %d, want 503", got.StatusCode)
		}
	}
	if got := serve(p, post(wrapped(pushedEvent, ""))); got.StatusCode != http.StatusNoContent {
		t.Fatalf("the last attempt: status %d, want 204", got.StatusCode)
	}
	if letter := p.letter(t); letter.Attempts != 5 || letter.Event.ID != "1" || !strings.Contains(letter.Reason, "broken") {
		t.Errorf("dead letter %+v", letter)
	}
}

// TestPushMalformed: it would come back for ever, so it is acknowledged and kept.
func TestPushMalformed(t *testing.T) {
	for name, body := range map[string]string{
		"empty":              ``,
		"no JSON":            `{"message":`,
		"no message":         `{"subscription":"projects/sajin-test/subscriptions/push"}`,
		"bad base64":         `{"message":{"data":"###","messageId":"7"},"subscription":"projects/sajin-test/subscriptions/push"}`,
		"other subscription": strings.Replace(wrapped(pushedEvent, ""), "sajin-test", "sajin-live", 1),
		"data is no event":   wrapped(`<xml/>`, ""),
		"unknown version":    wrapped(strings.Replace(pushedEvent, "1.0", "9.9", 1), ""),
		"at the limit":       wrapped(pushedEvent, `,"pad":"`+strings.Repeat("x", MaxPushBytes)) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			p := newPush(t, Unverified, nil)
			if got := serve(p, post(body)); got.StatusCode != http.StatusNoContent {
				t.Fatalf("status %d, want 204", got.StatusCode)
			}
			if len(p.handled) > 0 {
				t.Errorf("handled %+v", p.handled)
			}
			if letter := p.letter(t); letter.Reason == "" || letter.Attempts != 1 || (len(letter.Raw) == 0) != (body == "") {
				t.Errorf("dead letter %+v", letter)
			}
		})
	}
}

func TestPushSizeLimit(t *testing.T) {
	p := newPush(t, Unverified, nil)
	empty := wrapped(pushedEvent, `,"pad":""`)
	for size, handled := range map[int]int{MaxPushBytes - 1: 1, MaxPushBytes: 1, MaxPushBytes + 1: 0} {
		p.handled = nil
		body := strings.Replace(empty, `"pad":"`, `"pad":"`+strings.Repeat("x", size-len(empty)), 1)
		if serve(p, post(body)); len(p.handled) != handled {
			t.Errorf("%d bytes: %d events handled, want %d", size, len(p.handled), handled)
		}
	}
}

// untouched fails the test when the body is read.
type untouched struct{ t *testing.T }

func (b untouched) Read([]byte) (int, error) {
	b.t.Error("the body was read before the token was verified")
	return 0, errors.New("not to be read")
}

func TestPushVerifiesFirst(t *testing.T) {
	verify := func(_ context.Context, token string) error {
		switch token {
		case "good":
			return nil
		case "later":
			return fault.New(fault.Unavailable, "x", "y")
		default:
			return errors.New("bad")
		}
	}
	p := newPush(t, verify, nil)
	for header, status := range map[string]int{
		"":             http.StatusUnauthorized,
		"Bearer":       http.StatusUnauthorized,
		"Bearer x":     http.StatusUnauthorized,
		"Basic good":   http.StatusUnauthorized,
		"good":         http.StatusUnauthorized,
		"Bearer later": http.StatusServiceUnavailable,
	} {
		r := httptest.NewRequest(http.MethodPost, "/?token=good&access_token=good", untouched{t})
		r.Header.Set("Authorization", header)
		if got := serve(p, r); got.StatusCode != status {
			t.Errorf("Authorization %q: status %d, want %d", header, got.StatusCode, status)
		}
	}
	r := post(wrapped(pushedEvent, ""))
	r.Header.Set("Authorization", "bearer good")
	if got := serve(p, r); got.StatusCode != http.StatusNoContent || len(p.handled) != 1 {
		t.Errorf("a good token: status %d, handled %v", got.StatusCode, p.handled)
	}
}

// TestPushLeavesTimeToAnswer: what ends at Pub/Sub's own deadline is answered too
// late, and comes again.
func TestPushLeavesTimeToAnswer(t *testing.T) {
	b := fake(t)
	for deadline, most := range map[time.Duration]time.Duration{4 * time.Second: 2 * time.Second, time.Minute: 54 * time.Second, 10 * time.Minute: 594 * time.Second} {
		var left time.Duration
		h, err := b.PushHandler(event.Subscription{Name: "push", Topic: "pushed", AckDeadline: deadline}, func(ctx context.Context, _ event.Delivery) error {
			ends, _ := ctx.Deadline()
			left = time.Until(ends)
			return nil
		}, Unverified)
		if err != nil {
			t.Fatal(err)
		}
		if serve(h, post(wrapped(pushedEvent, ""))); left > most || left < most/2 {
			t.Errorf("of %v the handler has %v, want at most %v", deadline, left, most)
		}
	}
}

func TestPushWithoutAVerifierRefusesAll(t *testing.T) {
	if got := serve(newPush(t, nil, nil), post(wrapped(pushedEvent, ""))); got.StatusCode != http.StatusUnauthorized {
		t.Errorf("status %d, want 401", got.StatusCode)
	}
}

func TestPushTakesOnlyPOST(t *testing.T) {
	got := serve(newPush(t, Unverified, nil), httptest.NewRequest(http.MethodGet, "/", nil))
	if got.StatusCode != http.StatusMethodNotAllowed || got.Header.Get("Allow") != http.MethodPost {
		t.Errorf("status %d, Allow %q", got.StatusCode, got.Header.Get("Allow"))
	}
}

func TestPushBodyThatBreaksOffComesAgain(t *testing.T) {
	p := newPush(t, Unverified, nil)
	r := httptest.NewRequest(http.MethodPost, "/", errReader{})
	if got := serve(p, r); got.StatusCode != http.StatusServiceUnavailable || len(p.handled) > 0 {
		t.Errorf("status %d, handled %v", got.StatusCode, p.handled)
	}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

func TestPushConcurrencyIsBounded(t *testing.T) {
	b := fake(t)
	running, release := make(chan struct{}), make(chan struct{})
	h, err := b.PushHandler(event.Subscription{Name: "push", Topic: "pushed"}, func(context.Context, event.Delivery) error {
		close(running) // a second one would panic
		<-release
		return nil
	}, Unverified)
	if err != nil {
		t.Fatal(err)
	}
	var first sync.WaitGroup
	first.Go(func() { serve(h, post(wrapped(pushedEvent, ""))) })
	<-running
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if got := serve(h, post(wrapped(pushedEvent, "")).WithContext(ctx)); got.StatusCode != http.StatusTooManyRequests {
		t.Errorf("status %d while another is handled, want 429", got.StatusCode)
	}
	close(release)
	first.Wait()
}

func FuzzPushBody(f *testing.F) {
	before := slog.Default()
	slog.SetDefault(slog.New(slog.DiscardHandler)) // every other input is logged
	f.Cleanup(func() { slog.SetDefault(before) })
	f.Add([]byte(wrapped(pushedEvent, "")))
	f.Add([]byte(wrapped(pushedEvent, `,"deliveryAttempt":-1`)))
	f.Add([]byte(`{"message":{"data":"","attributes":{"eventType":"OBJECT_FINALIZE"},"messageId":"1"},"subscription":"projects/p/subscriptions/push"}`))
	f.Add([]byte(`{"message":null,"subscription":1,"deliveryAttempt":99999999999999999999}`))
	f.Add([]byte(`[`))
	p := &push{
		bus: &Bus{project: "sajin-test", failures: newCounter(10), closed: true}, running: make(chan struct{}, 1),
		subscription: event.Subscription{Name: "push", Topic: "pushed"}.WithDefaults(),
		verify:       Unverified,
		handler:      func(context.Context, event.Delivery) error { return nil },
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		// The bus is closed: whatever would be set aside cannot be, and has to
		// come again rather than be lost.
		switch got := serve(http.HandlerFunc(p.serve), post(string(body))).StatusCode; got {
		case http.StatusNoContent, http.StatusServiceUnavailable:
		default:
			t.Errorf("status %d", got)
		}
	})
}
