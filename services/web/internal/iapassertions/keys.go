package iapassertions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/sync/singleflight"
)

// keysURL is where Google publishes IAP's keys.
const keysURL = "https://www.gstatic.com/iap/verify/public_key-jwk"

// Limits on fetching the keys, whatever callers send.
const (
	fetchTimeout = 5 * time.Second
	maxKeysBytes = 64 << 10
	// keep is how long fetched keys are good. Google publishes a key a day before
	// it signs with it.
	keep = 12 * time.Hour
	// pause is the least between two fetches: an assertion with a key id that was
	// made up costs none.
	pause = 30 * time.Second
)

var errUnknownKey = errors.New("the assertion is signed with a key that Google does not publish")

// keys are IAP's public keys. Safe for concurrent use.
type keys struct {
	client *http.Client
	now    func() time.Time
	flight singleflight.Group

	mu     sync.Mutex
	set    jose.JSONWebKeySet
	until  time.Time // when the set ends
	tried  time.Time // when it was last fetched, or not
	failed error     // of that time
}

func newKeys(transport http.RoundTripper, now func() time.Time) *keys {
	return &keys{now: now, client: &http.Client{
		Transport: transport, Timeout: fetchTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// find gives a key by its id. One that is not known may be new, so the keys are
// fetched again for it, once at a time and not too often. While that fails, the
// keys at hand are good until they end.
func (k *keys) find(ctx context.Context, id string) (any, error) {
	if key := k.known(id); key != nil {
		return key, nil
	}
	select {
	case <-k.flight.DoChan("", func() (any, error) { k.refresh(context.WithoutCancel(ctx)); return nil, nil }):
	case <-ctx.Done():
		return nil, errKeys.With("iapassertions.find", ctx.Err())
	}
	if key := k.known(id); key != nil {
		return key, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.failed != nil {
		return nil, errKeys.With("iapassertions.find", k.failed)
	}
	return nil, errAssertion.With("iapassertions.find", errUnknownKey)
}

func (k *keys) known(id string) any {
	k.mu.Lock()
	defer k.mu.Unlock()
	if id == "" || !k.now().Before(k.until) {
		return nil
	}
	for _, key := range k.set.Key(id) {
		if key.IsPublic() {
			return key.Key
		}
	}
	return nil
}

// refresh fetches the keys, unless that was tried a moment ago.
func (k *keys) refresh(ctx context.Context) {
	k.mu.Lock()
	again := k.now().Sub(k.tried) >= pause
	k.mu.Unlock()
	if !again {
		return
	}
	set, err := k.fetch(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tried, k.failed = k.now(), err
	if err == nil {
		k.set, k.until = set, k.tried.Add(keep)
	}
}

func (k *keys) fetch(ctx context.Context) (set jose.JSONWebKeySet, err error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, keysURL, nil)
	if err != nil {
		return set, err
	}
	resp, err := k.client.Do(req)
	if err != nil {
		return set, err
	}
	defer func() { _ = resp.Body.Close() }() // it was read, or is not wanted
	if resp.StatusCode != http.StatusOK {
		return set, fmt.Errorf("the keys were answered with %d", resp.StatusCode)
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxKeysBytes+1))
	if err != nil {
		return set, err
	}
	if len(raw) > maxKeysBytes {
		return set, fmt.Errorf("the keys have more than %d bytes", maxKeysBytes)
	}
	if err := json.Unmarshal(raw, &set); err != nil {
		return set, err
	}
	if len(set.Keys) == 0 {
		return set, errors.New("there are no keys among the keys")
	}
	return set, nil
}
