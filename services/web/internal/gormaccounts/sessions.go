package gormaccounts

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/sajin-gallery/sajin/pkg/gormdb"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/web/internal/accounts"
)

// Begin adds a session, in one transaction with the ends of others.
func (s *Store) Begin(ctx context.Context, session accounts.Session, password, replaces string, most int) error {
	row := sessionRowOf(session)
	return s.write(ctx, "gormaccounts.Begin", func(tx *gorm.DB) error {
		if err := lockWith(tx, row.AccountID, password); err != nil {
			return err
		}
		if err := tx.Where("id = ?", replaces).Delete(&sessionRow{}).Error; err != nil {
			return err
		}
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		return keepNewest(tx, &sessionRow{}, "id", "seen_ms DESC, id DESC", row.AccountID, most)
	})
}

// mostDropped bounds one deletion. Rows are added one by one.
const mostDropped = 1000

// keepNewest deletes an account's rows beyond the first most in an order. Table,
// key and order are ours: nothing in them comes from outside.
func keepNewest(tx *gorm.DB, row any, key, order, account string, most int) error {
	var beyond []string
	err := tx.Model(row).Where("account_id = ?", account).Order(order).Limit(mostDropped).Offset(most).Pluck(key, &beyond).Error
	if err != nil || len(beyond) == 0 {
		return err
	}
	return tx.Where(key+" IN ?", beyond).Delete(row).Error
}

// Session finds the session by one of two look-ups by key: an OR would read the
// table as a whole.
func (s *Store) Session(ctx context.Context, hash string) (accounts.Session, accounts.Account, error) {
	for _, column := range []string{"hash", "previous_hash"} {
		var session sessionRow
		err := s.db.WithContext(ctx).Where(column+" = ?", hash).Limit(1).Find(&session).Error
		if err != nil {
			return accounts.Session{}, accounts.Account{}, gormdb.Fault("gormaccounts.Session", err)
		}
		if session.ID != "" {
			account, err := s.Account(ctx, identity.Owner(session.AccountID))
			return session.session(), account, err
		}
	}
	return accounts.Session{}, accounts.Account{}, gormdb.Fault("gormaccounts.Session", gorm.ErrRecordNotFound)
}

// SessionByID finds a session of an account.
func (s *Store) SessionByID(ctx context.Context, account identity.Owner, id string) (accounts.Session, error) {
	var row sessionRow
	err := s.db.WithContext(ctx).Where("id = ? AND account_id = ?", id, string(account)).Take(&row).Error
	return row.session(), gormdb.Fault("gormaccounts.SessionByID", err)
}

// Rotate replaces the token of a session that still has the one it is known by.
func (s *Store) Rotate(ctx context.Context, id, current, from, to string, at time.Time) (done bool, _ error) {
	err := s.write(ctx, "gormaccounts.Rotate", func(tx *gorm.DB) error {
		changed := tx.Model(&sessionRow{}).Where("id = ? AND hash = ?", id, current).Updates(map[string]any{
			"hash": to, "previous_hash": from, "confirmed": false, "rotated_ms": at.UnixMilli(), "seen_ms": at.UnixMilli(),
		})
		done = changed.RowsAffected == 1
		return changed.Error
	})
	return done && err == nil, err
}

// Seen notes the use of a session.
func (s *Store) Seen(ctx context.Context, id, current string, at time.Time, confirmed bool) error {
	return s.write(ctx, "gormaccounts.Seen", func(tx *gorm.DB) error {
		return tx.Model(&sessionRow{}).Where("id = ? AND hash = ?", id, current).Updates(map[string]any{"seen_ms": at.UnixMilli(), "confirmed": confirmed}).Error
	})
}

// SessionsOf lists the sessions of an account.
func (s *Store) SessionsOf(ctx context.Context, account identity.Owner) ([]accounts.Session, error) {
	var rows []sessionRow
	err := s.db.WithContext(ctx).Where("account_id = ?", string(account)).Order("seen_ms DESC, id DESC").Find(&rows).Error
	out := make([]accounts.Session, len(rows))
	for i, row := range rows {
		out[i] = row.session()
	}
	return out, gormdb.Fault("gormaccounts.SessionsOf", err)
}

// End deletes a session of an account.
func (s *Store) End(ctx context.Context, account identity.Owner, id string) error {
	return s.write(ctx, "gormaccounts.End", func(tx *gorm.DB) error {
		return tx.Where("id = ? AND account_id = ?", id, string(account)).Delete(&sessionRow{}).Error
	})
}

// EndAll deletes the sessions and the devices of an account.
func (s *Store) EndAll(ctx context.Context, account identity.Owner) error {
	return s.write(ctx, "gormaccounts.EndAll", func(tx *gorm.DB) error {
		if err := tx.Where("account_id = ?", string(account)).Delete(&sessionRow{}).Error; err != nil {
			return err
		}
		return tx.Where("account_id = ?", string(account)).Delete(&deviceRow{}).Error
	})
}

// AddDevice adds a device and forgets the oldest.
func (s *Store) AddDevice(ctx context.Context, account identity.Owner, hash string, at time.Time, most int) error {
	row := deviceRow{Hash: hash, AccountID: string(account), CreatedMS: at.UnixMilli()}
	return s.write(ctx, "gormaccounts.AddDevice", func(tx *gorm.DB) error {
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		return keepNewest(tx, &deviceRow{}, "hash", "created_ms DESC, hash DESC", row.AccountID, most)
	})
}

// DeviceOf finds the account of a device.
func (s *Store) DeviceOf(ctx context.Context, hash string) (identity.Owner, error) {
	var ids []string
	err := s.db.WithContext(ctx).Model(&deviceRow{}).Where("hash = ?", hash).Pluck("account_id", &ids).Error
	if err != nil || len(ids) == 0 {
		return "", gormdb.Fault("gormaccounts.DeviceOf", err)
	}
	return identity.Owner(ids[0]), nil
}
