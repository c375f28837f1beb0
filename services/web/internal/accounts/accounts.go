// Package accounts decides who may use the gallery: the owner's account and how
// it is made, sign-in by password, sessions, API tokens, and how many guesses
// anybody has.
//
// It is plain Go behind ports. It knows no HTTP and no cookie, no database and
// no algorithm for passwords, and nothing of pictures: an account's id is the
// owner that the other services know.
package accounts

import (
	"net/mail"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

// Role says what an account may do. There is one until more people come.
type Role string

// RoleOwner may do everything.
const RoleOwner Role = "owner"

// FirstID is the id of the first account. It is the owner of a gallery without
// accounts, so that the account has all that was put there before it.
const FirstID = identity.LocalOwner

// Account is a person who may use the gallery.
type Account struct {
	ID           identity.Owner
	Name         string // as it is shown
	Email        string // "" for none
	Role         Role
	PasswordHash string // "" for an account that signs in elsewhere
	Subject      string // who it is at the identity provider; "" for none
	CreatedAt    time.Time
}

// Session is a browser that is signed in. Its token is known to the browser
// only.
type Session struct {
	ID        string // for lists and for ending it; no secret
	Account   identity.Owner
	Hash      string // of the token
	Previous  string // of the token before; "" for none
	Confirmed bool   // the browser has used its token, so it has the newest
	CreatedAt time.Time
	RotatedAt time.Time // when the token became this one
	SeenAt    time.Time // to a minute
	Address   string    // from which it was begun
	Agent     string    // the browser's name for itself
}

// Token lets a program in.
type Token struct {
	ID        string
	Account   identity.Owner
	Name      string // what its owner calls it
	Hash      string
	CreatedAt time.Time
	UsedAt    time.Time // to a minute; zero for never
}

// Limits on what people enter.
const (
	MaxNameRunes     = 64
	MaxEmailBytes    = 254 // RFC 5321, section 4.5.3.1.3
	MinPasswordRunes = 10
	MaxPasswordBytes = 1024
	MaxTokenName     = 64 // runes
	MaxTokens        = 50 // of an account
	MaxSessions      = 100
	MaxDevices       = 20
	maxAgentBytes    = 255
	maxAddressBytes  = 64
)

// How long things last.
const (
	// SessionIdle ends a session that is not used.
	SessionIdle = 30 * 24 * time.Hour
	// SessionLife ends a session whatever it is used for.
	SessionLife = 180 * 24 * time.Hour
	// RotateEvery is how often a session that is used gets another token.
	RotateEvery = 12 * time.Hour
	// RotateGrace is how long requests that were under way with the token before
	// are still let in.
	RotateGrace = time.Minute
	// SetupLife ends a set-up link.
	SetupLife = 24 * time.Hour
	seenEvery = time.Minute
)

// What the core refuses.
var (
	ErrUnauthenticated = fault.New(fault.Unauthenticated, "unauthenticated", "Please sign in.")
	ErrCredentials     = fault.New(fault.Unauthenticated, "credentials_wrong", "The name or the password is not right.")
	ErrAttempts        = fault.New(fault.RateLimited, "too_many_attempts", "There were too many wrong passwords. Please wait before the next try.")
	ErrBusy            = fault.New(fault.Unavailable, "sign_in_busy", "Many people are signing in at this moment. Please try again shortly.").RetryAfter(2 * time.Second)
	ErrSetupToken      = fault.New(fault.Forbidden, "setup_link_invalid", "This set-up link is not valid, or not any more. Starting the gallery again gives a new one.")
	ErrSetUp           = fault.New(fault.Conflict, "already_set_up", "The gallery has its owner's account already. Please sign in.")
	ErrNotInvited      = fault.New(fault.Forbidden, "not_invited", "This gallery belongs to somebody else. Its owner's account is another one.")
	ErrPassword        = fault.New(fault.Forbidden, "password_wrong", "The current password is not right. Nothing was changed.")
	ErrNoAccount       = fault.New(fault.NotFound, "account_not_found", "There is no such account.")
	ErrTokens          = fault.Newf(fault.Conflict, "too_many_tokens", "There are %d tokens, and no more are possible. Please revoke one first.", MaxTokens)

	errName          = fault.Newf(fault.Invalid, "name_invalid", "A name has 1 to %d letters, digits and spaces between them, and no @.", MaxNameRunes)
	errEmail         = fault.New(fault.Invalid, "email_invalid", "This is no e-mail address.")
	errPasswordShort = fault.Newf(fault.Invalid, "password_too_short", "A password has at least %d characters.", MinPasswordRunes)
	errPasswordLong  = fault.Newf(fault.Invalid, "password_too_long", "A password has at most %d bytes.", MaxPasswordBytes)
	errPasswordText  = fault.New(fault.Invalid, "password_invalid", "The password has characters that cannot be typed everywhere. Please choose others.")
	errPasswordName  = fault.New(fault.Invalid, "password_guessable", "The password is the name or the e-mail address. Please choose one that nobody can guess.")
	errTokenName     = fault.Newf(fault.Invalid, "token_name_invalid", "A token needs a name of 1 to %d characters.", MaxTokenName)
)

// nameKey is what all spellings of a name or an e-mail address have in common
// (RFC 8266). Two accounts never have the same.
func nameKey(name string) (string, bool) {
	if len(name) > 4*MaxEmailBytes {
		return "", false
	}
	key, err := precis.Nickname.CompareKey(name)
	return key, err == nil
}

// checkName is the name as it is kept. It has no '@', so that it is never taken
// for an e-mail address.
func checkName(name string) (string, error) {
	out, err := precis.Nickname.String(name)
	if err != nil || utf8.RuneCountInString(out) > MaxNameRunes || strings.Contains(out, "@") {
		return "", errName.With("accounts.checkName", err)
	}
	return out, nil
}

func checkEmail(email string) (string, error) {
	email = strings.TrimSpace(email)
	if email == "" {
		return "", nil
	}
	parsed, err := mail.ParseAddress(email)
	if err != nil || parsed.Address != email || len(email) > MaxEmailBytes {
		return "", errEmail.With("accounts.checkEmail", err)
	}
	if _, ok := nameKey(email); !ok {
		return "", errEmail
	}
	return email, nil
}

// readPassword is a password as it is compared, whichever keyboard it was typed
// on (RFC 8265, OpaqueString).
func readPassword(password string) (string, error) {
	if len(password) > MaxPasswordBytes {
		return "", errPasswordLong
	}
	out, err := precis.OpaqueString.String(password)
	if err != nil {
		return "", errPasswordText // without the cause, which tells of the password
	}
	return out, nil
}

// checkPassword is a new password as it is kept.
func checkPassword(password string, a Account) (string, error) {
	out, err := readPassword(password)
	if password == "" || err == nil && utf8.RuneCountInString(out) < MinPasswordRunes {
		return "", errPasswordShort
	}
	if err != nil {
		return "", err
	}
	if strings.EqualFold(out, a.Name) || strings.EqualFold(out, a.Email) {
		return "", errPasswordName
	}
	return out, nil
}

// cut is text of at most limit bytes, whole characters.
func cut(text string, limit int) string {
	text = strings.ToValidUTF8(text, "")
	for len(text) > limit {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return text
}
