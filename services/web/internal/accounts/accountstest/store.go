package accountstest

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/web/internal/accounts"
)

// Store is an accounts.Store in memory. The zero value is empty and ready.
type Store struct {
	mu       sync.Mutex
	people   []*kept
	setups   map[string]time.Time
	sessions []accounts.Session
	devices  []device
	tokens   []accounts.Token
	attempts map[string]accounts.Attempts
	failure  error
}

type kept struct {
	accounts.Account
	keys accounts.Keys
}

type device struct {
	hash    string
	account identity.Owner
	at      time.Time
}

var (
	errMissing = fault.New(fault.NotFound, "", "")
	errTaken   = fault.New(fault.Conflict, "already_exists", "")
)

var _ accounts.Store = (*Store)(nil)

// FailWith makes every method fail, or work again with nil.
func (s *Store) FailWith(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failure = err
}

// do runs f alone.
func (s *Store) do(f func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure != nil {
		return s.failure
	}
	return f()
}

// Reachable fails as FailWith says.
func (s *Store) Reachable(context.Context) error { return s.do(func() error { return nil }) }

// Count counts.
func (s *Store) Count(context.Context) (n int, err error) {
	err = s.do(func() error { n = len(s.people); return nil })
	return n, err
}

// Create adds an account.
func (s *Store) Create(_ context.Context, a accounts.Account, keys accounts.Keys) error {
	return s.do(func() error {
		for _, p := range s.people {
			if p.ID == a.ID || p.keys.Name == keys.Name || keys.Email != "" && p.keys.Email == keys.Email || a.Subject != "" && p.Subject == a.Subject {
				return errTaken
			}
		}
		s.people, s.setups = append(s.people, &kept{a, keys}), nil
		return nil
	})
}

// byID is what is kept of an account.
func (s *Store) byID(id identity.Owner) (*kept, error) {
	i := slices.IndexFunc(s.people, func(p *kept) bool { return p.ID == id })
	if i < 0 {
		return nil, errMissing
	}
	return s.people[i], nil
}

func (s *Store) person(is func(*kept) bool) (out accounts.Account, err error) {
	err = s.do(func() error {
		i := slices.IndexFunc(s.people, is)
		if i < 0 {
			return errMissing
		}
		out = s.people[i].Account
		return nil
	})
	return out, err
}

// Account finds by id.
func (s *Store) Account(_ context.Context, id identity.Owner) (accounts.Account, error) {
	return s.person(func(p *kept) bool { return p.ID == id })
}

// Find finds by a key.
func (s *Store) Find(_ context.Context, key string) (accounts.Account, error) {
	return s.person(func(p *kept) bool {
		if strings.Contains(key, "@") {
			return p.keys.Email == key
		}
		return p.keys.Name == key
	})
}

// BySubject finds by subject.
func (s *Store) BySubject(_ context.Context, subject string) (accounts.Account, error) {
	return s.person(func(p *kept) bool { return subject != "" && p.Subject == subject })
}

// SetSubject sets it once.
func (s *Store) SetSubject(_ context.Context, id identity.Owner, subject string) error {
	return s.do(func() error {
		p, err := s.byID(id)
		if err != nil {
			return err
		}
		if p.Subject != "" || slices.ContainsFunc(s.people, func(p *kept) bool { return p.Subject == subject }) {
			return errTaken
		}
		p.Subject = subject
		return nil
	})
}

// SetPassword replaces the hash and ends what it let in.
func (s *Store) SetPassword(_ context.Context, id identity.Owner, hash string, session *accounts.Session) error {
	return s.do(func() error {
		p, err := s.byID(id)
		if err != nil {
			return err
		}
		p.PasswordHash = hash
		s.forget(id)
		s.tokens = slices.DeleteFunc(s.tokens, func(t accounts.Token) bool { return t.Account == id })
		if session != nil {
			s.sessions = append(s.sessions, *session)
		}
		return nil
	})
}

func (s *Store) forget(id identity.Owner) {
	s.sessions = slices.DeleteFunc(s.sessions, func(one accounts.Session) bool { return one.Account == id })
	s.devices = slices.DeleteFunc(s.devices, func(d device) bool { return d.account == id })
}

// AddSetup adds a set-up.
func (s *Store) AddSetup(_ context.Context, hash string, until time.Time) error {
	return s.do(func() error {
		if s.setups == nil {
			s.setups = map[string]time.Time{}
		}
		s.setups[hash] = until
		return nil
	})
}

// HasSetup looks for one.
func (s *Store) HasSetup(_ context.Context, hash string, now time.Time) (ok bool, err error) {
	err = s.do(func() error { ok = s.setups[hash].After(now); return nil })
	return ok, err
}

// AddToken adds a token.
func (s *Store) AddToken(_ context.Context, t accounts.Token, password string, most int) (added bool, err error) {
	err = s.do(func() error {
		if p, err := s.byID(t.Account); err != nil || p.PasswordHash != password {
			return cmp.Or(err, error(accounts.ErrReplaced))
		}
		if added = len(s.tokensOf(t.Account)) < most; added {
			s.tokens = append(s.tokens, t)
		}
		return nil
	})
	return added, err
}

func (s *Store) tokensOf(account identity.Owner) (out []accounts.Token) {
	for _, t := range s.tokens {
		if t.Account == account {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b accounts.Token) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.ID, a.ID))
	})
	return out
}

// Token finds by hash.
func (s *Store) Token(ctx context.Context, hash string) (out accounts.Token, a accounts.Account, err error) {
	err = s.do(func() error {
		i := slices.IndexFunc(s.tokens, func(t accounts.Token) bool { return t.Hash == hash })
		if i < 0 {
			return errMissing
		}
		out = s.tokens[i]
		return nil
	})
	if err == nil {
		a, err = s.Account(ctx, out.Account)
	}
	return out, a, err
}

// TokenUsed notes a use.
func (s *Store) TokenUsed(_ context.Context, id string, at time.Time) error {
	return s.do(func() error {
		for i := range s.tokens {
			if s.tokens[i].ID == id {
				s.tokens[i].UsedAt = at
			}
		}
		return nil
	})
}

// TokensOf lists.
func (s *Store) TokensOf(_ context.Context, account identity.Owner) (out []accounts.Token, err error) {
	err = s.do(func() error { out = s.tokensOf(account); return nil })
	return out, err
}

// Revoke ends one.
func (s *Store) Revoke(_ context.Context, account identity.Owner, id string) error {
	return s.do(func() error {
		s.tokens = slices.DeleteFunc(s.tokens, func(t accounts.Token) bool { return t.ID == id && t.Account == account })
		return nil
	})
}

// Counted are the buckets of which something is known.
func (s *Store) Counted() (out []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.attempts))
}

// Attempt decides alone.
func (s *Store) Attempt(_ context.Context, buckets []string, decide func(map[string]accounts.Attempts) error) error {
	return s.do(func() error {
		known := map[string]accounts.Attempts{}
		for _, b := range buckets {
			known[b] = s.attempts[b]
		}
		if err := decide(known); err != nil {
			return err
		}
		if s.attempts == nil {
			s.attempts = map[string]accounts.Attempts{}
		}
		maps.Copy(s.attempts, known)
		return nil
	})
}

// Tidy deletes what has ended.
func (s *Store) Tidy(_ context.Context, ended accounts.Ended) error {
	return s.do(func() error {
		s.sessions = slices.DeleteFunc(s.sessions, func(one accounts.Session) bool {
			return !one.CreatedAt.After(ended.Sessions) || !one.SeenAt.After(ended.Unused)
		})
		maps.DeleteFunc(s.setups, func(_ string, until time.Time) bool { return !until.After(ended.Setups) })
		maps.DeleteFunc(s.attempts, func(_ string, a accounts.Attempts) bool { return !a.Last.After(ended.Attempts) })
		return nil
	})
}
