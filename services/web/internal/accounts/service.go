package accounts

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// Options are what a service may be told. The zero value is ready for use.
type Options struct {
	// SetupToken is the token of the set-up link where an operator has chosen it.
	SetupToken string
	Now        func() time.Time // time.Now when nil
	Log        *slog.Logger     // slog.Default when nil
}

// Service is the use cases. Safe for concurrent use.
type Service struct {
	store  Store
	hasher Hasher
	setup  string // the hash of the chosen token, or ""
	token  string
	now    func() time.Time
	log    *slog.Logger

	refused refusals
	claimed atomic.Bool // there is an account, and accounts stay
}

// New makes the service.
func New(store Store, hasher Hasher, o Options) *Service {
	s := &Service{store: store, hasher: hasher, token: o.SetupToken, log: o.Log}
	clock := o.Now
	if clock == nil {
		clock = time.Now
	}
	s.now = func() time.Time { return clock().UTC().Truncate(time.Millisecond) } // as the store keeps it
	if s.log == nil {
		s.log = slog.Default()
	}
	if o.SetupToken != "" {
		s.setup = hashOf(o.SetupToken)
	}
	return s
}

// Visit is where a request comes from.
type Visit struct {
	Address string // of the client, without a port
	Agent   string // the browser's name for itself
	Session string // the token that the browser has, or ""
	Device  string // by which a browser is known that was signed in before, or ""
}

// Actor is who acts, and by what right.
type Actor struct {
	Account Account
	// Session and Token are the ids of what let it in; both are "" for a person
	// for whom an identity provider speaks.
	Session string
	Token   string
}

// secret makes a token of 130 random bits.
func secret() string { return rand.Text() }

// hashOf is what is kept of a token. A token is random and long, so a fast hash
// is enough.
func hashOf(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// maxTokenBytes bounds what is looked up at all.
const maxTokenBytes = 256

// Reachable is nil when the accounts can be asked for.
func (s *Service) Reachable(ctx context.Context) error { return s.store.Reachable(ctx) }

// Still reports as ErrUnauthenticated that an actor may act no more: a request
// that takes long asks again.
func (s *Service) Still(ctx context.Context, a Actor) error {
	var err error
	switch {
	case a.Session != "":
		var session Session
		if session, err = s.store.SessionByID(ctx, a.Account.ID, a.Session); err == nil && s.ended(session) {
			return ErrUnauthenticated
		}
	case a.Token != "":
		var all []Token
		if all, err = s.store.TokensOf(ctx, a.Account.ID); err == nil && !hasToken(all, a.Token) {
			return ErrUnauthenticated
		}
	default:
		_, err = s.store.Account(ctx, a.Account.ID)
	}
	return unknown("accounts.Still", err)
}

func hasToken(all []Token, id string) bool {
	for _, t := range all {
		if t.ID == id {
			return true
		}
	}
	return false
}

// unknown makes of what is not there somebody who is not known.
func unknown(op string, err error) error {
	if fault.KindOf(err) == fault.NotFound && err != nil {
		return ErrUnauthenticated.With(op, err)
	}
	return fault.Wrap(op, err)
}

// tidyEvery is how often what has ended is deleted.
const tidyEvery = time.Hour

// RunTidy deletes what has ended, at once and then every hour, until ctx ends.
// Several processes may run it.
func (s *Service) RunTidy(ctx context.Context) {
	for {
		if err := s.tidy(ctx); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "ended sessions could not be deleted; it is tried again", "err", err)
		}
		select {
		case <-time.After(tidyEvery):
		case <-ctx.Done():
			return
		}
	}
}

func (s *Service) tidy(ctx context.Context) error {
	now := s.now()
	return s.store.Tidy(ctx, Ended{
		Sessions: now.Add(-SessionLife), Unused: now.Add(-SessionIdle), Setups: now, Attempts: now.Add(-forgetAfter),
	})
}

// newID names a session or a token; it is no secret.
func (s *Service) newID() string { return identity.NewImageID(s.now()) }
