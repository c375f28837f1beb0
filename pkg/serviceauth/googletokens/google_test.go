package googletokens

import (
	"crypto/ecdsa"
	"crypto/elliptic"
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

	"github.com/sajin-gallery/sajin/pkg/serviceauth/serviceauthtest"
)

const (
	audience = "https://catalog.example"
	web      = "web@sajin.iam.gserviceaccount.com"
)

// rsaKeys are made once: one takes a tenth of a second.
var rsaKeys = sync.OnceValue(func() [2]*rsa.PrivateKey {
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

// google stands for the address of Google's keys, and counts how often it is
// asked.
type google struct {
	mu    sync.Mutex
	ids   []string // of the keys it publishes, in the order of rsaKeys
	age   string   // Cache-Control
	body  string   // in place of the keys
	err   error
	asked int
}

func newGoogle() *google {
	return &google{ids: []string{"k1"}, age: "public, max-age=3600, must-revalidate"}
}

func (g *google) set(change func(*google)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	change(g)
}

func (g *google) RoundTrip(r *http.Request) (*http.Response, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked++
	if g.err != nil {
		return nil, g.err
	}
	if r.URL.String() != keysURL {
		return nil, errors.New("not Google: " + r.URL.String())
	}
	var set jose.JSONWebKeySet
	for i, id := range g.ids {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: &rsaKeys()[i].PublicKey, KeyID: id, Algorithm: "RS256", Use: "sig"})
	}
	body, err := json.Marshal(set)
	if err != nil {
		return nil, err
	}
	if g.body != "" {
		body = []byte(g.body)
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Cache-Control": {g.age}},
		Body: io.NopCloser(strings.NewReader(string(body))), Request: r,
	}, nil
}

func verifier(t *testing.T, g *google) *Verifier {
	t.Helper()
	v, err := newVerifier(audience, g)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// good is what Google says of web.
func good() map[string]any {
	now := time.Now()
	return map[string]any{
		"iss": "https://accounts.google.com", "aud": audience, "sub": "1", "email": web, "email_verified": true,
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
}

// sign signs claims with a key of rsaKeys, or whatever key goes with algorithm.
func sign(t *testing.T, algorithm jose.SignatureAlgorithm, key any, id string, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", id))
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// token is signed by the first of Google's keys.
func token(t *testing.T, claims map[string]any) string {
	t.Helper()
	return sign(t, jose.RS256, rsaKeys()[0], "k1", claims)
}

func TestConformance(t *testing.T) {
	serviceauthtest.Run(t, serviceauthtest.Harness{Verifier: verifier(t, newGoogle()), Audience: audience, Make: forge})
}

func forge(t *testing.T, token serviceauthtest.Token) string {
	t.Helper()
	key, id, claims := any(rsaKeys()[0]), "k1", good()
	from := time.Now().Add(token.From)
	claims["email"], claims["aud"] = token.Caller, token.Audience
	claims["iat"], claims["nbf"], claims["exp"] = from.Unix(), from.Unix(), from.Add(token.For).Unix()
	if token.ForeignKey {
		key = rsaKeys()[1]
	}
	if token.UnknownKeyID {
		id = "k9"
	}
	switch token.Algorithm {
	case "none":
		parts := strings.Split(sign(t, jose.RS256, key, id, claims), ".")
		return "eyJhbGciOiJub25lIiwia2lkIjoiazEifQ." + parts[1] + "."
	case "HS256", "HS512": // with the public key for a secret
		return sign(t, jose.SignatureAlgorithm(token.Algorithm), rsaKeys()[0].N.Bytes(), id, claims)
	case "ES256":
		own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return sign(t, jose.ES256, own, id, claims)
	}
	return sign(t, jose.RS256, key, id, claims)
}
