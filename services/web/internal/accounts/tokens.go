package accounts

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"

	"github.com/sajin-gallery/sajin/pkg/fault"
)

// tokenPrefix marks a token, so that whoever finds one knows what it opens.
const tokenPrefix = "sajin_"

// MakeToken makes a token by which a program may do what who acts may do. The
// text is shown once: what is kept does not tell it.
func (s *Service) MakeToken(ctx context.Context, a Actor, name string) (text string, _ Token, _ error) {
	name, err := precis.Nickname.String(name)
	if err != nil || utf8.RuneCountInString(name) > MaxTokenName {
		return "", Token{}, errTokenName.With("accounts.MakeToken", err)
	}
	text = tokenPrefix + secret()
	t := Token{ID: s.newID(), Account: a.Account.ID, Name: name, Hash: hashOf(text), CreatedAt: s.now()}
	added, err := s.store.AddToken(ctx, t, a.Account.PasswordHash, MaxTokens)
	if err == nil && !added {
		err = ErrTokens
	}
	if errors.Is(err, ErrReplaced) {
		return "", Token{}, ErrUnauthenticated.With("accounts.MakeToken", err)
	}
	if err != nil {
		return "", Token{}, fault.Wrap("accounts.MakeToken", err)
	}
	return text, t, nil
}

// ByToken says who acts with a token.
func (s *Service) ByToken(ctx context.Context, text string) (Actor, error) {
	if !IsToken(text) || len(text) > maxTokenBytes {
		return Actor{}, ErrUnauthenticated
	}
	token, account, err := s.store.Token(ctx, hashOf(text))
	if err != nil {
		return Actor{}, unknown("accounts.ByToken", err)
	}
	if now := s.now(); now.Sub(token.UsedAt) >= seenEvery {
		err = s.store.TokenUsed(ctx, token.ID, now)
	}
	return Actor{Account: account, Token: token.ID}, fault.Wrap("accounts.ByToken", err)
}

// Tokens lists the tokens of who acts, the newest first.
func (s *Service) Tokens(ctx context.Context, a Actor) ([]Token, error) {
	all, err := s.store.TokensOf(ctx, a.Account.ID)
	return all, fault.Wrap("accounts.Tokens", err)
}

// Revoke ends a token of who acts, at once.
func (s *Service) Revoke(ctx context.Context, a Actor, id string) error {
	return fault.Wrap("accounts.Revoke", s.store.Revoke(ctx, a.Account.ID, id))
}

// IsToken reports whether text looks like a token of ours, good or not.
func IsToken(text string) bool { return strings.HasPrefix(text, tokenPrefix) }
