package accounts

import (
	"context"
	"crypto/subtle"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
)

// session finds the session of a token, if it is good.
func (s *Service) session(ctx context.Context, token string) (Session, Account, error) {
	if token == "" || len(token) > maxTokenBytes {
		return Session{}, Account{}, ErrUnauthenticated
	}
	hash := hashOf(token)
	session, account, err := s.store.Session(ctx, hash)
	if err != nil {
		return Session{}, Account{}, unknown("accounts.session", err)
	}
	if s.ended(session) || s.stale(session, hash) {
		return Session{}, Account{}, ErrUnauthenticated
	}
	return session, account, nil
}

func (s *Service) ended(session Session) bool {
	now := s.now()
	return now.Sub(session.CreatedAt) >= SessionLife || now.Sub(session.SeenAt) >= SessionIdle
}

// stale reports whether hash is of the token before, and the browser has had
// the newer one for longer than its requests may take.
func (s *Service) stale(session Session, hash string) bool {
	return !isHash(session, hash) && session.Confirmed && s.now().Sub(session.RotatedAt) >= RotateGrace
}

func isHash(session Session, hash string) bool {
	return subtle.ConstantTimeCompare([]byte(session.Hash), []byte(hash)) == 1
}

// Resume says who acts with a session's token. Now and then the browser is given
// another token, which it is to keep instead; else renewed is "". A browser that
// never got it, because an answer was lost, goes on with the one it has.
func (s *Service) Resume(ctx context.Context, token string) (_ Actor, renewed string, _ error) {
	session, account, err := s.session(ctx, token)
	if err != nil {
		return Actor{}, "", err
	}
	actor, hash, now := Actor{Account: account, Session: session.ID}, hashOf(token), s.now()
	newest := isHash(session, hash)
	age := now.Sub(session.RotatedAt)
	if newest && age >= RotateEvery || !newest && !session.Confirmed && age >= RotateGrace {
		renewed, err = s.rotate(ctx, session, hash, now)
		return actor, renewed, err
	}
	if confirms := newest && !session.Confirmed; confirms || now.Sub(session.SeenAt) >= seenEvery {
		err = s.store.Seen(ctx, session.ID, session.Hash, now, session.Confirmed || newest)
	}
	return actor, "", fault.Wrap("accounts.Resume", err)
}

// rotate gives a session another token. Of requests that come together one gets
// it, and the others stay with theirs.
func (s *Service) rotate(ctx context.Context, session Session, from string, now time.Time) (string, error) {
	token := secret()
	done, err := s.store.Rotate(ctx, session.ID, session.Hash, from, hashOf(token), now)
	if err != nil || !done {
		return "", fault.Wrap("accounts.rotate", err)
	}
	return token, nil
}

// Sessions lists the sessions of who acts, the last used first.
func (s *Service) Sessions(ctx context.Context, a Actor) ([]Session, error) {
	all, err := s.store.SessionsOf(ctx, a.Account.ID)
	if err != nil {
		return nil, fault.Wrap("accounts.Sessions", err)
	}
	out := all[:0]
	for _, one := range all {
		if !s.ended(one) {
			out = append(out, one)
		}
	}
	return out, nil
}

// SignOut ends a session of who acts, at once; id "" means the one it acts in.
func (s *Service) SignOut(ctx context.Context, a Actor, id string) error {
	if id == "" {
		id = a.Session
	}
	return fault.Wrap("accounts.SignOut", s.store.End(ctx, a.Account.ID, id))
}

// SignOutEverywhere ends all sessions of who acts. Tokens stay.
func (s *Service) SignOutEverywhere(ctx context.Context, a Actor) error {
	return fault.Wrap("accounts.SignOutEverywhere", s.store.EndAll(ctx, a.Account.ID))
}
