package gormdb

import (
	"context"
	"database/sql"
	"errors"
	"math/rand/v2"
	"time"

	"gorm.io/gorm"

	"github.com/sajin-gallery/sajin/pkg/fault"
)

// MaxRetries is how often a whole transaction is tried again.
const MaxRetries = 3

// retryBase is the wait before the first retry; it doubles, with jitter.
const retryBase = 10 * time.Millisecond

// Transact runs f in one transaction and commits it, or rolls it back when f
// returns an error. When the database gave the transaction up (deadlock, lock
// wait, SQLITE_BUSY), the whole of it is tried again, up to MaxRetries times:
// f may run more than once, and must not have effects outside tx.
//
// On MySQL it reads what is committed (READ COMMITTED), which takes no gap
// locks; on SQLite it is alone. Both statements and waits end with ctx. A
// connection that is lost at the commit leaves the outcome unknown; the error
// is then Unavailable, and the caller's retry must be idempotent.
//
// Writes belong here even when there is one only: SQLite's driver passes over
// a single statement whose context ends just before it, without an error, and
// a transaction notices that at its commit.
func Transact(ctx context.Context, db *gorm.DB, f func(tx *gorm.DB) error) error {
	for attempt := 0; ; attempt++ {
		err := Fault("gormdb.Transact", once(ctx, db, f))
		if err == nil || !errors.Is(err, ErrBusy) || attempt == MaxRetries {
			return err
		}
		wait := retryBase << attempt
		select {
		case <-time.After(wait/2 + rand.N(wait)):
		case <-ctx.Done():
			return err
		}
	}
}

func once(ctx context.Context, db *gorm.DB, f func(tx *gorm.DB) error) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap("gormdb.Transact", err)
	}
	options := &sql.TxOptions{}
	if !isSQLite(db) {
		options.Isolation = sql.LevelReadCommitted
	}
	return db.WithContext(ctx).Transaction(f, options)
}
