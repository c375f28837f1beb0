package gormcatalog

import (
	"context"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/gormdb"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/catalog/internal/catalog"
	"gorm.io/gorm"
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
