// Package gormaccounts is the store of accounts, sessions and tokens on GORM:
// MySQL, MariaDB and SQLite with the same code and a schema each.
//
// It decides nothing: what is good and for how long is the core's to say. It
// knows no HTTP, no cookie and no password.
package gormaccounts

import (
	"context"
	"embed"
	"io/fs"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/gormdb"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/web/internal/accounts"
)

//go:embed migrations/mysql/*.sql migrations/sqlite/*.sql
var files embed.FS

// migrationsTable is the web service's own, so that it can share a database.
const migrationsTable = "web_migrations"

// Store is an accounts.Store in a database.
type Store struct{ db *gorm.DB }

var _ accounts.Store = (*Store)(nil)

// New makes a store on a database that gormdb opened. It does not touch it.
func New(db *gorm.DB) *Store { return &Store{db} }

// Migrate brings the schema up to date; see gormdb.Migrate.
func (s *Store) Migrate(ctx context.Context) error {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		return fault.As(fault.Internal, "gormaccounts.Migrate", err)
	}
	return gormdb.Migrate(ctx, s.db, gormdb.Migrations{FS: sub, Table: migrationsTable})
}

// SchemaVersions says how far the schema is; see gormdb.SchemaVersions.
func (s *Store) SchemaVersions(ctx context.Context) (gormdb.Versions, error) {
	sub, err := fs.Sub(files, "migrations")
	if err != nil {
		return gormdb.Versions{}, fault.As(fault.Internal, "gormaccounts.SchemaVersions", err)
	}
	return gormdb.SchemaVersions(ctx, s.db, gormdb.Migrations{FS: sub, Table: migrationsTable})
}

// Reachable asks for as little as can be asked, of a table of ours.
func (s *Store) Reachable(ctx context.Context) error {
	var ids []string
	err := s.db.WithContext(ctx).Model(&accountRow{}).Limit(1).Pluck("id", &ids).Error
	return gormdb.Fault("gormaccounts.Reachable", err)
}

// write is one transaction; see gormdb.Transact.
func (s *Store) write(ctx context.Context, op string, f func(tx *gorm.DB) error) error {
	return fault.Wrap(op, gormdb.Transact(ctx, s.db, f))
}

// Count counts the accounts.
func (s *Store) Count(ctx context.Context) (int, error) {
	var n int64
	err := s.db.WithContext(ctx).Model(&accountRow{}).Count(&n).Error
	return int(n), gormdb.Fault("gormaccounts.Count", err)
}

// Create adds the account and deletes the set-ups in one transaction.
func (s *Store) Create(ctx context.Context, a accounts.Account, keys accounts.Keys) error {
	row := rowOf(a, keys)
	return s.write(ctx, "gormaccounts.Create", func(tx *gorm.DB) error {
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		return tx.Where("1 = 1").Delete(&setupRow{}).Error
	})
}

// Account finds an account by its id.
func (s *Store) Account(ctx context.Context, id identity.Owner) (accounts.Account, error) {
	return s.find(ctx, "id = ?", string(id))
}

// Find finds an account by a key.
func (s *Store) Find(ctx context.Context, key string) (accounts.Account, error) {
	return s.find(ctx, column(key)+" = ?", key)
}

// BySubject finds an account by who it is at the identity provider.
func (s *Store) BySubject(ctx context.Context, subject string) (accounts.Account, error) {
	return s.find(ctx, "subject = ?", subject)
}

func (s *Store) find(ctx context.Context, condition, value string) (accounts.Account, error) {
	var row accountRow
	err := s.db.WithContext(ctx).Where(condition, value).Take(&row).Error
	return row.account(), gormdb.Fault("gormaccounts.find", err)
}

// lock keeps others from changing an account until the transaction ends.
func lock(tx *gorm.DB, id string) (row accountRow, err error) {
	err = tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Where("id = ?", id).Take(&row).Error
	return row, err
}

// lockWith is lock for an account that has a password still.
func lockWith(tx *gorm.DB, id, password string) error {
	row, err := lock(tx, id)
	if err == nil && row.PasswordHash != password {
		return accounts.ErrReplaced
	}
	return err
}

// SetSubject writes where nothing is written yet.
func (s *Store) SetSubject(ctx context.Context, id identity.Owner, subject string) error {
	return s.write(ctx, "gormaccounts.SetSubject", func(tx *gorm.DB) error {
		if _, err := lock(tx, string(id)); err != nil {
			return err
		}
		changed := tx.Model(&accountRow{}).Where("id = ? AND subject IS NULL", string(id)).Update("subject", subject)
		if changed.Error == nil && changed.RowsAffected == 0 {
			return gormdb.ErrDuplicate
		}
		return changed.Error
	})
}

// SetPassword ends everything that the password before let in.
func (s *Store) SetPassword(ctx context.Context, id identity.Owner, hash string, session *accounts.Session) error {
	return s.write(ctx, "gormaccounts.SetPassword", func(tx *gorm.DB) error {
		if _, err := lock(tx, string(id)); err != nil {
			return err
		}
		if err := tx.Model(&accountRow{}).Where("id = ?", string(id)).Update("password_hash", hash).Error; err != nil {
			return err
		}
		for _, row := range []any{&sessionRow{}, &tokenRow{}, &deviceRow{}} {
			if err := tx.Where("account_id = ?", string(id)).Delete(row).Error; err != nil {
				return err
			}
		}
		if session == nil {
			return nil
		}
		row := sessionRowOf(*session)
		return tx.Create(&row).Error
	})
}

// AddSetup adds a set-up's hash.
func (s *Store) AddSetup(ctx context.Context, hash string, until time.Time) error {
	return s.write(ctx, "gormaccounts.AddSetup", func(tx *gorm.DB) error {
		return tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&setupRow{Hash: hash, UntilMS: until.UnixMilli()}).Error
	})
}

// HasSetup looks for a set-up that has not ended.
func (s *Store) HasSetup(ctx context.Context, hash string, now time.Time) (bool, error) {
	var n int64
	err := s.db.WithContext(ctx).Model(&setupRow{}).Where("hash = ? AND until_ms > ?", hash, now.UnixMilli()).Count(&n).Error
	return n > 0, gormdb.Fault("gormaccounts.HasSetup", err)
}

// Tidy deletes what has ended.
func (s *Store) Tidy(ctx context.Context, ended accounts.Ended) error {
	return s.write(ctx, "gormaccounts.Tidy", func(tx *gorm.DB) error {
		for _, old := range []struct {
			row       any
			condition string
			args      []any
		}{
			{&sessionRow{}, "created_ms <= ? OR seen_ms <= ?", []any{ended.Sessions.UnixMilli(), ended.Unused.UnixMilli()}},
			{&setupRow{}, "until_ms <= ?", []any{ended.Setups.UnixMilli()}},
			{&attemptRow{}, "last_ms <= ?", []any{ended.Attempts.UnixMilli()}},
		} {
			if err := tx.Where(old.condition, old.args...).Delete(old.row).Error; err != nil {
				return err
			}
		}
		return nil
	})
}

// Attempt locks the rows of the buckets, in one order for everybody, and makes
// those that are missing first: a row that is not there cannot be locked.
func (s *Store) Attempt(ctx context.Context, buckets []string, decide func(map[string]accounts.Attempts) error) error {
	return s.write(ctx, "gormaccounts.Attempt", func(tx *gorm.DB) error {
		fresh := make([]attemptRow, len(buckets))
		for i, bucket := range buckets {
			fresh[i].Bucket = bucket
		}
		if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&fresh).Error; err != nil {
			return err
		}
		var rows []attemptRow
		err := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Where("bucket IN ?", buckets).Order("bucket").Find(&rows).Error
		if err != nil {
			return err
		}
		known := make(map[string]accounts.Attempts, len(rows))
		for _, row := range rows {
			known[row.Bucket] = row.attempts()
		}
		if err := decide(known); err != nil {
			return err
		}
		for i := range rows {
			rows[i] = attemptRowOf(rows[i].Bucket, known[rows[i].Bucket])
		}
		return tx.Clauses(clause.OnConflict{UpdateAll: true}).Create(&rows).Error
	})
}
