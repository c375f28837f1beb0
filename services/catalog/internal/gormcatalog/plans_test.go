package gormcatalog

import (
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/gormdb/mysqltest"
	"github.com/sajin-gallery/sajin/pkg/gormdb/schematest"
	"github.com/sajin-gallery/sajin/services/catalog/internal/catalog"
)

// What the gallery asks for with every page is read from an index in its order,
// on MySQL and on MariaDB: the server counts what it sorts.
func TestNothingIsSorted(t *testing.T) {
	db := schematest.Open(t, mysqltest.URL(t))
	s := New(db)
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	const images = 2000
	album := fillAlbum(t, s, images)
	middle := benchImage(images / 2).Position()
	ctx, month := t.Context(), middle.TakenAt.Format("2006-01")
	for name, read := range map[string]func(s *Store) (int, error){
		"the timeline":          pageOf(t, catalog.PageQuery{}),
		"its middle":            pageOf(t, catalog.PageQuery{After: &middle}),
		"a month":               pageOf(t, catalog.PageQuery{Month: month}),
		"the trash":             pageOf(t, catalog.PageQuery{Trashed: true}),
		"an album":              pageOf(t, catalog.PageQuery{Album: album}),
		"an album's middle":     pageOf(t, catalog.PageQuery{Album: album, After: &middle}),
		"the albums' covers":    func(s *Store) (int, error) { all, err := s.Albums(ctx, owner); return len(all), err },
		"the feed":              func(s *Store) (int, error) { all, err := s.Changes(ctx, owner, 3, 10); return len(all), err },
		"the months":            func(s *Store) (int, error) { all, err := s.Months(ctx, owner); return len(all), err },
		"what is beside":        func(s *Store) (int, error) { a, b, err := s.Beside(ctx, owner, false, middle); return len(a + b), err },
		"what is in the outbox": func(s *Store) (int, error) { all, err := s.Claim(ctx, noon, time.Minute, 10); return len(all), err },
	} {
		// In one transaction, and so on the one connection that counts.
		err := db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
			before := sorted(t, tx)
			if n, err := read(New(tx)); err != nil || n == 0 {
				t.Errorf("%s: %d, %v", name, n, err)
			}
			if n := sorted(t, tx) - before; n != 0 {
				t.Errorf("%s: the server sorts", name)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// fillAlbum stores images, every tenth in the trash, all in one album, and returns it.
func fillAlbum(t *testing.T, s *Store, images int) (album string) {
	t.Helper()
	a := catalog.Album{ID: "01KANH2Z6W8F7T3S5R0V4XALBM", Owner: owner, Name: "All", CreatedAt: noon}
	c := catalog.Changeset{
		InsertAlbums: []catalog.Album{a}, Months: map[string]int64{}, Changes: changes(100, noon),
		Outbox: []event.Event{{ID: "1", Source: contract.SourceCatalog, Type: "x", Time: noon, Data: []byte(`{}`)}},
	}
	for n := range images {
		i := benchImage(n)
		if n%10 == 0 {
			i.TrashedAt = &noon
		} else {
			c.Months[i.Month()]++
		}
		c.Insert, c.Join = append(c.Insert, i), append(c.Join, catalog.Joining{AlbumID: a.ID, Image: i})
	}
	update(t, s, c)
	if err := s.db.Exec("ANALYZE TABLE catalog_images, catalog_members").Error; err != nil {
		t.Fatal(err)
	}
	return a.ID
}

func pageOf(t *testing.T, q catalog.PageQuery) func(*Store) (int, error) {
	t.Helper()
	q.Limit = 10
	return func(s *Store) (int, error) { all, err := s.Page(t.Context(), owner, q); return len(all), err }
}

func sorted(t *testing.T, tx *gorm.DB) int {
	t.Helper()
	var n struct{ Value int }
	if err := tx.Raw("SHOW SESSION STATUS LIKE 'Sort_rows'").Scan(&n).Error; err != nil {
		t.Fatal(err)
	}
	return n.Value
}
