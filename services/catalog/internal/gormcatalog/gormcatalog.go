// Package gormcatalog is the catalog's store on GORM: MySQL, MariaDB and SQLite
// with the same code and a schema each.
//
// It decides nothing: what is to be stored comes from the core. It knows no
// HTTP and no events but as text.
package gormcatalog

import (
	"context"
	"crypto/rand"
	"embed"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/gormdb"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/catalog/internal/catalog"
)

//go:embed migrations/mysql/*.sql migrations/sqlite/*.sql
var files embed.FS

// Store is a catalog.Store in a database.
type Store struct{ db *gorm.DB }

var _ catalog.Store = (*Store)(nil)

// New makes a store on a database that gormdb opened. It does not touch it.
func New(db *gorm.DB) *Store { return &Store{db} }

// Migrate brings the schema up to date; see gormdb.Migrate.
func (s *Store) Migrate(ctx context.Context) error {
	sub, err := migrations()
	if err != nil {
		return fault.As(fault.Internal, "gormcatalog.Migrate", err)
	}
	return gormdb.Migrate(ctx, s.db, sub)
}

// SchemaVersions says how far the schema is; see gormdb.SchemaVersions.
func (s *Store) SchemaVersions(ctx context.Context) (gormdb.Versions, error) {
	sub, err := migrations()
	if err != nil {
		return gormdb.Versions{}, fault.As(fault.Internal, "gormcatalog.SchemaVersions", err)
	}
	return gormdb.SchemaVersions(ctx, s.db, sub)
}

// Find returns an image by its id or a merged duplicate's.
func (s *Store) Find(ctx context.Context, owner identity.Owner, id string) (catalog.Image, error) {
	var rows []imageRow
	db := s.db.WithContext(ctx)
	// A union of two look-ups by key: an OR across tables would read them whole.
	err := db.Raw("SELECT * FROM catalog_images WHERE id = ? AND owner = ? UNION ALL "+
		"SELECT i.* FROM catalog_retired r JOIN catalog_images i ON i.id = r.alias_of WHERE r.id = ? AND i.owner = ?",
		id, owner, id, owner).Scan(&rows).Error
	if err != nil {
		return catalog.Image{}, gormdb.Fault("gormcatalog.Find", err)
	}
	if len(rows) == 0 {
		return catalog.Image{}, catalog.ErrNotFound
	}
	return rows[0].image(), nil
}

// Page returns a page of the timeline, the trash or an album.
func (s *Store) Page(ctx context.Context, owner identity.Owner, q catalog.PageQuery) ([]catalog.Image, error) {
	db := s.db.WithContext(ctx)
	if q.Album != "" {
		db = s.albumPage(db, owner, q)
	} else {
		db = s.timelinePage(db, owner, q)
	}
	var rows []imageRow
	if err := db.Limit(q.Limit).Find(&rows).Error; err != nil {
		return nil, gormdb.Fault("gormcatalog.Page", err)
	}
	out := make([]catalog.Image, len(rows))
	for i := range rows {
		out[i] = rows[i].image()
	}
	return out, nil
}

func (s *Store) timelinePage(db *gorm.DB, owner identity.Owner, q catalog.PageQuery) *gorm.DB {
	db = db.Table(s.pageTable(q)).Where("owner = ? AND trashed = ?", owner, q.Trashed)
	if q.Month != "" {
		db = db.Where("month = ?", q.Month)
	}
	if q.After != nil {
		db = older(db, *q.After)
	}
	return db.Order(newestFirst)
}

// pageTable names the index on MariaDB, which otherwise looks the owner up and
// reads every image before the page: 300 ms instead of 2 in the middle of
// 100,000. SQLite finds the range by itself.
func (s *Store) pageTable(q catalog.PageQuery) string {
	switch {
	case s.db.Name() != "mysql":
		return "catalog_images"
	case q.Month != "":
		return "catalog_images FORCE INDEX (catalog_images_month)"
	default:
		return "catalog_images FORCE INDEX (catalog_images_timeline)"
	}
}

// The orders of the timeline.
const (
	newestFirst = "taken_ms DESC, id DESC"
	oldestFirst = "taken_ms, id"
)

// older limits to what comes after a position in the timeline: (taken_ms, id) <
// (?, ?), in the form that MySQL finds a range in.
func older(db *gorm.DB, at catalog.Position) *gorm.DB {
	ms := at.TakenAt.UnixMilli()
	return db.Where("taken_ms <= ? AND (taken_ms < ? OR id < ?)", ms, ms, at.ID)
}

// newer limits to what comes before a position.
func newer(db *gorm.DB, at catalog.Position) *gorm.DB {
	ms := at.TakenAt.UnixMilli()
	return db.Where("taken_ms >= ? AND (taken_ms > ? OR id > ?)", ms, ms, at.ID)
}

// ByContent looks all of them up in one query.
func (s *Store) ByContent(ctx context.Context, owner identity.Owner, sha256s []string) (map[string]catalog.Image, error) {
	out, err := byContent(s.db.WithContext(ctx), owner, sha256s)
	return out, gormdb.Fault("gormcatalog.ByContent", err)
}

// Beside looks once in each direction.
func (s *Store) Beside(ctx context.Context, owner identity.Owner, trashed bool, at catalog.Position) (before, after string, err error) {
	images := func() *gorm.DB {
		return s.db.WithContext(ctx).Table(s.pageTable(catalog.PageQuery{})).Where("owner = ? AND trashed = ?", owner, trashed)
	}
	if before, err = firstID(newer(images(), at).Order(oldestFirst)); err == nil {
		after, err = firstID(older(images(), at).Order(newestFirst))
	}
	return before, after, gormdb.Fault("gormcatalog.Beside", err)
}

func firstID(db *gorm.DB) (string, error) {
	var ids []string
	if err := db.Limit(1).Pluck("id", &ids).Error; err != nil || len(ids) == 0 {
		return "", err
	}
	return ids[0], nil
}

// Months returns the counts that Update keeps.
func (s *Store) Months(ctx context.Context, owner identity.Owner) ([]catalogapi.Month, error) {
	var rows []monthRow
	err := s.db.WithContext(ctx).Where("owner = ? AND images > 0", owner).Order("month DESC").Find(&rows).Error
	if err != nil {
		return nil, gormdb.Fault("gormcatalog.Months", err)
	}
	out := make([]catalogapi.Month, len(rows))
	for i, r := range rows {
		out[i] = catalogapi.Month{Month: r.Month, Count: r.Images}
	}
	return out, nil
}

const cursorKey = "cursor_key"

// Key reads the key, or makes it. Of two processes that make it at once, one
// wins, and both read what it wrote.
func (s *Store) Key(ctx context.Context) ([]byte, error) {
	if key, err := s.key(ctx); err != nil || key != nil {
		return key, err
	}
	fresh := make([]byte, 32)
	_, _ = rand.Read(fresh) // never fails
	err := gormdb.Transact(ctx, s.db, func(tx *gorm.DB) error {
		return tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&settingRow{Name: cursorKey, Value: fresh}).Error
	})
	if err != nil {
		return nil, fault.Wrap("gormcatalog.Key", err)
	}
	return s.key(ctx)
}

func (s *Store) key(ctx context.Context) ([]byte, error) {
	var rows []settingRow
	if err := s.db.WithContext(ctx).Where("name = ?", cursorKey).Find(&rows).Error; err != nil {
		return nil, gormdb.Fault("gormcatalog.Key", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	return rows[0].Value, nil
}
