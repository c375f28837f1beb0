package accounts

import (
	"context"
	"errors"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// SignedIn is a session that has begun.
type SignedIn struct {
	Actor
	// SessionToken and DeviceToken are for the browser to keep: nobody else has
	// them.
	SessionToken string
	DeviceToken  string
}

// SignIn begins a session for somebody who knows the password of a name or an
// e-mail address. An unknown name and a wrong password are the same
// ErrCredentials, after the same work. Whoever guesses must wait longer and
// longer (ErrAttempts). A session that the browser had ends.
func (s *Service) SignIn(ctx context.Context, who, password string, v Visit) (SignedIn, error) {
	if len(password) > MaxPasswordBytes {
		return SignedIn{}, errPasswordLong
	}
	key, _ := nameKey(who) // what is no name is nobody's
	counted := []string{bucket(byName, key), bucket(byAddress, Network(v.Address))}
	if err := s.turnAway(ctx, counted, v); err != nil {
		return SignedIn{}, err
	}
	account, device, err := s.lookUp(ctx, key, v)
	if err != nil {
		return SignedIn{}, err
	}
	if device != "" && device == account.ID {
		counted = []string{bucket(byDevice, v.Device)}
	}
	t, err := s.attempt(ctx, counted...)
	if err != nil {
		return SignedIn{}, err
	}
	ok, err := s.verify(ctx, account.PasswordHash, password)
	if err := s.settle(ctx, t, ok, err); err != nil {
		return SignedIn{}, err
	}
	if !ok {
		return SignedIn{}, ErrCredentials
	}
	return s.begin(ctx, account, v)
}

// turnAway refuses from memory what the store has refused a moment ago, unless the
// browser is one that somebody has signed in with: that is counted by itself.
func (s *Service) turnAway(ctx context.Context, counted []string, v Visit) error {
	wait := s.refused.wait(s.now(), counted...)
	if wait == 0 {
		return nil
	}
	if device, err := s.deviceOf(ctx, v); err != nil || device != "" {
		return err
	}
	return ErrAttempts.RetryAfter(wait)
}

func (s *Service) deviceOf(ctx context.Context, v Visit) (identity.Owner, error) {
	if v.Device == "" || len(v.Device) > maxTokenBytes {
		return "", nil
	}
	device, err := s.store.DeviceOf(ctx, hashOf(v.Device))
	return device, fault.Wrap("accounts.deviceOf", err)
}

// lookUp asks the same of the store whether the account is there or not.
func (s *Service) lookUp(ctx context.Context, key string, v Visit) (account Account, device identity.Owner, err error) {
	account, err = s.store.Find(ctx, key)
	if fault.KindOf(err) == fault.NotFound {
		err = nil
	}
	if err == nil {
		device, err = s.deviceOf(ctx, v)
	}
	return account, device, fault.Wrap("accounts.lookUp", err)
}

// verify compares a password. What cannot be a password is compared as well.
func (s *Service) verify(ctx context.Context, hash, password string) (bool, error) {
	text, unreadable := readPassword(password)
	ok, err := s.hasher.Verify(ctx, hash, text)
	return ok && unreadable == nil && text != "", fault.Wrap("accounts.verify", err)
}

// begin makes a session with a token that nobody has seen, whatever the browser
// brought.
func (s *Service) begin(ctx context.Context, a Account, v Visit) (SignedIn, error) {
	token, session := s.newSession(a.ID, v)
	replaces := ""
	if old, _, err := s.session(ctx, v.Session); err == nil {
		replaces = old.ID
	}
	out := SignedIn{Actor: Actor{Account: a, Session: session.ID}, SessionToken: token, DeviceToken: secret()}
	// The device first: what a new password ends in between is not told to anybody.
	err := s.store.AddDevice(ctx, a.ID, hashOf(out.DeviceToken), s.now(), MaxDevices)
	if err == nil {
		err = s.store.Begin(ctx, session, a.PasswordHash, replaces, MaxSessions)
	}
	if errors.Is(err, ErrReplaced) {
		return SignedIn{}, ErrCredentials.With("accounts.begin", err)
	}
	if err != nil {
		return SignedIn{}, fault.Wrap("accounts.begin", err)
	}
	return out, nil
}

func (s *Service) newSession(account identity.Owner, v Visit) (token string, out Session) {
	token, now := secret(), s.now()
	return token, Session{
		ID: s.newID(), Account: account, Hash: hashOf(token), CreatedAt: now, RotatedAt: now, SeenAt: now,
		Address: cut(v.Address, maxAddressBytes), Agent: cut(v.Agent, maxAgentBytes),
	}
}

// ChangePassword replaces the password of who is signed in. All sessions and
// tokens end, and the browser gets another session.
func (s *Service) ChangePassword(ctx context.Context, a Actor, current, fresh string, v Visit) (SignedIn, error) {
	// A session that was left open is no way to guess the password.
	t, err := s.attempt(ctx, bucket(byDevice, string(a.Account.ID)))
	if err != nil {
		return SignedIn{}, err
	}
	ok, err := s.verify(ctx, a.Account.PasswordHash, current)
	if err := s.settle(ctx, t, ok, err); err != nil {
		return SignedIn{}, err
	}
	if !ok {
		return SignedIn{}, ErrPassword
	}
	token, session := s.newSession(a.Account.ID, v)
	if err := s.setPassword(ctx, a.Account, fresh, &session); err != nil {
		return SignedIn{}, err
	}
	out := SignedIn{Actor: Actor{Account: a.Account, Session: session.ID}, SessionToken: token, DeviceToken: secret()}
	err = s.store.AddDevice(ctx, a.Account.ID, hashOf(out.DeviceToken), s.now(), MaxDevices)
	return out, fault.Wrap("accounts.ChangePassword", err)
}

// ResetPassword replaces the password of a name or an e-mail address, for
// somebody who may do so otherwise. All sessions and tokens end.
func (s *Service) ResetPassword(ctx context.Context, who, fresh string) (Account, error) {
	key, _ := nameKey(who)
	account, err := s.store.Find(ctx, key)
	if fault.KindOf(err) == fault.NotFound && err != nil {
		return Account{}, ErrNoAccount.With("accounts.ResetPassword", err)
	}
	if err != nil {
		return Account{}, fault.Wrap("accounts.ResetPassword", err)
	}
	return account, s.setPassword(ctx, account, fresh, nil)
}

func (s *Service) setPassword(ctx context.Context, a Account, fresh string, session *Session) error {
	password, err := checkPassword(fresh, a)
	if err != nil {
		return err
	}
	hash, err := s.hasher.Hash(ctx, password)
	if err == nil {
		err = s.store.SetPassword(ctx, a.ID, hash, session)
	}
	return fault.Wrap("accounts.setPassword", err)
}
