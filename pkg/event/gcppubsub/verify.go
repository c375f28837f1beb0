package gcppubsub

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"google.golang.org/api/idtoken"
	"google.golang.org/api/option"

	"github.com/sajin-gallery/sajin/pkg/fault"
)

// issuers are how Google signs ID tokens.
// https://developers.google.com/identity/openid-connect/openid-connect#an-id-tokens-payload
var issuers = []string{"https://accounts.google.com", "accounts.google.com"}

// verifyTimeout bounds fetching Google's keys, which are cached as long as
// their headers say.
const verifyTimeout = 5 * time.Second

// GoogleTokens verifies the ID tokens that Pub/Sub adds to push requests:
// signed by Google, not expired, for this audience, and of the service account
// with this address. Both must be given: the SDK's validator skips the audience
// when it is empty, and checks neither issuer nor address.
func GoogleTokens(ctx context.Context, audience, email string) (TokenVerifier, error) {
	return googleTokens(ctx, audience, email, &http.Client{Timeout: verifyTimeout})
}

func googleTokens(ctx context.Context, audience, email string, client *http.Client) (TokenVerifier, error) {
	if audience == "" || email == "" {
		return nil, fault.New(fault.Invalid, "push_config_invalid", "Push needs the audience and the service account of its tokens.")
	}
	validator, err := idtoken.NewValidator(ctx, option.WithHTTPClient(client))
	if err != nil {
		return nil, fault.As(fault.Internal, "gcppubsub.GoogleTokens", err)
	}
	return func(ctx context.Context, token string) error {
		if token == "" {
			return errors.New("no token")
		}
		ctx, cancel := context.WithTimeout(ctx, verifyTimeout)
		defer cancel()
		payload, err := validator.Validate(ctx, token, audience)
		if err != nil {
			return err
		}
		return checkClaims(payload, email, time.Now())
	}, nil
}

// checkClaims checks what the validator does not.
func checkClaims(p *idtoken.Payload, email string, now time.Time) error {
	notBefore, limited := p.Claims["nbf"].(float64)
	switch {
	case !slices.Contains(issuers, p.Issuer):
		return errors.New("the token is of another issuer")
	case p.Claims["email"] != email:
		return errors.New("the token is of another account")
	case p.Claims["email_verified"] != true:
		return errors.New("the token's address is not verified")
	case limited && float64(now.Unix()) < notBefore:
		return errors.New("the token is not valid yet")
	}
	return nil
}
