package googletokens

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/sync/singleflight"

	"github.com/sajin-gallery/sajin/pkg/fault"
)

// keysURL is where Google publishes the keys of its ID tokens.
// https://developers.google.com/identity/gsi/web/guides/verify-google-id-token
const keysURL = "https://www.googleapis.com/oauth2/v3/certs"

// Limits on fetching keys, whatever callers send.
const (
	fetchTimeout = 5 * time.Second
	maxKeysBytes = 64 << 10
	// pause is the least between two fetches: a token with a made-up key id costs
	// none. After one that failed it is shorter.
	pause, failedPause = 30 * time.Second, 5 * time.Second
	// A header that says nothing, or too much, is taken for these.
	leastAge, mostAge = time.Minute, 24 * time.Hour
)

// keySet holds Google's keys as long as their header says. A key that is not
// among them may be new, so they are fetched again for it. Safe for concurrent
// use.
type keySet struct {
	client *http.Client
	flight singleflight.Group

	mu      sync.Mutex
	keys    jose.JSONWebKeySet
	expires time.Time
	tried   time.Time // when they were last fetched, or not
	failed  error     // of that time
}

func newKeySet(transport http.RoundTripper) *keySet {
	return &keySet{client: &http.Client{
		Transport: transport, Timeout: fetchTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

var errUnknownKey = errors.New("the token is signed with a key that Google does not publish")

// find returns a key by its id. While the keys cannot be fetched, those that
// have not expired are good and any other is an Unavailable fault.
func (s *keySet) find(ctx context.Context, id string) (any, error) {
	if key, ok := s.known(id); ok {
		return key, nil
	}
	select {
	case <-s.flight.DoChan("", func() (any, error) { s.refresh(); return nil, nil }):
	case <-ctx.Done():
		return nil, fault.As(fault.Unavailable, "googletokens.find", ctx.Err())
	}
	if key, ok := s.known(id); ok {
		return key, nil
	}
	if err := s.failure(); err != nil {
		return nil, fault.As(fault.Unavailable, "googletokens.find", err)
	}
	return nil, errUnknownKey
}

// known is a key that is held and has not expired.
func (s *keySet) known(id string) (any, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !time.Now().Before(s.expires) {
		return nil, false
	}
	for _, key := range s.keys.Key(id) {
		if key.IsPublic() {
			return key.Key, true
		}
	}
	return nil, false
}

func (s *keySet) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

// refresh fetches the keys, unless that was tried a moment ago. It belongs to no
// request, since others wait for it as well.
func (s *keySet) refresh() {
	s.mu.Lock()
	wait := pause
	if s.failed != nil {
		wait = failedPause
	}
	early := !s.tried.IsZero() && time.Since(s.tried) < wait
	s.mu.Unlock()
	if early {
		return
	}
	keys, life, err := s.fetch()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tried, s.failed = time.Now(), err
	if err == nil {
		s.keys, s.expires = keys, s.tried.Add(life)
	}
}

func (s *keySet) fetch() (keys jose.JSONWebKeySet, life time.Duration, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, keysURL, http.NoBody)
	if err != nil {
		return keys, 0, err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return keys, 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return keys, 0, errors.New("googletokens: the keys: answered " + resp.Status)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxKeysBytes)).Decode(&keys); err != nil {
		return keys, 0, fmt.Errorf("googletokens: the keys: %w", err)
	}
	return keys, lifeOf(resp.Header), nil
}

// lifeOf is how long an answer may be used, within bounds.
func lifeOf(header http.Header) time.Duration {
	life := time.Duration(0)
	for directive := range strings.SplitSeq(header.Get("Cache-Control"), ",") {
		if text, ok := strings.CutPrefix(strings.TrimSpace(directive), "max-age="); ok {
			seconds, _ := strconv.Atoi(text)
			age, _ := strconv.Atoi(header.Get("Age"))
			life = time.Duration(min(seconds, int(mostAge/time.Second))-max(age, 0)) * time.Second
		}
	}
	return min(max(life, leastAge), mostAge)
}
