package jwks

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"go.uber.org/goleak"

	"github.com/sajin-gallery/sajin/pkg/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const address = "https://keys.example/set"

var private = sync.OnceValue(func() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
})

// published is an http.RoundTripper that answers with keys, each time with the
// ones of its fields.
type published struct {
	mu     sync.Mutex
	ids    []string
	header http.Header
	status int
	body   string // in place of the keys
	err    error
	gate   chan struct{} // where it is not nil, an answer waits for it
	asked  int
}

func (p *published) RoundTrip(r *http.Request) (*http.Response, error) {
	if p.gate != nil {
		<-p.gate
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	if p.err != nil {
		return nil, p.err
	}
	if r.URL.String() != address {
		return nil, errors.New("asked at " + r.URL.String())
	}
	set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: private(), KeyID: "secret"}}}
	for _, id := range p.ids {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: private().Public(), KeyID: id})
	}
	body, err := json.Marshal(set)
	if p.body != "" {
		body = []byte(p.body)
	}
	header := p.header
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: max(p.status, http.StatusOK), Header: header, Body: io.NopCloser(strings.NewReader(string(body))), Request: r}, err
}

func (p *published) set() *Set { return New(address, time.Minute, time.Hour, p) }

func found(t *testing.T, s *Set, id string) error {
	t.Helper()
	key, err := s.Find(t.Context(), id)
	if public, ok := key.(*ecdsa.PublicKey); (err == nil) != (ok && public.Equal(private().Public())) {
		t.Errorf("%q is %v, %v", id, key, err)
	}
	return err
}

// A key is known by its id, if it has one and is public; who asks for others has
// the keys fetched every half minute, however many ask.
func TestKeysAreFetchedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &published{ids: []string{"one", ""}}
		s := p.set()
		for range 3 {
			var all sync.WaitGroup
			for _, id := range []string{"one", "two", "secret", "", "one"} {
				all.Go(func() {
					if err := found(t, s, id); (err == nil) != (id == "one") || err != nil && !errors.Is(err, ErrUnknown) {
						t.Errorf("%q: %v", id, err)
					}
				})
			}
			all.Wait()
		}
		if p.asked != 1 {
			t.Errorf("the keys were fetched %d times", p.asked)
		}
		p.ids = []string{"one", "two"}
		time.Sleep(Pause - time.Nanosecond)
		if err := found(t, s, "two"); !errors.Is(err, ErrUnknown) {
			t.Errorf("too early: %v", err)
		}
		time.Sleep(time.Nanosecond)
		if err := found(t, s, "two"); err != nil || p.asked != 2 {
			t.Errorf("a new key: %v after %d fetches", err, p.asked)
		}
	})
}

// An answer that says nothing of how long it is good, or too much, is used within
// bounds; while no other can be had, up to its end.
func TestKeysAreHeldWithinBounds(t *testing.T) {
	for says, want := range map[string]time.Duration{
		"": time.Minute, "no-store": time.Minute, "max-age=x": time.Minute, "max-age=-5": time.Minute, "public, max-age=1000": 15 * time.Minute,
		"max-age=99999999999": time.Hour, "max-age=9223372036854775807": time.Hour, "max-age=99999999999999999999": time.Hour,
	} {
		synctest.Test(t, func(t *testing.T) {
			p := &published{ids: []string{"one"}, header: http.Header{"Cache-Control": {says}, "Age": {"100"}}}
			s := p.set()
			if err := found(t, s, "one"); err != nil {
				t.Fatal(err)
			}
			p.err = errors.New("connection refused")
			time.Sleep(want - time.Nanosecond)
			if err := found(t, s, "one"); err != nil {
				t.Errorf("%q: %v", says, err)
			}
			time.Sleep(time.Nanosecond)
			if err := found(t, s, "one"); fault.KindOf(err) != fault.Unavailable {
				t.Errorf("%q, at its end: %v", says, err)
			}
			p.err = nil
			time.Sleep(failedPause)
			if err := found(t, s, "one"); err != nil || p.asked != 3 {
				t.Errorf("%q, back again: %v after %d fetches", says, err, p.asked)
			}
		})
	}
}

// Whatever is answered in place of keys is no key, and no harm.
func TestAnswersThatAreNoKeys(t *testing.T) {
	const tight = `{"keys":[{"kty":"EC"}]}`
	for name, p := range map[string]*published{
		"nobody answers": {err: errors.New("connection refused")}, "a page": {body: "<!doctype html>"}, "no keys": {body: `{"keys":[]}`}, "nothing": {body: "null"},
		"an error": {status: http.StatusInternalServerError, ids: []string{"one"}}, "elsewhere": {status: http.StatusFound, header: http.Header{"Location": {"https://evil.example/"}}, ids: []string{"one"}},
		"an odd key": {body: tight},
	} {
		s := p.set()
		if err := found(t, s, "one"); fault.KindOf(err) != fault.Unavailable || p.asked != 1 {
			t.Errorf("%s: %v after %d questions", name, err, p.asked)
		}
	}
	p := &published{ids: []string{"one"}}
	resp, err := p.RoundTrip(request(t))
	if err != nil {
		t.Fatal(err)
	}
	keys, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{MaxBytes - 1, MaxBytes, MaxBytes + 1} {
		p := &published{body: `{"pad":"` + strings.Repeat("x", size-len(keys)-len(`"pad":"",`)) + `",` + string(keys[1:])}
		if len(p.body) != size {
			t.Fatalf("%d bytes, want %d", len(p.body), size)
		}
		if err := found(t, p.set(), "one"); (err == nil) != (size <= MaxBytes) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

func request(t *testing.T) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Who leaves early waits no longer; the keys come for the others.
func TestWhoLeavesEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &published{ids: []string{"one"}, gate: make(chan struct{})}
		s := p.set()
		ctx, leave := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() { _, err := s.Find(ctx, "one"); left <- err }()
		synctest.Wait()
		leave()
		if err := <-left; fault.KindOf(err) != fault.Unavailable {
			t.Errorf("who left: %v", err)
		}
		close(p.gate)
		if err := found(t, s, "one"); err != nil || p.asked != 1 {
			t.Errorf("who stayed: %v after %d fetches", err, p.asked)
		}
	})
}
