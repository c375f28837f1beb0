package gormcatalog

import (
	"context"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"
	"gorm.io/gorm"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/gormdb"
	"github.com/sajin-gallery/sajin/pkg/gormdb/mysqltest"
	"github.com/sajin-gallery/sajin/services/catalog/internal/catalog"
)

// benchImages is how many images the benchmarks list from.
const benchImages = 100_000

// BenchmarkList measures what a page costs at 100,000 images:
//
//	go test -run '^$' -bench List -benchtime 200x ./services/catalog/internal/gormcatalog
func BenchmarkList(b *testing.B) {
	for name, address := range map[string]func(*testing.B) string{
		"sqlite": func(b *testing.B) string { return "sqlite://" + filepath.Join(b.TempDir(), "catalog.db") },
		"mysql":  func(b *testing.B) string { return mysqltest.URL(b) },
	} {
		b.Run(name, func(b *testing.B) { benchmark(b, address(b)) })
	}
}

func benchmark(b *testing.B, address string) {
	db, err := gormdb.Open(b.Context(), address, gormdb.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = gormdb.Close(db) })
	s := New(db)
	if err := s.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	middle := fill(b, s)
	const limit = catalogapi.DefaultLimit + 1
	for _, page := range []struct {
		name string
		q    catalog.PageQuery
	}{
		{"first page", catalog.PageQuery{Limit: limit}},
		{"page in the middle", catalog.PageQuery{Limit: limit, After: &middle}},
		{"month", catalog.PageQuery{Limit: limit, Month: middle.TakenAt.Format("2006-01")}},
		{"trash, empty", catalog.PageQuery{Limit: limit, Trashed: true}},
	} {
		b.Run(page.name, func(b *testing.B) {
			for b.Loop() {
				rows, err := s.Page(b.Context(), owner, page.q)
				if err != nil || len(rows) != limit && !page.q.Trashed {
					b.Fatalf("%d rows, %v", len(rows), err)
				}
			}
		})
	}
	b.Run("months", func(b *testing.B) {
		for b.Loop() {
			if months, err := s.Months(b.Context(), owner); err != nil || len(months) < 100 {
				b.Fatalf("%d months, %v", len(months), err)
			}
		}
	})
	b.Run("one event", func(b *testing.B) {
		n := benchImages
		for b.Loop() {
			n++
			put(b, s, n)
		}
	})
}

// fill stores the images straight away, in batches, and returns the position in
// the middle of the timeline.
func fill(b *testing.B, s *Store) catalog.Position {
	b.Helper()
	months := map[string]int64{}
	const batch = 1000
	for from := 0; from < benchImages; from += batch {
		rows := make([]imageRow, batch)
		for i := range rows {
			row := benchImage(from + i)
			months[row.Month()]++
			rows[i] = rowOf(row)
		}
		err := gormdb.Transact(b.Context(), s.db, func(tx *gorm.DB) error { return tx.CreateInBatches(rows, insertBatch).Error })
		if err != nil {
			b.Fatal(err)
		}
	}
	err := s.Update(b.Context(), catalog.Scope{Owner: owner}, func(catalog.Snapshot) (catalog.Changeset, error) {
		return catalog.Changeset{Months: months}, nil
	})
	if err != nil {
		b.Fatal(err)
	}
	analyze(b, s)
	return benchImage(benchImages / 2).Position()
}

// analyze lets MariaDB count what was loaded, as it does by itself in time.
func analyze(b *testing.B, s *Store) {
	b.Helper()
	if s.db.Name() != "mysql" {
		return
	}
	if err := s.db.WithContext(context.WithoutCancel(b.Context())).Exec("ANALYZE TABLE catalog_images").Error; err != nil {
		b.Fatal(err)
	}
}

// benchImage is the nth image: ten years of pictures, thirty a day.
func benchImage(n int) catalog.Image {
	at := noon.Add(-time.Duration(n) * 48 * time.Minute)
	var entropy [10]byte
	binary.BigEndian.PutUint64(entropy[2:], uint64(n))
	var u ulid.ULID
	_ = u.SetTime(ulid.Timestamp(noon))
	_ = u.SetEntropy(entropy[:])
	id := u.String()
	i := catalog.Image{
		ID: id, Owner: owner, Name: fmt.Sprintf("IMG_%06d.jpg", n), Key: contract.OriginalKey(id, noon, ".jpg"), ContentType: "image/jpeg",
		Size: 4 << 20, Width: 4032, Height: 3024, SHA256: fmt.Sprintf("%064x", n), TakenAt: at, CreatedAt: noon,
		State: catalogapi.StateReady, Placeholder: "3OcRJYB4d3h/iIeHeEh3eIhw+j2w",
		Camera: contract.Camera{Make: "FUJIFILM", Model: "X-T5", Lens: "XF23mmF2 R WR", ExposureTime: "1/250", FNumber: 5.6, ISO: 125},
	}
	for _, edge := range []int{320, 1024, 2048} {
		name := fmt.Sprint("w", edge)
		i.Renditions = append(i.Renditions, contract.Rendition{
			Name: name, Key: contract.RenditionKey(id, name, ".jpg"), Width: edge, Height: edge * 3 / 4, Size: int64(edge) * 100, ContentType: "image/jpeg",
		})
	}
	return i
}

// put stores one more image as an event does.
func put(b *testing.B, s *Store, n int) {
	i := benchImage(n)
	err := s.Update(b.Context(), catalog.Scope{Owner: owner, IDs: []string{i.ID}, SHA256s: []string{i.SHA256}}, func(catalog.Snapshot) (catalog.Changeset, error) {
		return catalog.Changeset{
			Insert: []catalog.Image{i}, Months: map[string]int64{i.Month(): 1},
			Changes: []catalog.Change{{ImageID: i.ID, Kind: catalogapi.ChangeAdded, At: noon}},
		}, nil
	})
	if err != nil {
		b.Fatal(err)
	}
}
