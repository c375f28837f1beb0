package gormcatalog

import (
	"context"
	"slices"

	"gorm.io/gorm"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/gormdb"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/catalog/internal/catalog"
)

// coverOf finds the newest image of an album that can be shown, and only where
// there is none the newest that has no preview. The index of members gives them
// in order, and the first that will do ends each search.
func coverOf(members string) string {
	newestReady := "(SELECT m.image_id FROM " + members + " JOIN catalog_images i ON i.id = m.image_id " +
		"WHERE m.album_id = a.id AND m.trashed = 0 AND i.state = '" + catalogapi.StateReady + "'"
	return "COALESCE(" + newestReady + " AND " + hasPreview + inOrder + ", " + newestReady + inOrder + ")"
}

const (
	// inOrder names the index's columns from the first: MySQL does not see that
	// an album has one value in the others, and would sort all of it.
	inOrder = " ORDER BY m.album_id DESC, m.trashed DESC, m.taken_ms DESC, m.image_id DESC LIMIT 1)"
	// hasPreview looks at the JSON as it is written: within a text of it the
	// quotes would be escaped.
	hasPreview = `INSTR(i.details, '"preview":"` + contract.PreviewUnavailable + `"') = 0`
)

// Albums reads the owner's albums with their covers.
func (s *Store) Albums(ctx context.Context, owner identity.Owner) ([]catalog.Album, error) {
	var rows []struct {
		Album albumRow `gorm:"embedded"`
		Cover *string
	}
	err := s.db.WithContext(ctx).Raw("SELECT a.*, "+coverOf(s.membersTable())+" AS cover FROM catalog_albums a WHERE a.owner = ?", owner).Scan(&rows).Error
	if err != nil {
		return nil, gormdb.Fault("gormcatalog.Albums", err)
	}
	out := make([]catalog.Album, len(rows))
	for i, r := range rows {
		out[i] = r.Album.album()
		if r.Cover != nil {
			out[i].CoverID = *r.Cover
		}
	}
	return out, nil
}

// HasAlbum looks one album up by its key.
func (s *Store) HasAlbum(ctx context.Context, owner identity.Owner, id string) (bool, error) {
	var n int64
	err := s.db.WithContext(ctx).Model(&albumRow{}).Where("id = ? AND owner = ?", id, owner).Count(&n).Error
	return n > 0, gormdb.Fault("gormcatalog.HasAlbum", err)
}

// AlbumsOf reads which albums an image is in.
func (s *Store) AlbumsOf(ctx context.Context, image string) ([]string, error) {
	var ids []string
	err := s.db.WithContext(ctx).Model(&memberRow{}).Where("image_id = ?", image).Pluck("album_id", &ids).Error
	return ids, gormdb.Fault("gormcatalog.AlbumsOf", err)
}

// membersTable names the index on MySQL and MariaDB. For a page MariaDB, and for
// a cover MySQL, would otherwise sort a whole album, which the index has in order.
func (s *Store) membersTable() string {
	if s.db.Name() != "mysql" {
		return "catalog_members m"
	}
	return "catalog_members m FORCE INDEX (catalog_members_page)"
}

// albumPage is Page for one album. The order and the position are the members'
// own columns, so that a page is read from their index.
func (s *Store) albumPage(db *gorm.DB, owner identity.Owner, q catalog.PageQuery) *gorm.DB {
	db = db.Table(s.membersTable()).Select("i.*").Joins("JOIN catalog_images i ON i.id = m.image_id").
		Where("m.album_id = ? AND m.trashed = ? AND i.owner = ?", q.Album, q.Trashed, owner)
	if q.Month != "" {
		db = db.Where("i.month = ?", q.Month)
	}
	if q.After != nil {
		ms := q.After.TakenAt.UnixMilli()
		db = db.Where("m.taken_ms <= ? AND (m.taken_ms < ? OR m.image_id < ?)", ms, ms, q.After.ID)
	}
	return db.Order("m.taken_ms DESC, m.image_id DESC")
}

func loadAlbums(tx *gorm.DB, owner identity.Owner) (map[string]catalog.Album, error) {
	var rows []albumRow
	if err := tx.Where("owner = ?", owner).Find(&rows).Error; err != nil {
		return nil, err
	}
	out := make(map[string]catalog.Album, len(rows))
	for _, r := range rows {
		out[r.ID] = r.album()
	}
	return out, nil
}

// loadMembers finds the albums of images.
func loadMembers(tx *gorm.DB, images []string) (map[string][]string, error) {
	out := map[string][]string{}
	if len(images) == 0 {
		return out, nil
	}
	var rows []memberRow
	if err := in(tx, "image_id", images).Select("album_id", "image_id").Find(&rows).Error; err != nil {
		return nil, err
	}
	for _, r := range rows {
		out[r.ImageID] = append(out[r.ImageID], r.AlbumID)
	}
	return out, nil
}

// Each of the following keeps the counts of the albums in step with what it does
// to their members.

// empty takes what is deleted out of the albums, and deletes albums.
func empty(tx *gorm.DB, c catalog.Changeset) error {
	if len(c.DeleteAlbums) > 0 {
		for ids := range slices.Chunk(c.DeleteAlbums, insertBatch) {
			if err := in(tx, "album_id", ids).Delete(&memberRow{}).Error; err != nil {
				return err
			}
			if err := in(tx, "id", ids).Delete(&albumRow{}).Error; err != nil {
				return err
			}
		}
	}
	for _, image := range c.Delete {
		if err := recount(tx, "- 1", "image_id = ? AND trashed = ?", image, false); err != nil {
			return err
		}
		if err := tx.Where("image_id = ?", image).Delete(&memberRow{}).Error; err != nil {
			return err
		}
	}
	return leave(tx, c.Leave)
}

func leave(tx *gorm.DB, all []catalog.Leaving) error {
	images := map[string][]string{}
	for _, l := range all {
		images[l.AlbumID] = append(images[l.AlbumID], l.ImageID)
	}
	for album, ids := range images {
		members := in(tx.Model(&memberRow{}), "image_id", ids).Where("album_id = ?", album).Session(&gorm.Session{})
		var counted int64
		if err := members.Where("trashed = ?", false).Count(&counted).Error; err != nil {
			return err
		}
		if err := members.Delete(&memberRow{}).Error; err != nil {
			return err
		}
		if err := grow(tx, album, -counted); err != nil {
			return err
		}
	}
	return nil
}

// recount changes the count of the albums of some members.
func recount(tx *gorm.DB, by, members string, args ...any) error {
	albums := tx.Model(&memberRow{}).Select("album_id").Where(members, args...)
	return tx.Model(&albumRow{}).Where("id IN (?)", albums).Update("images", gorm.Expr("images "+by)).Error
}

// keep stores albums: first what frees names, then what takes them.
func keep(tx *gorm.DB, c catalog.Changeset) error {
	for _, a := range c.UpdateAlbums {
		err := tx.Model(&albumRow{}).Where("id = ?", a.ID).Updates(map[string]any{"parent": a.ParentID, "name": a.Name}).Error
		if err != nil {
			return err
		}
	}
	if len(c.InsertAlbums) == 0 {
		return nil
	}
	rows := make([]albumRow, len(c.InsertAlbums))
	for i, a := range c.InsertAlbums {
		rows[i] = albumRow{ID: a.ID, Owner: string(a.Owner), Parent: a.ParentID, Name: a.Name, CreatedMS: a.CreatedAt.UnixMilli()}
	}
	return tx.CreateInBatches(rows, insertBatch).Error
}

// follow brings the members up to date with an image that changed.
func follow(tx *gorm.DB, row imageRow) error {
	by := "+ 1"
	if row.Trashed {
		by = "- 1"
	}
	if err := recount(tx, by, "image_id = ? AND trashed <> ?", row.ID, row.Trashed); err != nil {
		return err
	}
	return tx.Model(&memberRow{}).Where("image_id = ?", row.ID).
		Updates(map[string]any{"trashed": row.Trashed, "taken_ms": row.TakenMS}).Error
}

// join puts images into albums.
func join(tx *gorm.DB, all []catalog.Joining) error {
	if len(all) == 0 {
		return nil
	}
	rows, grown := make([]memberRow, len(all)), map[string]int64{}
	for i, j := range all {
		rows[i] = memberRow{AlbumID: j.AlbumID, ImageID: j.Image.ID, Trashed: j.Image.TrashedAt != nil, TakenMS: j.Image.TakenAt.UnixMilli()}
		if !rows[i].Trashed {
			grown[j.AlbumID]++
		}
	}
	if err := tx.CreateInBatches(rows, insertBatch).Error; err != nil {
		return err
	}
	for album, n := range grown {
		if err := grow(tx, album, n); err != nil {
			return err
		}
	}
	return nil
}

func grow(tx *gorm.DB, album string, by int64) error {
	return tx.Model(&albumRow{}).Where("id = ?", album).Update("images", gorm.Expr("images + ?", by)).Error
}
