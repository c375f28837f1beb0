package gormdjango_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/blob/fileblob"
	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/gormdb"
	"github.com/sajin-gallery/sajin/pkg/gormdb/mysqltest"
	"github.com/sajin-gallery/sajin/services/sajin/internal/folder"
	"github.com/sajin-gallery/sajin/services/sajin/internal/gormdjango"
	"github.com/sajin-gallery/sajin/services/sajin/internal/intake"
)

func TestMain(m *testing.M) { os.Exit(mysqltest.Run(m)) }

// table makes a t_images as Django does.
func table(t *testing.T, statements ...string) *gorm.DB {
	t.Helper()
	db, err := gormdb.Open(t.Context(), mysqltest.URL(t), gormdb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	pool, err := db.DB()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pool.Close() })
	create := "CREATE TABLE t_images (id bigint AUTO_INCREMENT PRIMARY KEY, image varchar(100), creation_date datetime(6), other int)"
	for _, s := range append([]string{create}, statements...) {
		if err := db.Exec(s).Error; err != nil {
			t.Fatal(err)
		}
	}
	return db
}

// media is a folder with these files; what holds them is the file's path.
func media(t *testing.T, names ...string) (string, gormdjango.Media) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		at := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte("content of "+name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m, err := gormdjango.OpenMedia(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return dir, m
}

func find(t *testing.T, db *gorm.DB, m gormdjango.Media) folder.Found {
	t.Helper()
	found, err := gormdjango.Find(t.Context(), db, m, "Old")
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func content(t *testing.T, i intake.Item, offset int64) string {
	t.Helper()
	r, err := i.Open(offset)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	raw, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestPicturesOfATable(t *testing.T) {
	db := table(t, `INSERT INTO t_images (id, image, creation_date) VALUES
		(7, '20190504/한강.jpg', '2019-05-04 01:02:03.5'), (-3, 'b.jpg', NULL)`)
	dir, m := media(t, "20190504/한강.jpg", "b.jpg", "not-in-the-table.jpg")
	copied := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := os.Chtimes(filepath.Join(dir, "b.jpg"), copied, copied); err != nil {
		t.Fatal(err)
	}
	found := find(t, db, m)
	if len(found.Items) != 2 || len(found.Unread) != 0 {
		t.Fatalf("%+v", found)
	}
	b, river := found.Items[0], found.Items[1]
	want := uploadapi.PlanFile{
		Name: "한강.jpg", Size: uploadapi.Length(len("content of 20190504/한강.jpg")), Album: "Old",
		TakenAt: "2019-05-04T01:02:03.5Z", LastModified: "2019-05-04T01:02:03.5Z",
	}
	if river.File != want || content(t, river, 0) != "content of 20190504/한강.jpg" || content(t, river, 11) != "20190504/한강.jpg" {
		t.Errorf("%+v, want %+v", river.File, want)
	}
	if b.File.Name != "b.jpg" || b.File.TakenAt != "" || b.File.LastModified != "2020-01-01T00:00:00Z" || b.Check() != nil {
		t.Errorf("without a date: %+v", b.File)
	}
	if err := os.WriteFile(filepath.Join(dir, "b.jpg"), []byte("changed"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := b.Check(); !errors.Is(err, intake.ErrChanged) {
		t.Errorf("a file that was changed: %v", err)
	}
}

// What is not there, or not below the media folder, is named with its row.
func TestWhatIsMissing(t *testing.T) {
	db := table(t, `INSERT INTO t_images (image) VALUES ('a.jpg'), ('gone.jpg'), (NULL), (''), ('folder'),
		('../outside.jpg'), ('/etc/passwd'), ('folder/../a.jpg'), ('link.jpg')`)
	dir, m := media(t, "a.jpg", "folder/b.jpg")
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "link.jpg")); err != nil {
		t.Fatal(err)
	}
	found := find(t, db, m)
	if len(found.Items) != 1 || found.Items[0].File.Name != "a.jpg" || len(found.Unread) != 8 {
		t.Fatalf("%d items; unread: %v", len(found.Items), found.Unread)
	}
	if got := found.Unread[0].Error(); got != `"gone.jpg" (2 in t_images): the file is missing` {
		t.Errorf("told as %s", got)
	}
}

func TestPages(t *testing.T) {
	for _, n := range []int{0, gormdjango.Page - 1, gormdjango.Page, gormdjango.Page + 1} {
		db := table(t)
		if n > 0 {
			values := strings.TrimSuffix(strings.Repeat("('a.jpg'),", n), ",")
			if err := db.Exec("INSERT INTO t_images (image) VALUES " + values).Error; err != nil {
				t.Fatal(err)
			}
		}
		_, m := media(t, "a.jpg")
		if found := find(t, db, m); len(found.Items) != n {
			t.Errorf("%d rows: %d pictures", n, len(found.Items))
		}
	}
}

func TestATableThatCannotBeRead(t *testing.T) {
	db := table(t, "DROP TABLE t_images")
	_, m := media(t)
	if _, err := gormdjango.Find(t.Context(), db, m, ""); err == nil || !strings.Contains(err.Error(), "t_images (id, image, creation_date)") {
		t.Errorf("without the table: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := gormdjango.Find(ended, table(t), m, ""); err == nil {
		t.Error("a run that has ended goes on")
	}
	for _, place := range []string{filepath.Join(t.TempDir(), "nowhere"), "s3://bucket", "gs://"} {
		if _, err := gormdjango.OpenMedia(t.Context(), place); err == nil {
			t.Errorf("%s was opened", place)
		}
	}
}

// reading is the half of a store that an import has.
type reading struct{ blob.Store }

func (reading) Close() error { return nil }

func TestPicturesInABucket(t *testing.T) {
	store, err := fileblob.Open(t.TempDir(), fileblob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	if _, err := store.Put(t.Context(), "20190504/a (1).jpg", strings.NewReader("picture"), blob.WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	db := table(t, `INSERT INTO t_images (image) VALUES ('20190504/a (1).jpg'), ('gone.jpg'), ('../x.jpg')`)
	found := find(t, db, gormdjango.Bucket("gs://old", reading{store}))
	if len(found.Items) != 1 || len(found.Unread) != 2 {
		t.Fatalf("%+v", found)
	}
	i := found.Items[0]
	if i.Key != "gs://old/20190504/a (1).jpg" || i.File.Name != "a (1).jpg" || i.File.Size != 7 || content(t, i, 3) != "ture" {
		t.Errorf("%+v", i)
	}
	for _, err := range found.Unread {
		if !errors.Is(err, gormdjango.ErrMissing) {
			t.Errorf("unread: %v", err)
		}
	}
}
