// Package googletokens lets services prove themselves with Google's ID tokens:
// a [Source] has them from the service account that the program runs as, a
// [Verifier] checks them, those of Pub/Sub's push requests as well.
//
// It knows Google's issuer and where its keys are, and not what a caller may do.
package googletokens

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/jwks"
	"github.com/sajin-gallery/sajin/pkg/serviceauth"
)

// keysURL is where Google publishes the keys of its ID tokens, and how long they
// are held: an answer that says nothing of it, or too much, is taken for these.
// https://developers.google.com/identity/gsi/web/guides/verify-google-id-token
const (
	keysURL           = "https://www.googleapis.com/oauth2/v3/certs"
	leastAge, mostAge = time.Minute, 24 * time.Hour
)

// issuers are how Google signs ID tokens.
// https://developers.google.com/identity/openid-connect/openid-connect#an-id-tokens-payload
var issuers = []string{"https://accounts.google.com", "accounts.google.com"}

// leeway is by how much our clock may be behind or ahead of Google's.
const leeway = 30 * time.Second

// Verifier checks ID tokens: signed by Google, not expired, for one audience,
// of an account whose address Google has verified. That address is the caller.
// Safe for concurrent use.
type Verifier struct {
	audience string
	keys     *jwks.Set
}

var _ serviceauth.Verifier = (*Verifier)(nil)

// NewVerifier makes a verifier. Google's keys are fetched through transport,
// http.DefaultTransport when nil, when the first token comes.
func NewVerifier(audience string, transport http.RoundTripper) (*Verifier, error) {
	if audience == "" {
		return nil, fault.New(fault.Invalid, "audience_missing", "ID tokens cannot be judged without the audience that they must be for.")
	}
	return &Verifier{audience: audience, keys: jwks.New(keysURL, leastAge, mostAge, transport)}, nil
}

// claims are those of a token that matter here.
type claims struct {
	jwt.Claims
	Email    string `json:"email"`
	Verified bool   `json:"email_verified"`
}

// Verify returns the address of the service account that the token is of.
func (v *Verifier) Verify(ctx context.Context, token string) (string, error) {
	c, err := v.read(ctx, token)
	if fault.KindOf(err) == fault.Unavailable {
		return "", err
	}
	if err == nil {
		err = c.check()
	}
	if err != nil {
		return "", serviceauth.ErrToken.With("googletokens.Verify", err)
	}
	if !slices.Equal(c.Audience, jwt.Audience{v.audience}) {
		return "", serviceauth.ErrAudience
	}
	return c.Email, nil
}

// read checks the signature. Other ways to sign than RS256 are not looked at.
func (v *Verifier) read(ctx context.Context, token string) (claims, error) {
	var c claims
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return c, err
	}
	key, err := v.keys.Find(ctx, parsed.Headers[0].KeyID)
	if err != nil {
		return c, err
	}
	err = parsed.Claims(key, &c)
	return c, err
}

func (c claims) check() error {
	switch {
	case !slices.Contains(issuers, c.Issuer):
		return errors.New("the token is of another issuer")
	case c.Expiry == nil:
		return errors.New("the token does not expire")
	case c.Email == "" || !c.Verified:
		return errors.New("the token is of no account with a verified address")
	}
	return c.ValidateWithLeeway(jwt.Expected{}, leeway)
}
