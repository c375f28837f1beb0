package gormcatalog

import (
	"context"
	"encoding/json"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/gormdb"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/catalog/internal/catalog"
)

// Last is the end of the owner's feed.
func (s *Store) Last(ctx context.Context, owner identity.Owner) (int64, error) {
	var rows []feedRow
	if err := s.db.WithContext(ctx).Where("owner = ?", owner).Find(&rows).Error; err != nil {
		return 0, gormdb.Fault("gormcatalog.Last", err)
	}
	if len(rows) == 0 {
		return 0, nil
	}
	return rows[0].LastSeq, nil
}

// Changes reads the owner's feed.
func (s *Store) Changes(ctx context.Context, owner identity.Owner, after int64, limit int) ([]catalog.Change, error) {
	var rows []changeRow
	err := s.db.WithContext(ctx).Where("owner = ? AND seq > ?", owner, after).Order("seq").Limit(limit).Find(&rows).Error
	if err != nil {
		return nil, gormdb.Fault("gormcatalog.Changes", err)
	}
	out := make([]catalog.Change, len(rows))
	for i, r := range rows {
		out[i] = catalog.Change{Seq: r.Seq, ImageID: r.ImageID, AlbumID: r.AlbumID, Kind: r.Kind, At: fromMS(r.AtMS)}
	}
	return out, nil
}

// Compact deletes old changes from the front of their feeds.
func (s *Store) Compact(ctx context.Context, before time.Time, limit int) (int, error) {
	var old []changeRow
	err := s.db.WithContext(ctx).Where("at_ms < ?", before.UnixMilli()).Order("at_ms").Limit(limit).Find(&old).Error
	if err != nil || len(old) == 0 {
		return 0, gormdb.Fault("gormcatalog.Compact", err)
	}
	ends := map[string]int64{}
	for _, r := range old {
		ends[r.Owner] = max(ends[r.Owner], r.Seq)
	}
	for owner, end := range ends {
		err := gormdb.Transact(ctx, s.db, func(tx *gorm.DB) error {
			return tx.Where("owner = ? AND seq <= ?", owner, end).Delete(&changeRow{}).Error
		})
		if err != nil {
			return 0, fault.Wrap("gormcatalog.Compact", err)
		}
	}
	return len(old), nil
}

// Forget deletes the oldest notes of events.
func (s *Store) Forget(ctx context.Context, before time.Time, limit int) (int, error) {
	var keys []string
	err := s.db.WithContext(ctx).Model(&takenRow{}).Where("taken_ms < ?", before.UnixMilli()).Order("taken_ms").Limit(limit).Pluck("event_key", &keys).Error
	if err != nil || len(keys) == 0 {
		return 0, gormdb.Fault("gormcatalog.Forget", err)
	}
	err = gormdb.Transact(ctx, s.db, func(tx *gorm.DB) error { return in(tx, "event_key", keys).Delete(&takenRow{}).Error })
	if err != nil {
		return 0, fault.Wrap("gormcatalog.Forget", err)
	}
	return len(keys), nil
}

// Expired lists what has been in the trash for too long, oldest first.
func (s *Store) Expired(ctx context.Context, before time.Time, limit int) ([]catalog.Expired, error) {
	var rows []imageRow
	err := s.db.WithContext(ctx).Select("owner", "id", "name", "trashed_ms").Where("trashed_ms < ?", before.UnixMilli()).
		Order("trashed_ms").Limit(limit).Find(&rows).Error
	if err != nil {
		return nil, gormdb.Fault("gormcatalog.Expired", err)
	}
	out := make([]catalog.Expired, len(rows))
	for i, r := range rows {
		out[i] = catalog.Expired{Owner: identity.Owner(r.Owner), ID: r.ID, Name: r.Name, TrashedAt: fromMS(*r.TrashedMS)}
	}
	return out, nil
}

// Due counts by the indexes that the work itself goes by.
func (s *Store) Due(ctx context.Context, d catalog.Dates) (catalog.Kept, error) {
	var out catalog.Kept
	for _, one := range []struct {
		into  *int
		row   any
		where string
		at    time.Time
	}{
		{&out.Purged, &imageRow{}, "trashed_ms < ?", d.Trashed},
		{&out.Forgotten, &changeRow{}, "at_ms < ?", d.Changes},
		{&out.Events, &takenRow{}, "taken_ms < ?", d.Events},
		{&out.Sent, &outboxRow{}, "claimed_until_ms <= ?", d.Now},
	} {
		var n int64
		if err := s.db.WithContext(ctx).Model(one.row).Where(one.where, one.at.UnixMilli()).Count(&n).Error; err != nil {
			return catalog.Kept{}, gormdb.Fault("gormcatalog.Due", err)
		}
		*one.into = int(n)
	}
	return out, nil
}

// Claim takes events from the outbox. Rows that another relay is taking at this
// moment are passed over, not waited for.
func (s *Store) Claim(ctx context.Context, now time.Time, lease time.Duration, limit int) ([]catalog.Message, error) {
	var rows []outboxRow
	err := gormdb.Transact(ctx, s.db, func(tx *gorm.DB) error {
		err := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate, Options: clause.LockingOptionsSkipLocked}).
			Where("claimed_until_ms <= ?", now.UnixMilli()).Order("id").Limit(limit).Find(&rows).Error
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
		out[i].ID = r.ID
		if err := json.Unmarshal([]byte(r.Body), &out[i].Event); err != nil {
			return nil, fault.As(fault.Internal, "gormcatalog.Claim", err)
		}
	}
	return out, nil
}

// Sent removes events from the outbox.
func (s *Store) Sent(ctx context.Context, ids []int64) error {
	return s.settle(ctx, ids, func(tx *gorm.DB) error { return tx.Delete(&outboxRow{}, "id IN ?", ids).Error })
}

// Release gives claimed events back.
func (s *Store) Release(ctx context.Context, ids []int64) error {
	return s.settle(ctx, ids, func(tx *gorm.DB) error {
		return tx.Model(&outboxRow{}).Where("id IN ?", ids).Update("claimed_until_ms", 0).Error
	})
}

// Waiting reads the outbox's first row, which is its oldest.
func (s *Store) Waiting(ctx context.Context) (n int, since time.Time, err error) {
	var count int64
	var first []outboxRow
	err = s.db.WithContext(ctx).Model(&outboxRow{}).Count(&count).Error
	if err == nil {
		err = s.db.WithContext(ctx).Order("id").Limit(1).Find(&first).Error
	}
	if err != nil || len(first) == 0 {
		return int(count), time.Time{}, gormdb.Fault("gormcatalog.Waiting", err)
	}
	var oldest event.Event
	if err := json.Unmarshal([]byte(first[0].Body), &oldest); err != nil {
		return 0, time.Time{}, fault.As(fault.Internal, "gormcatalog.Waiting", err)
	}
	return int(count), oldest.Time, nil
}

func (s *Store) settle(ctx context.Context, ids []int64, f func(*gorm.DB) error) error {
	if len(ids) == 0 {
		return nil
	}
	return fault.Wrap("gormcatalog.settle", gormdb.Transact(ctx, s.db, f))
}
