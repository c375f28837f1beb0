package localtokens_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/sajin-gallery/sajin/pkg/serviceauth/keyring"
	"github.com/sajin-gallery/sajin/pkg/serviceauth/localtokens"
	"github.com/sajin-gallery/sajin/pkg/serviceauth/serviceauthtest"
)

func secret(letter string) []byte { return []byte(strings.Repeat(letter, 64)) }

func ring(t *testing.T, letter string) *keyring.Ring {
	t.Helper()
	r, err := keyring.Parse("k1:" + base64.StdEncoding.EncodeToString(secret(letter)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestConformance(t *testing.T) {
	serviceauthtest.Run(t, serviceauthtest.Harness{
		Verifier: localtokens.Verifier{Keys: ring(t, "a"), Audience: "catalog"}, Audience: "catalog", Make: forge,
	})
}

// forge makes tokens that a Source would not make.
func forge(t *testing.T, token serviceauthtest.Token) string {
	t.Helper()
	key, id, algorithm := secret("a"), "k1", jose.HS256
	if token.ForeignKey {
		key = secret("b")
	}
	if token.UnknownKeyID {
		id = "k2"
	}
	switch token.Algorithm {
	case "none":
		return unsigned(token)
	case "HS512":
		algorithm = jose.HS512
	case "ES256":
		return strings.Replace(unsigned(token), encode(`{"alg":"none"`), encode(`{"alg":"ES256"`), 1) + "AAAA"
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key},
		(&jose.SignerOptions{}).WithType("sajin-service+jwt").WithHeader("kid", id))
	if err != nil {
		t.Fatal(err)
	}
	from := time.Now().Add(token.From)
	text, err := jwt.Signed(signer).Claims(jwt.Claims{
		Subject: token.Caller, Audience: jwt.Audience{token.Audience}, NotBefore: jwt.NewNumericDate(from),
		IssuedAt: jwt.NewNumericDate(from), Expiry: jwt.NewNumericDate(from.Add(token.For)),
	}).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func unsigned(token serviceauthtest.Token) string {
	return encode(`{"alg":"none","typ":"sajin-service+jwt","kid":"k1"}`) + "." + encode(`{"sub":"`+token.Caller+`","aud":"catalog"}`) + "."
}

func TestASourceProvesItsName(t *testing.T) {
	keys := ring(t, "a")
	token, err := localtokens.Source{Keys: keys, Name: "web", Audience: "catalog"}.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got, err := (localtokens.Verifier{Keys: keys, Audience: "catalog"}).Verify(t.Context(), token); got != "web" || err != nil {
		t.Errorf("it proves %q, %v", got, err)
	}
}

// A token that would be good for longer than a source makes them is none, even
// with the right key: whoever has one may use it for a minute.
func TestALongLifeIsNone(t *testing.T) {
	token := forge(t, serviceauthtest.Token{Caller: "web", Audience: "catalog", For: keyring.Life + time.Second})
	if got, err := (localtokens.Verifier{Keys: ring(t, "a"), Audience: "catalog"}).Verify(t.Context(), token); err == nil {
		t.Errorf("it proves %q", got)
	}
}
