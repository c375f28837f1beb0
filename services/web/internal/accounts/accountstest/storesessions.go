package accountstest

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/web/internal/accounts"
)

// Begin adds a session.
func (s *Store) Begin(_ context.Context, session accounts.Session, password, replaces string, most int) error {
	return s.do(func() error {
		if p, err := s.byID(session.Account); err != nil || p.PasswordHash != password {
			return cmp.Or(err, error(accounts.ErrReplaced))
		}
		s.sessions = slices.DeleteFunc(s.sessions, func(one accounts.Session) bool { return one.ID == replaces })
		s.sessions = append(s.sessions, session)
		for _, old := range drop(s.sessionsOf(session.Account), most) {
			s.sessions = slices.DeleteFunc(s.sessions, func(one accounts.Session) bool { return one.ID == old.ID })
		}
		return nil
	})
}

func drop[T any](all []T, most int) []T { return all[min(most, len(all)):] }

func (s *Store) sessionsOf(account identity.Owner) (out []accounts.Session) {
	for _, one := range s.sessions {
		if one.Account == account {
			out = append(out, one)
		}
	}
	slices.SortFunc(out, func(a, b accounts.Session) int {
		return cmp.Or(b.SeenAt.Compare(a.SeenAt), cmp.Compare(b.ID, a.ID))
	})
	return out
}

// Session finds by hash.
func (s *Store) Session(ctx context.Context, hash string) (out accounts.Session, a accounts.Account, err error) {
	err = s.do(func() error {
		i := slices.IndexFunc(s.sessions, func(one accounts.Session) bool { return hash != "" && (one.Hash == hash || one.Previous == hash) })
		if i < 0 {
			return errMissing
		}
		out = s.sessions[i]
		return nil
	})
	if err == nil {
		a, err = s.Account(ctx, out.Account)
	}
	return out, a, err
}

// SessionByID finds by id.
func (s *Store) SessionByID(_ context.Context, account identity.Owner, id string) (out accounts.Session, err error) {
	err = s.do(func() error {
		i := slices.IndexFunc(s.sessions, func(one accounts.Session) bool { return one.ID == id && one.Account == account })
		if i < 0 {
			return errMissing
		}
		out = s.sessions[i]
		return nil
	})
	return out, err
}

// change changes the session with an id and a hash.
func (s *Store) change(id, hash string, f func(*accounts.Session)) (done bool, err error) {
	err = s.do(func() error {
		for i := range s.sessions {
			if s.sessions[i].ID == id && s.sessions[i].Hash == hash {
				f(&s.sessions[i])
				done = true
			}
		}
		return nil
	})
	return done, err
}

// Rotate replaces the token.
func (s *Store) Rotate(_ context.Context, id, current, from, to string, at time.Time) (bool, error) {
	return s.change(id, current, func(one *accounts.Session) {
		one.Hash, one.Previous, one.Confirmed, one.RotatedAt, one.SeenAt = to, from, false, at, at
	})
}

// Seen notes a use.
func (s *Store) Seen(_ context.Context, id, current string, at time.Time, confirmed bool) error {
	_, err := s.change(id, current, func(one *accounts.Session) { one.SeenAt, one.Confirmed = at, confirmed })
	return err
}

// SessionsOf lists.
func (s *Store) SessionsOf(_ context.Context, account identity.Owner) (out []accounts.Session, err error) {
	err = s.do(func() error { out = s.sessionsOf(account); return nil })
	return out, err
}

// End ends one.
func (s *Store) End(_ context.Context, account identity.Owner, id string) error {
	return s.do(func() error {
		s.sessions = slices.DeleteFunc(s.sessions, func(one accounts.Session) bool { return one.ID == id && one.Account == account })
		return nil
	})
}

// EndAll ends all.
func (s *Store) EndAll(_ context.Context, account identity.Owner) error {
	return s.do(func() error { s.forget(account); return nil })
}

// AddDevice adds a device.
func (s *Store) AddDevice(_ context.Context, account identity.Owner, hash string, at time.Time, most int) error {
	return s.do(func() error {
		s.devices = append([]device{{hash, account, at}}, s.devices...)
		var own []device
		for _, d := range s.devices {
			if d.account == account {
				own = append(own, d)
			}
		}
		for _, old := range drop(own, most) {
			s.devices = slices.DeleteFunc(s.devices, func(d device) bool { return d.hash == old.hash })
		}
		return nil
	})
}

// DeviceOf finds a device.
func (s *Store) DeviceOf(_ context.Context, hash string) (out identity.Owner, err error) {
	err = s.do(func() error {
		for _, d := range s.devices {
			if d.hash == hash {
				out = d.account
			}
		}
		return nil
	})
	return out, err
}
