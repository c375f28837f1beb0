// Package iapassertions verifies what Cloud IAP says of who is there: signed
// assertions in a header of each request.
//
// It knows Google's keys and the form of an assertion. Whom the gallery lets in
// is for the core to decide.
package iapassertions

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/jwks"
	"github.com/sajin-gallery/sajin/services/web/internal/accounts"
)

// issuer is who signs.
// https://cloud.google.com/iap/docs/signed-headers-howto
const issuer = "https://cloud.google.com/iap"

// keysURL is where Google publishes IAP's keys, and keep how long they are held,
// also while Google cannot be reached.
const (
	keysURL = "https://www.gstatic.com/iap/verify/public_key-jwk"
	keep    = 12 * time.Hour
)

// Skew is how far Google's clock and ours may be apart.
const Skew = 30 * time.Second

// longest is how long an assertion may be good. Google's are for ten minutes.
const longest = time.Hour

var (
	errAssertion = fault.New(fault.Unauthenticated, "unauthenticated",
		"What Cloud IAP says of you is not valid, or not any more. Please load the page again.")
	errKeys = fault.New(fault.Unavailable, "identity_unavailable",
		"Who you are cannot be verified at the moment. Please try again shortly.").RetryAfter(5 * time.Second)
)

// Verifier verifies assertions for one audience. Safe for concurrent use.
type Verifier struct {
	audience string
	keys     *jwks.Set
}

// New makes a verifier of assertions for an audience, such as
// /projects/1234/global/backendServices/5678. Google's keys are fetched by
// transport, http.DefaultTransport when nil.
func New(audience string, transport http.RoundTripper) *Verifier {
	return &Verifier{audience: audience, keys: jwks.New(keysURL, keep, keep, transport)}
}

// claims are what an assertion says beside the usual.
type claims struct {
	Email string `json:"email"`
}

// Verify gives whom a good assertion is about. What is not good is
// Unauthenticated; while Google's keys cannot be had, what those at hand do not
// decide is Unavailable.
func (v *Verifier) Verify(ctx context.Context, assertion string) (accounts.Asserted, error) {
	// Only what IAP signs with: neither none, nor a secret that is no secret.
	token, err := jwt.ParseSigned(assertion, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return accounts.Asserted{}, errAssertion.With("iapassertions.Verify", err)
	}
	key, err := v.keys.Find(ctx, token.Headers[0].KeyID)
	switch {
	case errors.Is(err, jwks.ErrUnknown):
		return accounts.Asserted{}, errAssertion.With("iapassertions.Verify", err)
	case err != nil:
		return accounts.Asserted{}, errKeys.With("iapassertions.Verify", err)
	}
	var standard jwt.Claims
	var own claims
	if err := token.Claims(key, &standard, &own); err != nil {
		return accounts.Asserted{}, errAssertion.With("iapassertions.Verify", err)
	}
	if err := v.check(standard, own); err != nil {
		return accounts.Asserted{}, errAssertion.With("iapassertions.Verify", err)
	}
	return accounts.Asserted{Subject: standard.Subject, Email: own.Email}, nil
}

func (v *Verifier) check(c jwt.Claims, own claims) error {
	expected := jwt.Expected{Issuer: issuer, AnyAudience: jwt.Audience{v.audience}, Time: time.Now()}
	switch {
	case v.audience == "" || c.Expiry == nil || c.IssuedAt == nil:
		return errors.New("the assertion does not say for whom and how long it is good")
	case c.Expiry.Time().Sub(c.IssuedAt.Time()) > longest:
		return errors.New("the assertion is good for too long")
	case c.Subject == "" || own.Email == "":
		return errors.New("the assertion is about nobody")
	default:
		return c.ValidateWithLeeway(expected, Skew)
	}
}
