// Package googletest stands for Google in tests: it publishes keys as Google
// does, and signs what a test wants Google to have said.
package googletest

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// KeysURL is where Google publishes its keys.
const KeysURL = "https://www.googleapis.com/oauth2/v3/certs"

// Keys are two of Google's, made once: one takes a tenth of a second.
var Keys = sync.OnceValue(func() [2]*rsa.PrivateKey {
	var out [2]*rsa.PrivateKey
	for i := range out {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err)
		}
		out[i] = key
	}
	return out
})

// Google is an http.RoundTripper that answers as the address of Google's keys.
// Change it through Set while it may be asked.
type Google struct {
	mu    sync.Mutex
	IDs   []string // of the keys it publishes, in the order of Keys
	Age   string   // the answer's Cache-Control
	Body  string   // in place of the keys
	Err   error    // in place of an answer
	asked int
}

// New is a Google with the first of Keys, as k1.
func New() *Google {
	return &Google{IDs: []string{"k1"}, Age: "public, max-age=3600, must-revalidate"}
}

// Set changes g.
func (g *Google) Set(change func(*Google)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	change(g)
}

// Asked is how often the keys were fetched.
func (g *Google) Asked() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.asked
}

// RoundTrip answers with the keys.
func (g *Google) RoundTrip(r *http.Request) (*http.Response, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked++
	if g.Err != nil {
		return nil, g.Err
	}
	if r.URL.String() != KeysURL {
		return nil, errors.New("not Google: " + r.URL.String())
	}
	var set jose.JSONWebKeySet
	for i, id := range g.IDs {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: &Keys()[i].PublicKey, KeyID: id, Algorithm: "RS256", Use: "sig"})
	}
	body, err := json.Marshal(set)
	if err != nil {
		return nil, err
	}
	if g.Body != "" {
		body = []byte(g.Body)
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Cache-Control": {g.Age}},
		Body: io.NopCloser(strings.NewReader(string(body))), Request: r,
	}, nil
}

// Claims are what Google says of an account, good for an hour.
func Claims(account, audience string) map[string]any {
	now := time.Now()
	return map[string]any{
		"iss": "https://accounts.google.com", "aud": audience, "sub": "1", "email": account, "email_verified": true,
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
}

// Token signs claims with the first of Keys.
func Token(t testing.TB, claims map[string]any) string {
	t.Helper()
	return Sign(t, jose.RS256, Keys()[0], "k1", claims)
}

// Sign signs claims with any key, under any key id.
func Sign(t testing.TB, algorithm jose.SignatureAlgorithm, key any, id string, claims map[string]any) string {
	t.Helper()
	token, err := signWith(algorithm, key, id, claims)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// sign signs claims with the first of Keys.
func sign(claims map[string]any) (string, error) {
	return signWith(jose.RS256, Keys()[0], "k1", claims)
}

func signWith(algorithm jose.SignatureAlgorithm, key any, id string, claims map[string]any) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", id))
	if err != nil {
		return "", err
	}
	return jwt.Signed(signer).Claims(claims).Serialize()
}
