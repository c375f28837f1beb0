package gormaccounts

import (
	"strings"
	"time"

	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/web/internal/accounts"
)

// The rows of the tables. A test holds them to the migrated schema, so their
// tags say what the migrations say: which columns may be NULL, and the indexes.

type accountRow struct {
	ID           string  `gorm:"primaryKey"`
	Name         string  `gorm:"not null"`
	NameKey      string  `gorm:"not null;uniqueIndex:web_accounts_name"`
	Email        string  `gorm:"not null"`
	EmailKey     *string `gorm:"uniqueIndex:web_accounts_email"`
	Role         string  `gorm:"not null"`
	PasswordHash string  `gorm:"not null"`
	Subject      *string `gorm:"uniqueIndex:web_accounts_subject"`
	CreatedMS    int64   `gorm:"column:created_ms;not null"`
}

type setupRow struct {
	Hash    string `gorm:"primaryKey"`
	UntilMS int64  `gorm:"column:until_ms;not null"`
}

type sessionRow struct {
	ID           string  `gorm:"primaryKey"`
	AccountID    string  `gorm:"not null;index:web_sessions_account,priority:1"`
	Hash         string  `gorm:"not null;uniqueIndex:web_sessions_hash"`
	PreviousHash *string `gorm:"uniqueIndex:web_sessions_previous"`
	Confirmed    bool    `gorm:"not null"`
	CreatedMS    int64   `gorm:"column:created_ms;not null"`
	RotatedMS    int64   `gorm:"column:rotated_ms;not null"`
	SeenMS       int64   `gorm:"column:seen_ms;not null;index:web_sessions_account,priority:2"`
	Address      string  `gorm:"not null"`
	Agent        string  `gorm:"not null"`
}

type deviceRow struct {
	Hash      string `gorm:"primaryKey"`
	AccountID string `gorm:"not null;index:web_devices_account,priority:1"`
	CreatedMS int64  `gorm:"column:created_ms;not null;index:web_devices_account,priority:2"`
}

type tokenRow struct {
	ID        string `gorm:"primaryKey"`
	AccountID string `gorm:"not null;index:web_tokens_account,priority:1"`
	Name      string `gorm:"not null"`
	Hash      string `gorm:"not null;uniqueIndex:web_tokens_hash"`
	CreatedMS int64  `gorm:"column:created_ms;not null;index:web_tokens_account,priority:2"`
	UsedMS    *int64 `gorm:"column:used_ms"`
}

type attemptRow struct {
	Bucket   string `gorm:"primaryKey"`
	Failures int    `gorm:"not null"`
	LastMS   int64  `gorm:"column:last_ms;not null;index:web_attempts_last"`
	NextMS   int64  `gorm:"column:next_ms;not null"`
}

// TableName puts the web service's prefix on it, so that it can share a database.
func (accountRow) TableName() string { return "web_accounts" }

// TableName is as that of accountRow.
func (setupRow) TableName() string { return "web_setups" }

// TableName is as that of accountRow.
func (sessionRow) TableName() string { return "web_sessions" }

// TableName is as that of accountRow.
func (deviceRow) TableName() string { return "web_devices" }

// TableName is as that of accountRow.
func (tokenRow) TableName() string { return "web_tokens" }

// TableName is as that of accountRow.
func (attemptRow) TableName() string { return "web_attempts" }

func rowOf(a accounts.Account, keys accounts.Keys) accountRow {
	return accountRow{
		ID: string(a.ID), Name: a.Name, NameKey: keys.Name, Email: a.Email, EmailKey: optional(keys.Email),
		Role: string(a.Role), PasswordHash: a.PasswordHash, Subject: optional(a.Subject), CreatedMS: a.CreatedAt.UnixMilli(),
	}
}

func (r accountRow) account() accounts.Account {
	return accounts.Account{
		ID: identity.Owner(r.ID), Name: r.Name, Email: r.Email, Role: accounts.Role(r.Role),
		PasswordHash: r.PasswordHash, Subject: text(r.Subject), CreatedAt: moment(r.CreatedMS),
	}
}

func sessionRowOf(s accounts.Session) sessionRow {
	return sessionRow{
		ID: s.ID, AccountID: string(s.Account), Hash: s.Hash, PreviousHash: optional(s.Previous), Confirmed: s.Confirmed,
		CreatedMS: s.CreatedAt.UnixMilli(), RotatedMS: s.RotatedAt.UnixMilli(), SeenMS: s.SeenAt.UnixMilli(),
		Address: s.Address, Agent: s.Agent,
	}
}

func (r sessionRow) session() accounts.Session {
	return accounts.Session{
		ID: r.ID, Account: identity.Owner(r.AccountID), Hash: r.Hash, Previous: text(r.PreviousHash), Confirmed: r.Confirmed,
		CreatedAt: moment(r.CreatedMS), RotatedAt: moment(r.RotatedMS), SeenAt: moment(r.SeenMS), Address: r.Address, Agent: r.Agent,
	}
}

func (r tokenRow) token() accounts.Token {
	out := accounts.Token{ID: r.ID, Account: identity.Owner(r.AccountID), Name: r.Name, Hash: r.Hash, CreatedAt: moment(r.CreatedMS)}
	if r.UsedMS != nil {
		out.UsedAt = moment(*r.UsedMS)
	}
	return out
}

func (r attemptRow) attempts() accounts.Attempts {
	return accounts.Attempts{Failures: r.Failures, Last: moment(r.LastMS), Next: moment(r.NextMS)}
}

func attemptRowOf(bucket string, a accounts.Attempts) attemptRow {
	return attemptRow{Bucket: bucket, Failures: a.Failures, LastMS: millis(a.Last), NextMS: millis(a.Next)}
}

// moment and millis keep the zero time as 0.
func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// optional is NULL for "", of which a unique index takes any number.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// column is the one that a key is of: only an e-mail address has an '@'.
func column(key string) string {
	if strings.Contains(key, "@") {
		return "email_key"
	}
	return "name_key"
}
