package gormaccounts

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/sajin-gallery/sajin/pkg/gormdb"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/web/internal/accounts"
)

// AddToken counts and adds alone: the account's row is locked meanwhile.
func (s *Store) AddToken(ctx context.Context, t accounts.Token, password string, most int) (added bool, _ error) {
	row := tokenRow{ID: t.ID, AccountID: string(t.Account), Name: t.Name, Hash: t.Hash, CreatedMS: t.CreatedAt.UnixMilli()}
	err := s.write(ctx, "gormaccounts.AddToken", func(tx *gorm.DB) error {
		if err := lockWith(tx, row.AccountID, password); err != nil {
			return err
		}
		var n int64
		if err := tx.Model(&tokenRow{}).Where("account_id = ?", row.AccountID).Count(&n).Error; err != nil {
			return err
		}
		if added = int(n) < most; !added {
			return nil
		}
		return tx.Create(&row).Error
	})
	return added && err == nil, err
}

// Token finds a token with its account.
func (s *Store) Token(ctx context.Context, hash string) (accounts.Token, accounts.Account, error) {
	var row tokenRow
	if err := s.db.WithContext(ctx).Where("hash = ?", hash).Take(&row).Error; err != nil {
		return accounts.Token{}, accounts.Account{}, gormdb.Fault("gormaccounts.Token", err)
	}
	account, err := s.Account(ctx, identity.Owner(row.AccountID))
	return row.token(), account, err
}

// TokenUsed notes the use of a token.
func (s *Store) TokenUsed(ctx context.Context, id string, at time.Time) error {
	return s.write(ctx, "gormaccounts.TokenUsed", func(tx *gorm.DB) error {
		return tx.Model(&tokenRow{}).Where("id = ?", id).Update("used_ms", at.UnixMilli()).Error
	})
}

// TokensOf lists the tokens of an account.
func (s *Store) TokensOf(ctx context.Context, account identity.Owner) ([]accounts.Token, error) {
	var rows []tokenRow
	err := s.db.WithContext(ctx).Where("account_id = ?", string(account)).Order("created_ms DESC, id DESC").Find(&rows).Error
	out := make([]accounts.Token, len(rows))
	for i, row := range rows {
		out[i] = row.token()
	}
	return out, gormdb.Fault("gormaccounts.TokensOf", err)
}

// Revoke deletes a token of an account.
func (s *Store) Revoke(ctx context.Context, account identity.Owner, id string) error {
	return s.write(ctx, "gormaccounts.Revoke", func(tx *gorm.DB) error {
		return tx.Where("id = ? AND account_id = ?", id, string(account)).Delete(&tokenRow{}).Error
	})
}
