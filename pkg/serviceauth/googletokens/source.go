package googletokens

import (
	"context"
	"time"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/auth/credentials/idtoken"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/serviceauth"
)

const (
	// tokenTimeout bounds the wait for a token, which comes from the machine's
	// own metadata server.
	tokenTimeout = 5 * time.Second
	// spare is what a token must still be good for.
	spare = time.Minute
)

// Source gives ID tokens of the account that the program runs as. They are kept
// until shortly before they expire, after an hour. Safe for concurrent use.
type Source struct {
	audience string

	turn        chan struct{} // holds one element while a token is asked for
	credentials *auth.Credentials
}

var _ serviceauth.TokenSource = (*Source)(nil)

// NewSource makes a source of tokens for one audience, such as the address of
// the service that is called. It looks for the account and asks for no token.
func NewSource(audience string) (*Source, error) {
	s := &Source{audience: audience, turn: make(chan struct{}, 1)}
	if err := s.renew(); err != nil {
		return nil, fault.New(fault.Invalid, "credentials_missing",
			"There are no Google credentials here to make ID tokens with; a service account is needed.").With("googletokens.NewSource", err)
	}
	return s, nil
}

// renew forgets what the SDK holds.
func (s *Source) renew() (err error) {
	s.credentials, err = idtoken.NewCredentials(&idtoken.Options{Audience: s.audience})
	return err
}

// Token returns a token. The SDK takes every token to be good for an hour from
// when it came, but the metadata server may hand out one that it has had for a
// while: so what the token itself says counts.
func (s *Source) Token(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return "", fault.As(fault.Unavailable, "googletokens.Token", ctx.Err())
	}
	token, err := s.credentials.Token(ctx)
	if err == nil && endsSoon(token.Value) {
		if err = s.renew(); err == nil {
			token, err = s.credentials.Token(ctx)
		}
	}
	if err != nil {
		return "", fault.As(fault.Unavailable, "googletokens.Token", err)
	}
	return token.Value, nil
}

// endsSoon reads our own token, which is for others to verify.
func endsSoon(token string) bool {
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	var c jwt.Claims
	if err != nil || parsed.UnsafeClaimsWithoutVerification(&c) != nil || c.Expiry == nil {
		return false
	}
	return time.Until(c.Expiry.Time()) < spare
}
