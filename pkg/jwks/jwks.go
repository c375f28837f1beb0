// Package jwks finds the keys with which somebody signs, where he publishes them
// as a JSON Web Key Set (RFC 7517).
//
// It knows when to fetch them again, however many tokens come and whatever they
// say. Whose keys they are, and what is signed with them, is its users' business.
package jwks

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

// Limits on fetching keys, whatever callers send.
const (
	FetchTimeout = 5 * time.Second
	MaxBytes     = 64 << 10
	// Pause is the least between two fetches: a token with a made-up key id costs
	// none.
	Pause = 30 * time.Second
	// failedPause is that after a fetch that failed.
	failedPause = 5 * time.Second
)

// ErrUnknown answers the id of a key that is not published.
var ErrUnknown = errors.New("jwks: it is signed with a key that is not published")

// Set holds published keys as long as the answer with them says, within bounds.
// A key that is not among them may be new, so they are fetched again for it. Safe
// for concurrent use.
type Set struct {
	url         string
	least, most time.Duration
	client      *http.Client
	flight      singleflight.Group

	mu      sync.Mutex
	keys    jose.JSONWebKeySet
	expires time.Time
	tried   time.Time // when they were last fetched, or not
	failed  error     // of that time
}

// New makes a set of the keys at an address, which are held for at least and at
// most so long. They are fetched through transport, http.DefaultTransport when
// nil, when the first is looked for. Redirects are not followed.
func New(url string, least, most time.Duration, transport http.RoundTripper) *Set {
	return &Set{url: url, least: least, most: most, client: &http.Client{
		Transport: transport, Timeout: FetchTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Find returns a public key by its id, or ErrUnknown. While the keys cannot be
// fetched, those that have not expired are good and any other is an Unavailable
// fault.
func (s *Set) Find(ctx context.Context, id string) (any, error) {
	if key, ok := s.known(id); ok {
		return key, nil
	}
	select {
	case <-s.flight.DoChan("", func() (any, error) { s.refresh(); return nil, nil }):
	case <-ctx.Done():
		return nil, fault.As(fault.Unavailable, "jwks.Find", ctx.Err())
	}
	if key, ok := s.known(id); ok {
		return key, nil
	}
	if err := s.failure(); err != nil {
		return nil, fault.As(fault.Unavailable, "jwks.Find", err)
	}
	return nil, ErrUnknown
}

// known is a key that is held and has not expired.
func (s *Set) known(id string) (any, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if id == "" || !time.Now().Before(s.expires) {
		return nil, false
	}
	for _, key := range s.keys.Key(id) {
		if key.IsPublic() {
			return key.Key, true
		}
	}
	return nil, false
}

func (s *Set) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

// refresh fetches the keys, unless that was tried a moment ago. It belongs to no
// request, since others wait for it as well.
func (s *Set) refresh() {
	s.mu.Lock()
	wait := Pause
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
		s.keys, s.expires = keys, s.tried.Add(min(max(life, s.least), s.most))
	}
}

func (s *Set) fetch() (keys jose.JSONWebKeySet, life time.Duration, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), FetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, http.NoBody)
	if err != nil {
		return keys, 0, err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return keys, 0, err
	}
	defer func() { _ = resp.Body.Close() }() // it was read, or is not wanted
	if resp.StatusCode != http.StatusOK {
		return keys, 0, errors.New("jwks: the keys: answered " + resp.Status)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, MaxBytes)).Decode(&keys); err != nil {
		return keys, 0, fmt.Errorf("jwks: the keys: %w", err)
	}
	if len(keys.Keys) == 0 {
		return keys, 0, errors.New("jwks: there are no keys among the keys")
	}
	return keys, lifeOf(resp.Header), nil
}

// lifeOf is how long an answer says that it may be used; 0 where it says nothing.
func lifeOf(header http.Header) time.Duration {
	life := time.Duration(0)
	for directive := range strings.SplitSeq(header.Get("Cache-Control"), ",") {
		if text, ok := strings.CutPrefix(strings.TrimSpace(directive), "max-age="); ok {
			life = seconds(text) - seconds(header.Get("Age"))
		}
	}
	return life
}

// seconds reads a header's number, of at most a year; what is none is 0.
func seconds(text string) time.Duration {
	const year = 365 * 24 * 60 * 60
	n, _ := strconv.Atoi(text)
	return time.Duration(min(max(n, 0), year)) * time.Second
}
