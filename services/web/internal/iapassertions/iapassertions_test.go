package iapassertions

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
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
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/jwks"
	"github.com/sajin-gallery/sajin/services/web/internal/accounts"
)

const audience = "/projects/1234/global/backendServices/5678"

// google publishes keys, and counts how often it is asked.
type google struct {
	t *testing.T

	mu      sync.Mutex
	keys    map[string]*ecdsa.PrivateKey
	asked   int
	failure error
	answer  string // instead of the keys
}

func newGoogle(t *testing.T, ids ...string) *google {
	g := &google{t: t, keys: map[string]*ecdsa.PrivateKey{}}
	for _, id := range ids {
		g.add(id)
	}
	return g
}

func (g *google) add(id string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		g.t.Fatal(err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.keys[id] = key
}

func (g *google) RoundTrip(r *http.Request) (*http.Response, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked++
	if r.URL.String() != keysURL {
		g.t.Errorf("asked at %s", r.URL)
	}
	if g.failure != nil {
		return nil, g.failure
	}
	var set jose.JSONWebKeySet
	for id, key := range g.keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: key.Public(), KeyID: id, Algorithm: "ES256", Use: "sig"})
	}
	body, err := json.Marshal(set)
	if g.answer != "" {
		body = []byte(g.answer)
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(string(body))), Request: r}, err
}

// says is what a good assertion says now; change makes it another.
func says(change func(map[string]any)) map[string]any {
	now := time.Now()
	out := map[string]any{
		"iss": issuer, "aud": audience, "sub": "accounts.google.com:1", "email": "ann@example.org",
		"iat": now.Unix(), "exp": now.Add(10 * time.Minute).Unix(),
	}
	if change != nil {
		change(out)
	}
	return out
}

func signed(t *testing.T, algorithm jose.SignatureAlgorithm, key any, id string, what any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", id))
	if err != nil {
		t.Fatal(err)
	}
	out, err := jwt.Signed(signer).Claims(what).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (g *google) signed(id string, change func(map[string]any)) string {
	return signed(g.t, jose.ES256, g.keys[id], id, says(change))
}

func TestAGoodAssertion(t *testing.T) {
	g := newGoogle(t, "one")
	v := New(audience, g)
	for range 3 {
		who, err := v.Verify(t.Context(), g.signed("one", nil))
		if err != nil || who != (accounts.Asserted{Subject: "accounts.google.com:1", Email: "ann@example.org"}) {
			t.Fatalf("%+v, %v", who, err)
		}
	}
	if g.asked != 1 {
		t.Errorf("the keys were fetched %d times", g.asked)
	}
}

func TestWhatIsNoAssertionForUs(t *testing.T) {
	g := newGoogle(t, "one")
	v := New(audience, g)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(g.keys["one"].Public())
	if err != nil {
		t.Fatal(err)
	}
	other := newGoogle(t, "one")
	good := g.signed("one", nil)
	head, rest, _ := strings.Cut(good, ".")
	for name, assertion := range map[string]string{
		"nothing":              "",
		"text":                 "x",
		"none":                 "eyJhbGciOiJub25lIn0." + strings.Split(rest, ".")[0] + ".",
		"the public key":       signed(t, jose.HS256, public, "one", says(nil)),
		"another algorithm":    signed(t, jose.RS256, rsaKey, "one", says(nil)),
		"another key":          other.signed("one", nil),
		"an unknown key":       signed(t, jose.ES256, other.keys["one"], "two", says(nil)),
		"no key id":            signed(t, jose.ES256, g.keys["one"], "", says(nil)),
		"changed":              head + "." + strings.Replace(rest, rest[:4], "eyJ4", 1),
		"another issuer":       g.signed("one", func(m map[string]any) { m["iss"] = "https://accounts.google.com" }),
		"another audience":     g.signed("one", func(m map[string]any) { m["aud"] = "/projects/1/global/backendServices/2" }),
		"no audience":          g.signed("one", func(m map[string]any) { delete(m, "aud") }),
		"no end":               g.signed("one", func(m map[string]any) { delete(m, "exp") }),
		"no beginning":         g.signed("one", func(m map[string]any) { delete(m, "iat") }),
		"ended":                g.signed("one", func(m map[string]any) { m["exp"] = time.Now().Add(-Skew - 2*time.Second).Unix() }),
		"not yet begun":        g.signed("one", func(m map[string]any) { m["iat"] = time.Now().Add(Skew + 5*time.Second).Unix() }),
		"good for a year":      g.signed("one", func(m map[string]any) { m["exp"] = time.Now().Add(365 * 24 * time.Hour).Unix() }),
		"about nobody":         g.signed("one", func(m map[string]any) { delete(m, "sub") }),
		"without an address":   g.signed("one", func(m map[string]any) { delete(m, "email") }),
		"an address as number": g.signed("one", func(m map[string]any) { m["email"] = 1 }),
	} {
		if who, err := v.Verify(t.Context(), assertion); err == nil || fault.KindOf(err) != fault.Unauthenticated {
			t.Errorf("%s: %+v, %v", name, who, err)
		}
	}
	if _, err := New("", g).Verify(t.Context(), g.signed("one", func(m map[string]any) { m["aud"] = "" })); err == nil {
		t.Error("an empty audience matches")
	}
}

func TestClocksMayBeApart(t *testing.T) {
	g := newGoogle(t, "one")
	v := New(audience, g)
	for name, assertion := range map[string]string{
		"just ended": g.signed("one", func(m map[string]any) { m["exp"] = time.Now().Add(-Skew + 5*time.Second).Unix() }),
		"from ahead": g.signed("one", func(m map[string]any) { m["iat"] = time.Now().Add(Skew - 5*time.Second).Unix() }),
	} {
		if _, err := v.Verify(t.Context(), assertion); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Keys rotate without an outage, made-up key ids cost nothing, and while Google
// is away the keys at hand are good until they end.
func TestKeysRotate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGoogle(t, "one")
		v := New(audience, g)
		verify := func(when, assertion string, want fault.Kind) {
			t.Helper()
			if _, err := v.Verify(t.Context(), assertion); (err == nil) != (want == fault.Kind(255)) || err != nil && fault.KindOf(err) != want {
				t.Errorf("%s: %v", when, err)
			}
		}
		const good = fault.Kind(255)
		verify("the first", g.signed("one", nil), good)
		g.add("two")
		for range 100 {
			verify("too soon", g.signed("two", nil), fault.Unauthenticated)
		}
		if g.asked != 1 {
			t.Errorf("unknown keys had the keys fetched %d times", g.asked)
		}
		time.Sleep(jwks.Pause)
		verify("the new key", g.signed("two", nil), good)
		g.failure = errors.New("away")
		g.add("three")
		time.Sleep(jwks.Pause)
		verify("a key of which nothing is known", g.signed("three", nil), fault.Unavailable)
		verify("a key at hand", g.signed("one", nil), good)
		time.Sleep(keep)
		verify("a key that has ended", g.signed("one", nil), fault.Unavailable)
		g.failure = nil
		time.Sleep(jwks.Pause)
		verify("back again", g.signed("three", nil), good)
	})
}

func TestAnswersThatAreNoKeys(t *testing.T) {
	for name, answer := range map[string]string{
		"a page": "<!doctype html>", "no keys": `{"keys":[]}`, "too much": `{"keys":[` + strings.Repeat(" ", jwks.MaxBytes) + `]}`,
	} {
		g := newGoogle(t, "one")
		g.answer = answer
		if _, err := New(audience, g).Verify(t.Context(), g.signed("one", nil)); err == nil || fault.KindOf(err) != fault.Unavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
}
