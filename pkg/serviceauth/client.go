package serviceauth

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/pkg/serviceauth/keyring"
)

// Client sends requests to one other service, each with a token that proves who
// is calling and with the acting owner signed. It fits kitx.Target.
type Client struct {
	// HTTP sends; it must not follow redirects, or the token could go to
	// another host.
	HTTP interface {
		Do(*http.Request) (*http.Response, error)
	}
	Tokens   TokenSource
	Actors   *keyring.Ring
	Audience string // of the signed owner
}

// errRefused hides from users that two services of ours do not trust each other:
// it is no refusal of theirs.
var errRefused = fault.New(fault.Unavailable, "service_unavailable", "A part of the gallery does not answer at the moment. Please try again shortly.")

// Do sends a copy of r with the proofs. A refusal of those is an Unavailable
// fault, and an error in the log.
func (c *Client) Do(r *http.Request) (*http.Response, error) {
	out, err := c.prove(r)
	if err != nil {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, errRefused.With("serviceauth.Client", err)
	}
	resp, err := c.HTTP.Do(out)
	if err != nil || !refused(resp) {
		return resp, err
	}
	_ = resp.Body.Close()
	slog.ErrorContext(r.Context(), "a service of ours does not take our token: the keys, the audience or the list of callers differ",
		"host", r.URL.Host, "path", r.URL.EscapedPath(), "status", resp.StatusCode)
	return nil, errRefused.With("serviceauth.Client", errors.New("answered "+resp.Status))
}

func (c *Client) prove(r *http.Request) (*http.Request, error) {
	token, err := c.Tokens.Token(r.Context())
	if err != nil {
		return nil, err
	}
	out := r.Clone(r.Context())
	out.Header.Set("Authorization", "Bearer "+token)
	if owner := r.Header.Get(identity.OwnerHeader); owner != "" {
		signed, err := c.Actors.Sign(kindActor, keyring.Statement{Subject: owner, Audience: c.Audience})
		if err != nil {
			return nil, err
		}
		out.Header.Set(identity.OwnerHeader, signed)
	}
	return out, nil
}

// refused tells a guard's answer, ours or the platform's before it, from what
// the service itself says of a user: only a guard asks for a token.
func refused(resp *http.Response) bool {
	return (resp.StatusCode == http.StatusUnauthorized || resp.StatusCode == http.StatusForbidden) && resp.Header.Get("WWW-Authenticate") != ""
}
