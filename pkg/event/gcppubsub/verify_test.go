package gcppubsub

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
)

// google stands for Google's certificate address and counts how often it is asked.
type google struct {
	key   *rsa.PrivateKey
	asked atomic.Int32
}

func newGoogle(t *testing.T) *google {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return &google{key: key}
}

func (g *google) RoundTrip(r *http.Request) (*http.Response, error) {
	g.asked.Add(1)
	if r.URL.Host != "www.googleapis.com" {
		return nil, errors.New("not Google: " + r.URL.String())
	}
	body, err := json.Marshal(map[string]any{"keys": []map[string]string{{
		"kid": "k1", "kty": "RSA", "alg": "RS256", "use": "sig",
		"n": encode(g.key.N.Bytes()), "e": encode(big.NewInt(int64(g.key.E)).Bytes()),
	}}})
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Cache-Control": {"public, max-age=3600"}},
		Body: io.NopCloser(strings.NewReader(string(body))), Request: r,
	}, nil
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func unsigned(t *testing.T, header, claims map[string]any) string {
	t.Helper()
	var parts []string
	for _, part := range []map[string]any{header, claims} {
		body, err := json.Marshal(part)
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, encode(body))
	}
	return strings.Join(parts, ".")
}

// token signs with RS256.
func (g *google) token(t *testing.T, header, claims map[string]any) string {
	t.Helper()
	text := unsigned(t, header, claims)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, g.key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + encode(signature)
}

const (
	audience = "https://upload.example/events/push"
	pusher   = "push@sajin.iam.gserviceaccount.com"
)

func rs256() map[string]any { return map[string]any{"alg": "RS256", "typ": "JWT", "kid": "k1"} }

func claims(change func(map[string]any)) map[string]any {
	out := map[string]any{
		"iss": "https://accounts.google.com", "aud": audience, "sub": "1", "email": pusher, "email_verified": true,
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
	}
	if change != nil {
		change(out)
	}
	return out
}

func TestGoogleTokens(t *testing.T) {
	g := newGoogle(t)
	verify, err := googleTokens(t.Context(), audience, pusher, &http.Client{Transport: g})
	if err != nil {
		t.Fatal(err)
	}
	set := func(name string, value any) map[string]any {
		return claims(func(c map[string]any) { c[name] = value })
	}
	for name, claims := range map[string]map[string]any{"good": claims(nil), "good, short issuer": set("iss", "accounts.google.com")} {
		if err := verify(t.Context(), g.token(t, rs256(), claims)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	good := g.token(t, rs256(), claims(nil))
	hs256 := unsigned(t, map[string]any{"alg": "HS256", "kid": "k1"}, claims(nil))
	mac := hmac.New(sha256.New, g.key.N.Bytes())
	mac.Write([]byte(hs256))
	for name, token := range map[string]string{
		"none":                     "",
		"nonsense":                 "x",
		"expired":                  g.token(t, rs256(), set("exp", time.Now().Add(-time.Minute).Unix())),
		"not yet valid":            g.token(t, rs256(), set("nbf", time.Now().Add(time.Hour).Unix())),
		"other audience":           g.token(t, rs256(), set("aud", "https://other.example")),
		"empty audience":           g.token(t, rs256(), set("aud", "")),
		"other account":            g.token(t, rs256(), set("email", "evil@example.com")),
		"no account":               g.token(t, rs256(), claims(func(c map[string]any) { delete(c, "email") })),
		"unverified":               g.token(t, rs256(), set("email_verified", false)),
		"verified in words":        g.token(t, rs256(), set("email_verified", "true")),
		"other issuer":             g.token(t, rs256(), set("iss", "https://evil.example")),
		"no issuer":                g.token(t, rs256(), claims(func(c map[string]any) { delete(c, "iss") })),
		"unknown key":              g.token(t, map[string]any{"alg": "RS256", "kid": "k2"}, claims(nil)),
		"other key":                newGoogle(t).token(t, rs256(), claims(nil)),
		"not signed":               unsigned(t, map[string]any{"alg": "none"}, claims(nil)) + ".",
		"signed by the public key": hs256 + "." + encode(mac.Sum(nil)),
		"changed claims":           strings.Replace(good, strings.Split(good, ".")[1], encode([]byte(`{"iss":"accounts.google.com"}`)), 1),
	} {
		if err := verify(t.Context(), token); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if asked := g.asked.Load(); asked != 1 {
		t.Errorf("Google's keys were fetched %d times, want once", asked)
	}
}

func TestGoogleTokensNeedsAudienceAndAccount(t *testing.T) {
	for _, pair := range [][2]string{{"", pusher}, {audience, ""}} {
		if _, err := GoogleTokens(t.Context(), pair[0], pair[1]); fault.KindOf(err) != fault.Invalid {
			t.Errorf("GoogleTokens(%q, %q): %v, want Invalid", pair[0], pair[1], err)
		}
	}
}
