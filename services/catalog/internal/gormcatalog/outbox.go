package gormcatalog

import (
	"context"
	"encoding/json"
	"math"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/gormdb"
	"github.com/sajin-gallery/sajin/services/catalog/internal/catalog"
)

const (
	// maxSubjectBytes bounds what of a subject the order is kept by. Subjects that
	// begin alike wait for each other, which harms nobody.
	maxSubjectBytes = 64
	// forEver is how long an event is claimed that was set aside, so that programs
	// which know of no such thing leave it alone.
	forEver = math.MaxInt64
)

// unpreceded holds for a row that no other about its subject has to go before.
// It looks at what is there and not at who has claimed it, since a relay beside
// this one may claim the older of two at this moment.
const unpreceded = `(catalog_outbox.subject = '' OR NOT EXISTS (SELECT 1 FROM catalog_outbox older
	WHERE older.subject = catalog_outbox.subject AND older.id < catalog_outbox.id AND NOT older.aside))`

// post fills the outbox. What is said twice is sent twice: the first may be on
// its way already, and be too early.
func post(tx *gorm.DB, c catalog.Changeset) error {
	for _, e := range c.Outbox {
		body, err := json.Marshal(e)
		if err != nil {
			return fault.As(fault.Internal, "gormcatalog.post", err)
		}
		if err := tx.Create(&outboxRow{Body: string(body), Subject: cut(e.Subject, maxSubjectBytes)}).Error; err != nil {
			return err
		}
	}
	return nil
}

func cut(s string, limit int) string {
	return strings.ToValidUTF8(s[:min(len(s), limit)], "")
}

// Claim takes events from the outbox. Rows that another relay is taking at this
// moment are passed over, not waited for.
func (s *Store) Claim(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]catalog.Message, error) {
	var rows []outboxRow
	err := gormdb.Transact(ctx, s.db, func(tx *gorm.DB) error {
		err := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate, Options: clause.LockingOptionsSkipLocked}).
			Where("claimed_until_ms <= ? AND "+unpreceded, now.UnixMilli()).Order("claimed_until_ms, id").Limit(limit).Find(&rows).Error
		if err != nil || len(rows) == 0 {
			return err
		}
		ids := make([]int64, len(rows))
		for i, r := range rows {
			ids[i] = r.ID
		}
		return tx.Model(&outboxRow{}).Where("id IN ?", ids).Update("claimed_until_ms", now.Add(lease).UnixMilli()).Error
	})
	if err != nil {
		return nil, fault.Wrap("gormcatalog.Claim", err)
	}
	out := make([]catalog.Message, len(rows))
	for i, r := range rows {
		out[i] = r.message()
	}
	return out, nil
}

func (r outboxRow) message() catalog.Message {
	m := catalog.Message{ID: r.ID, Attempts: r.Attempts}
	if r.FailedMS > 0 {
		m.FailedAt = fromMS(r.FailedMS)
	}
	if err := json.Unmarshal([]byte(r.Body), &m.Event); err != nil {
		m.Event, m.Err = event.Event{}, event.ErrMalformed.With("gormcatalog.Claim", err)
	}
	return m
}

// Sent removes events from the outbox.
func (s *Store) Sent(ctx context.Context, ids []int64) error {
	return s.settle(ctx, ids, func(tx *gorm.DB) error { return tx.Delete(&outboxRow{}, "id IN ?", ids).Error })
}

// Release gives claimed events back: those that failed before, behind those that
// never did.
func (s *Store) Release(ctx context.Context, ids []int64) error {
	return s.settle(ctx, ids, func(tx *gorm.DB) error {
		return tx.Model(&outboxRow{}).Where("id IN ?", ids).Update("claimed_until_ms", gorm.Expr("failed_ms")).Error
	})
}

func (s *Store) settle(ctx context.Context, ids []int64, f func(*gorm.DB) error) error {
	if len(ids) == 0 {
		return nil
	}
	return fault.Wrap("gormcatalog.settle", gormdb.Transact(ctx, s.db, f))
}

// PutOff notes failures.
func (s *Store) PutOff(ctx context.Context, failures []catalog.Failure) error {
	if len(failures) == 0 {
		return nil
	}
	err := gormdb.Transact(ctx, s.db, func(tx *gorm.DB) error {
		for _, f := range failures {
			row := outboxRow{ClaimedUntilMS: f.Until.UnixMilli(), Attempts: f.Attempts, FailedMS: f.At.UnixMilli(), Aside: f.Aside, Reason: cut(f.Reason, catalog.MaxDetailBytes)}
			if f.Aside {
				row.ClaimedUntilMS = forEver
			}
			err := tx.Model(&outboxRow{}).Where("id = ?", f.ID).Select("claimed_until_ms", "attempts", "failed_ms", "aside", "reason").Updates(&row).Error
			if err != nil {
				return err
			}
		}
		return nil
	})
	return fault.Wrap("gormcatalog.PutOff", err)
}

// Readmit has everything that was set aside be tried as if for the first time.
func (s *Store) Readmit(ctx context.Context) (int, error) {
	n := 0
	err := gormdb.Transact(ctx, s.db, func(tx *gorm.DB) error {
		done := tx.Model(&outboxRow{}).Where("aside").Updates(map[string]any{"attempts": 0, "claimed_until_ms": 0, "failed_ms": 0, "aside": false})
		n = int(done.RowsAffected)
		return done.Error
	})
	return n, fault.Wrap("gormcatalog.Readmit", err)
}

// Backlog counts, and reads the few rows that say more.
func (s *Store) Backlog(ctx context.Context) (catalog.Backlog, error) {
	var out catalog.Backlog
	var counts struct{ Waiting, Aside *int } // NULL of an empty table
	db := s.db.WithContext(ctx)
	err := db.Model(&outboxRow{}).Select("SUM(NOT aside) AS waiting, SUM(aside) AS aside").Scan(&counts).Error
	if err != nil || counts.Waiting == nil {
		return out, gormdb.Fault("gormcatalog.Backlog", err)
	}
	out.Waiting, out.Aside = *counts.Waiting, *counts.Aside
	for _, one := range []struct {
		where, order string
		say          func(outboxRow)
	}{
		{"NOT aside", "id", func(r outboxRow) { out.Oldest = r.message().Event.Time }},
		{"NOT aside AND " + unpreceded, "claimed_until_ms, id", func(r outboxRow) { out.Next = fromMS(r.ClaimedUntilMS) }},
		{"aside", "failed_ms DESC, id DESC", func(r outboxRow) { out.Reason = r.Reason }},
	} {
		var rows []outboxRow
		if err := db.Where(one.where).Order(one.order).Limit(1).Find(&rows).Error; err != nil {
			return out, gormdb.Fault("gormcatalog.Backlog", err)
		}
		for _, r := range rows {
			one.say(r)
		}
	}
	return out, nil
}
