// Package localtokens lets services prove themselves with tokens signed with a
// key that all of them share, where there is no Google to vouch for them: in a
// cluster of one's own, and on one machine.
//
// Whoever has the key can be any of them; see docs/decisions/0043.
package localtokens

import (
	"context"

	"github.com/sajin-gallery/sajin/pkg/serviceauth"
	"github.com/sajin-gallery/sajin/pkg/serviceauth/keyring"
)

// kind is that of a token that proves a service.
const kind keyring.Kind = "sajin-service+jwt"

// Source makes a token for every request; signing one takes some ten microseconds.
type Source struct {
	Keys     *keyring.Ring
	Name     string // who is calling
	Audience string // who is called
}

// Token signs.
func (s Source) Token(context.Context) (string, error) {
	return s.Keys.Sign(kind, keyring.Statement{Subject: s.Name, Audience: s.Audience})
}

// Verifier judges the tokens of Sources with the same keys.
type Verifier struct {
	Keys     *keyring.Ring
	Audience string // who is called
}

// Verify names the caller.
func (v Verifier) Verify(_ context.Context, token string) (string, error) {
	s, err := v.Keys.Verify(kind, token)
	switch {
	case err != nil:
		return "", serviceauth.ErrToken.With("localtokens.Verify", err)
	case s.Subject == "":
		return "", serviceauth.ErrToken
	case s.Audience != v.Audience:
		return "", serviceauth.ErrAudience
	}
	return s.Subject, nil
}
