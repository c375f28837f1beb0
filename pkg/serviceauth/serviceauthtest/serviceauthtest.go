// Package serviceauthtest is the conformance suite of serviceauth.Verifier: what
// every kind of token must be refused for, and what it must prove.
package serviceauthtest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/serviceauth"
)

// Token is what a token says, to be made as the harness's kind makes them.
type Token struct {
	Caller, Audience string
	From             time.Duration // from now, when it begins to be good
	For              time.Duration // how long
	ForeignKey       bool          // signed with a key that the verifier does not have
	UnknownKeyID     bool          // signed with the right key, under the name of another
	Algorithm        string        // other than the right one: none, HS512, …; signed accordingly or not at all
}

// Harness is one kind of token.
type Harness struct {
	Verifier serviceauth.Verifier
	Audience string // that the verifier demands
	// Make makes a token.
	Make func(t *testing.T, token Token) string
}

const caller = "web@sajin.example"

// Run runs the suite.
func Run(t *testing.T, h Harness) {
	t.Helper()
	good := Token{Caller: caller, Audience: h.Audience, For: time.Minute}
	with := func(change func(*Token)) string {
		token := good
		change(&token)
		return h.Make(t, token)
	}
	whole := h.Make(t, good)
	for range 2 {
		if got, err := h.Verifier.Verify(t.Context(), whole); got != caller || err != nil {
			t.Fatalf("a good token proves %q, %v", got, err)
		}
	}
	parts := strings.Split(whole, ".")
	for name, token := range map[string]string{
		"none":              "",
		"nonsense":          "x",
		"three parts":       "a.b.c",
		"no claims":         parts[0] + ".." + parts[2],
		"expired":           with(func(t *Token) { t.From, t.For = -3*time.Minute, time.Minute }),
		"not yet good":      with(func(t *Token) { t.From = 2 * time.Minute }),
		"of nobody":         with(func(t *Token) { t.Caller = "" }),
		"a foreign key":     with(func(t *Token) { t.ForeignKey = true }),
		"an unknown key id": with(func(t *Token) { t.UnknownKeyID = true }),
		"alg none":          with(func(t *Token) { t.Algorithm = "none" }),
		"alg HS256":         with(func(t *Token) { t.Algorithm, t.ForeignKey = "HS256", true }),
		"alg HS512":         with(func(t *Token) { t.Algorithm = "HS512" }),
		"alg ES256":         with(func(t *Token) { t.Algorithm = "ES256" }),
		"cut off":           whole[:len(whole)-4],
		"no signature":      parts[0] + "." + parts[1] + ".",
		"other claims":      parts[0] + "." + strings.Split(with(func(t *Token) { t.Caller = "root" }), ".")[1] + "." + parts[2],
		"with more behind":  whole + ".x",
		"as JSON":           `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
	} {
		if got, err := h.Verifier.Verify(t.Context(), token); !errors.Is(err, serviceauth.ErrToken) || got != "" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for _, audience := range []string{"", "https://other.example", h.Audience + "/", strings.ToUpper(h.Audience)} {
		if got, err := h.Verifier.Verify(t.Context(), with(func(t *Token) { t.Audience = audience })); !errors.Is(err, serviceauth.ErrAudience) || got != "" {
			t.Errorf("a token for %q: %q, %v", audience, got, err)
		}
	}
}
