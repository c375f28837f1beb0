package accounts

import (
	"context"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// ErrReplaced says that an account has another password than the one that let
// somebody in.
var ErrReplaced = fault.New(fault.Conflict, "password_replaced", "The password has been changed. Please sign in again.")

// Hasher keeps passwords so that they can be compared and not read.
type Hasher interface {
	// Hash is what is stored of a password. It takes the time and the memory that
	// Verify takes, and ErrBusy says that too many ask at once.
	Hash(ctx context.Context, password string) (string, error)
	// Verify reports whether a password is the one that was hashed. For hash ""
	// it does the same work and says no.
	Verify(ctx context.Context, hash, password string) (bool, error)
}

// Store keeps accounts and what belongs to them. Every method is one
// transaction, safe for concurrent use by several processes. Times are kept to
// the millisecond. What is not there is a fault of the kind NotFound.
type Store interface {
	People
	Sessions
	Tokens
	Attempted
	// Tidy deletes what has ended.
	Tidy(ctx context.Context, ended Ended) error
	// Reachable is nil when the store answers.
	Reachable(ctx context.Context) error
}

// Ended says before when things count as ended.
type Ended struct {
	Sessions time.Time // begun
	Unused   time.Time // sessions last seen
	Setups   time.Time // that were good until
	Attempts time.Time // last made
}

// People keeps the accounts.
type People interface {
	// Count is how many accounts there are.
	Count(ctx context.Context) (int, error)
	// Create adds an account with the keys that find it, and ends all set-ups. Of
	// two with the same id, key or subject the second is a Conflict.
	Create(ctx context.Context, a Account, keys Keys) error
	Account(ctx context.Context, id identity.Owner) (Account, error)
	// Find gives the account with this key, of its name or its e-mail address.
	Find(ctx context.Context, key string) (Account, error)
	BySubject(ctx context.Context, subject string) (Account, error)
	// SetSubject says who the account is at the identity provider, where nobody
	// is said yet; else it is a Conflict.
	SetSubject(ctx context.Context, id identity.Owner, subject string) error
	// SetPassword replaces the password's hash and ends all sessions, tokens and
	// devices of the account; then it begins a session, unless that is nil.
	SetPassword(ctx context.Context, id identity.Owner, hash string, s *Session) error

	// AddSetup keeps a set-up link's hash.
	AddSetup(ctx context.Context, hash string, until time.Time) error
	// HasSetup reports whether a set-up link is good.
	HasSetup(ctx context.Context, hash string, now time.Time) (bool, error)
}

// Keys find an account. Email is "" for an account without.
type Keys struct{ Name, Email string }

// Sessions keeps the sessions, and the browsers that have been let in before.
type Sessions interface {
	// Begin adds a session and ends the one that it replaces ("" for none), and
	// those beyond the most that an account may have, the longest unused first.
	// password is the hash that the account had when it was let in: with another
	// by now it is ErrReplaced, so that what SetPassword ends does not begin
	// again behind its back.
	Begin(ctx context.Context, s Session, password, replaces string, most int) error
	// Session finds a session by the hash of its token or of the one before, with
	// its account.
	Session(ctx context.Context, hash string) (Session, Account, error)
	// SessionByID finds a session of an account.
	SessionByID(ctx context.Context, account identity.Owner, id string) (Session, error)
	// Rotate gives a session the token with hash to, which makes from the one
	// before, if it still has current; it reports whether it had.
	Rotate(ctx context.Context, id, current, from, to string, at time.Time) (bool, error)
	// Seen notes that a session was used, with its newest token if confirmed. One
	// that has another token than current by now stays as it is; one that is not
	// there is no error.
	Seen(ctx context.Context, id, current string, at time.Time, confirmed bool) error
	// SessionsOf lists an account's sessions, the last used first.
	SessionsOf(ctx context.Context, account identity.Owner) ([]Session, error)
	// End ends a session of an account. One that is not there is no error.
	End(ctx context.Context, account identity.Owner, id string) error
	// EndAll ends all sessions of an account and forgets its devices.
	EndAll(ctx context.Context, account identity.Owner) error

	// AddDevice remembers that a browser was let in, for the last most of them.
	AddDevice(ctx context.Context, account identity.Owner, hash string, at time.Time, most int) error
	// DeviceOf is the account that a browser was let in for, or "".
	DeviceOf(ctx context.Context, hash string) (identity.Owner, error)
}

// Tokens keeps the tokens of programs.
type Tokens interface {
	// AddToken adds a token, unless the account has the most that it may have: it
	// reports whether it did. password is as for Begin.
	AddToken(ctx context.Context, t Token, password string, most int) (bool, error)
	// Token finds a token by its hash, with its account.
	Token(ctx context.Context, hash string) (Token, Account, error)
	// TokenUsed notes that a token was used. One that is not there is no error.
	TokenUsed(ctx context.Context, id string, at time.Time) error
	// TokensOf lists an account's tokens, the newest first.
	TokensOf(ctx context.Context, account identity.Owner) ([]Token, error)
	// Revoke ends a token of an account. One that is not there is no error.
	Revoke(ctx context.Context, account identity.Owner, id string) error
}

// Attempted keeps how often it was tried to get in.
type Attempted interface {
	// Attempt replaces what is known of some buckets by what decide makes of it,
	// alone: nobody else decides about any of them meanwhile. A bucket of which
	// nothing is known is zero. decide may run more than once; with an error of
	// its nothing is changed, and Attempt returns it.
	Attempt(ctx context.Context, buckets []string, decide func(map[string]Attempts) error) error
}
