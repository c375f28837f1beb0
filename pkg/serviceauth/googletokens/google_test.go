package googletokens

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/sajin-gallery/sajin/pkg/serviceauth/googletokens/googletest"
	"github.com/sajin-gallery/sajin/pkg/serviceauth/serviceauthtest"
)

const (
	audience = "https://catalog.example"
	web      = "web@sajin.iam.gserviceaccount.com"
)

func verifier(t *testing.T, g *googletest.Google) *Verifier {
	t.Helper()
	v, err := NewVerifier(audience, g)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// good is what Google says of web.
func good() map[string]any { return googletest.Claims(web, audience) }

// token is signed by the first of Google's keys.
func token(t *testing.T, claims map[string]any) string {
	t.Helper()
	return googletest.Token(t, claims)
}

func TestConformance(t *testing.T) {
	serviceauthtest.Run(t, serviceauthtest.Harness{Verifier: verifier(t, googletest.New()), Audience: audience, Make: forge})
}

func forge(t *testing.T, token serviceauthtest.Token) string {
	t.Helper()
	key, id, claims := any(googletest.Keys()[0]), "k1", good()
	from := time.Now().Add(token.From)
	claims["email"], claims["aud"] = token.Caller, token.Audience
	claims["iat"], claims["nbf"], claims["exp"] = from.Unix(), from.Unix(), from.Add(token.For).Unix()
	if token.ForeignKey {
		key = googletest.Keys()[1]
	}
	if token.UnknownKeyID {
		id = "k9"
	}
	switch token.Algorithm {
	case "none":
		parts := strings.Split(googletest.Sign(t, jose.RS256, key, id, claims), ".")
		return "eyJhbGciOiJub25lIiwia2lkIjoiazEifQ." + parts[1] + "."
	case "HS256", "HS512": // with the public key for a secret
		return googletest.Sign(t, jose.SignatureAlgorithm(token.Algorithm), googletest.Keys()[0].N.Bytes(), id, claims)
	case "ES256":
		own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return googletest.Sign(t, jose.ES256, own, id, claims)
	}
	return googletest.Sign(t, jose.RS256, key, id, claims)
}
