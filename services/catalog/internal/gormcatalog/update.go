package gormcatalog

import (
	"context"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/gormdb"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/catalog/internal/catalog"
)

// insertBatch keeps a statement below SQLite's 32,766 parameters.
const insertBatch = 500

// Update runs a decision in a transaction. It takes the owner's row of
// catalog_feeds first, and so excludes every other Update of the owner until
// the commit: decisions see what they decide about, and the order of sequence
// numbers is the order of commits. Owners do not wait for each other on MySQL;
// SQLite has one writer.
func (s *Store) Update(ctx context.Context, scope catalog.Scope, decide func(catalog.Snapshot) (catalog.Changeset, error)) error {
	err := gormdb.Transact(ctx, s.db, func(tx *gorm.DB) error {
		last, err := lock(tx, scope.Owner)
		if err != nil {
			return err
		}
		snapshot, err := load(tx, scope)
		if err != nil {
			return err
		}
		changes, err := decide(snapshot)
		if err != nil {
			return err
		}
		return apply(tx, scope.Owner, last, changes)
	})
	return fault.Wrap("gormcatalog.Update", err)
}

// lock takes the owner's row and returns the feed's last sequence number.
func lock(tx *gorm.DB, owner identity.Owner) (int64, error) {
	for {
		var rows []feedRow
		err := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Where("owner = ?", owner).Find(&rows).Error
		if err != nil {
			return 0, err
		}
		if len(rows) == 1 {
			return rows[0].LastSeq, nil
		}
		if err := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&feedRow{Owner: string(owner)}).Error; err != nil {
			return 0, err
		}
	}
}

func load(tx *gorm.DB, scope catalog.Scope) (catalog.Snapshot, error) {
	out := catalog.Snapshot{
		Images: map[string]catalog.Image{}, Retired: map[string]catalog.Retired{},
	}
	var retired []retiredRow
	if err := in(tx, "id", scope.IDs).Find(&retired).Error; err != nil {
		return out, err
	}
	ids := append([]string{}, scope.IDs...)
	for _, r := range retired {
		out.Retired[r.ID] = r.retired()
		if r.AliasOf != "" {
			ids = append(ids, r.AliasOf)
		}
	}
	var images []imageRow
	if err := in(tx, "id", ids).Find(&images).Error; err != nil {
		return out, err
	}
	for _, row := range images {
		out.Images[row.ID] = row.image()
	}
	var err error
	if out.ByContent, err = byContent(tx, scope.Owner, scope.SHA256s); err != nil {
		return out, err
	}
	for _, i := range out.ByContent {
		ids = append(ids, i.ID)
	}
	if out.Members, err = loadMembers(tx, ids); err != nil {
		return out, err
	}
	if out.Taken, err = taken(tx, scope.Event); err != nil || !scope.Albums {
		return out, err
	}
	out.Albums, err = loadAlbums(tx, scope.Owner)
	return out, err
}

// taken is what an event said when it was taken in; "" where it was not.
func taken(tx *gorm.DB, key string) (string, error) {
	if key == "" {
		return "", nil
	}
	var rows []takenRow
	if err := tx.Where("event_key = ?", key).Find(&rows).Error; err != nil || len(rows) == 0 {
		return "", err
	}
	return rows[0].Digest, nil
}

// byContent finds the owner's images that have one of the contents.
func byContent(tx *gorm.DB, owner identity.Owner, sha256s []string) (map[string]catalog.Image, error) {
	out := map[string]catalog.Image{}
	if len(sha256s) == 0 {
		return out, nil
	}
	var rows []imageRow
	if err := in(tx, "content_key", sha256s).Where("owner = ?", owner).Find(&rows).Error; err != nil {
		return nil, err
	}
	for _, row := range rows {
		out[*row.ContentKey] = row.image()
	}
	return out, nil
}

// in asks for rows by the values of a column; the column is never a request's.
func in(tx *gorm.DB, column string, values []string) *gorm.DB {
	return tx.Where(clause.IN{Column: clause.Column{Name: column}, Values: anys(values)})
}

func anys(values []string) []any {
	out := make([]any, len(values))
	for i, v := range values {
		out[i] = v
	}
	return out
}

// apply stores a changeset: first what frees ids and content keys, then what
// takes them.
func apply(tx *gorm.DB, owner identity.Owner, last int64, c catalog.Changeset) error {
	for _, step := range []func() error{
		func() error { return empty(tx, c) },
		func() error { return remove(tx, c) },
		func() error { return save(tx, c) },
		func() error { return keep(tx, c) },
		func() error { return join(tx, c.Join) },
		func() error { return retire(tx, c.Retire) },
		func() error { return count(tx, owner, c.Months) },
		func() error { return note(tx, owner, last, c.Changes) },
		func() error { return post(tx, c) },
		func() error { return take(tx, c.Take) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func remove(tx *gorm.DB, c catalog.Changeset) error {
	if len(c.Unretire) > 0 {
		if err := in(tx, "id", c.Unretire).Delete(&retiredRow{}).Error; err != nil {
			return err
		}
	}
	if len(c.Delete) > 0 {
		return in(tx, "id", c.Delete).Delete(&imageRow{}).Error
	}
	return nil
}

func save(tx *gorm.DB, c catalog.Changeset) error {
	for _, i := range c.Update {
		row := rowOf(i)
		if err := tx.Model(&row).Select("*").Updates(&row).Error; err != nil {
			return err
		}
		if err := follow(tx, row); err != nil {
			return err
		}
	}
	if len(c.Insert) == 0 {
		return nil
	}
	rows := make([]imageRow, len(c.Insert))
	for i := range c.Insert {
		rows[i] = rowOf(c.Insert[i])
	}
	return tx.CreateInBatches(rows, insertBatch).Error
}

func retire(tx *gorm.DB, all []catalog.Retired) error {
	for _, r := range all {
		row := retiredRow{ID: r.ID, Owner: string(r.Owner), AliasOf: r.AliasOf, FailCode: r.FailCode, FailDetail: r.FailDetail}
		if err := tx.Create(&row).Error; err != nil {
			return err
		}
		if r.AliasOf == "" {
			continue
		}
		if err := tx.Model(&retiredRow{}).Where("alias_of = ?", r.ID).Update("alias_of", r.AliasOf).Error; err != nil {
			return err
		}
	}
	return nil
}

func count(tx *gorm.DB, owner identity.Owner, months map[string]int64) error {
	for month, n := range months {
		err := tx.Clauses(clause.OnConflict{
			Columns:   []clause.Column{{Name: "owner"}, {Name: "month"}},
			DoUpdates: clause.Assignments(map[string]any{"images": gorm.Expr("images + ?", n)}),
		}).Create(&monthRow{Owner: string(owner), Month: month, Images: n}).Error
		if err != nil {
			return err
		}
	}
	return nil
}

// note appends to the feed and moves its end.
func note(tx *gorm.DB, owner identity.Owner, last int64, changes []catalog.Change) error {
	if len(changes) == 0 {
		return nil
	}
	rows := make([]changeRow, len(changes))
	for i, c := range changes {
		last++
		rows[i] = changeRow{Owner: string(owner), Seq: last, ImageID: c.ImageID, AlbumID: c.AlbumID, Kind: c.Kind, AtMS: c.At.UnixMilli()}
	}
	if err := tx.CreateInBatches(rows, insertBatch).Error; err != nil {
		return err
	}
	return tx.Model(&feedRow{}).Where("owner = ?", owner).Update("last_seq", last).Error
}

// take notes an event. Owners do not exclude each other: of two that take the
// same one the second meets the primary key, and finds the note when it comes
// again.
func take(tx *gorm.DB, t *catalog.Taken) error {
	if t == nil {
		return nil
	}
	return tx.Create(&takenRow{EventKey: t.Key, Digest: t.Digest, TakenMS: t.At.UnixMilli()}).Error
}
