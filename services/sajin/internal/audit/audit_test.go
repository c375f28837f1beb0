package audit_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/blob/fileblob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/gormdb"
	"github.com/sajin-gallery/sajin/services/sajin/internal/audit"
)

// The columns that the audit reads; the acceptance tests hold it to the real
// schema.
const schema = `
CREATE TABLE catalog_images (id TEXT, owner TEXT, object_key TEXT, sha256 TEXT, state TEXT, trashed BOOL, month TEXT);
CREATE TABLE catalog_retired (id TEXT, alias_of TEXT);
CREATE TABLE catalog_months (owner TEXT, month TEXT, images INT);
CREATE TABLE catalog_outbox (id INT);
INSERT INTO catalog_images VALUES ('A', 'local', 'originals/20261122/A.jpg', '%SUM', 'ready', 0, '2026-11');
INSERT INTO catalog_retired VALUES ('B', 'A'), ('GONE', '');
INSERT INTO catalog_months VALUES ('local', '2026-11', 1);`

const key = "originals/20261122/A.jpg"

var picture = []byte("the bytes of a picture")

func sum(data []byte) string {
	digest := sha256.Sum256(data)
	return hex.EncodeToString(digest[:])
}

// world is a Sajin that has one picture, A, also known as B.
type world struct {
	t      *testing.T
	places audit.Places
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	w := &world{t, audit.Places{MediaDir: filepath.Join(dir, "media"), Database: "sqlite://" + filepath.Join(dir, "catalog.db")}}
	w.sql(strings.ReplaceAll(schema, "%SUM", sum(picture)))
	w.store(key, picture)
	w.store("renditions/A/w320.jpg", []byte("small"))
	w.manifest(sum(picture))
	return w
}

func (w *world) manifest(sum string, films ...contract.Motion) {
	raw, err := json.Marshal(contract.Manifest{
		ID: "A", Key: key, SHA256: sum, Size: int64(len(picture)),
		Renditions: []contract.Rendition{{Name: "w320", Key: "renditions/A/w320.jpg", Size: 5}}, Films: films,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.store("manifests/A.json", raw)
}

func (w *world) media(do func(ctx context.Context, store blob.Store) error) {
	w.t.Helper()
	store, err := fileblob.Open(w.places.MediaDir, fileblob.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	defer store.Close()
	if err := do(w.t.Context(), store); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) store(key string, data []byte) {
	w.t.Helper()
	w.media(func(ctx context.Context, store blob.Store) error {
		_, err := store.Put(ctx, key, bytes.NewReader(data), blob.WriteOptions{})
		return err
	})
}

func (w *world) remove(key string) {
	w.t.Helper()
	w.media(func(ctx context.Context, store blob.Store) error { return store.Delete(ctx, key) })
}

func (w *world) sql(statements string) {
	w.t.Helper()
	db, err := gormdb.Open(w.t.Context(), w.places.Database, gormdb.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	defer gormdb.Close(db)
	for statement := range strings.SplitSeq(statements, ";\n") {
		if err := db.Exec(statement).Error; err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) audit(promised audit.Promised) audit.Found {
	w.t.Helper()
	found, err := audit.Run(w.t.Context(), w.places, promised)
	if err != nil {
		w.t.Fatal(err)
	}
	return found
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func kept(place audit.Place) audit.Promised {
	return audit.Promised{sum(picture): {Place: place, IDs: []string{"A", "B"}}}
}

func TestWhatIsAsPromised(t *testing.T) {
	w := newWorld(t)
	for _, promised := range []audit.Promised{kept(audit.InGallery), kept(audit.Anywhere), kept(audit.Maybe)} {
		if found := w.audit(promised); len(found.Findings) > 0 || found.Images != 1 || found.Objects != 3 {
			t.Errorf("%+v", found)
		}
	}
	w.sql("UPDATE catalog_images SET trashed = 1;\nUPDATE catalog_months SET images = 0")
	if found := w.audit(kept(audit.InTrash)); len(found.Findings) > 0 {
		t.Errorf("in the trash: %v", found.Findings)
	}
}

// A Sajin that is running is restless while something is to be done.
func TestRestless(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*world)
		want   bool
	}{
		"nothing to do":      {func(*world) {}, false},
		"an original alone":  {func(w *world) { w.store("originals/20261122/N.jpg", picture) }, true},
		"a rendition alone":  {func(w *world) { w.store("renditions/N/w320.jpg", picture) }, true},
		"not in the catalog": {func(w *world) { w.sql("DELETE FROM catalog_images") }, true},
		"not in the bucket":  {func(w *world) { w.remove("manifests/A.json") }, true},
		"in processing":      {func(w *world) { w.sql("UPDATE catalog_images SET state = 'processing'") }, true},
		"events wait":        {func(w *world) { w.sql("INSERT INTO catalog_outbox VALUES (1)") }, true},
	} {
		w := newWorld(t)
		c.change(w)
		store, err := fileblob.Open(w.places.MediaDir, fileblob.Options{}) // as who is running
		if err != nil {
			t.Fatal(err)
		}
		left, err := audit.Restless(t.Context(), w.places)
		if err := store.Close(); err != nil {
			t.Error(err)
		}
		if err != nil || (len(left) > 0) != c.want {
			t.Errorf("%s: %v left, %v", name, left, err)
		}
	}
}

// Whatever is done to the picture behind the gallery's back is found, and
// called by its name.
func TestEveryDifferenceIsFound(t *testing.T) {
	for name, c := range map[string]struct {
		harm     func(*world)
		promised audit.Promised
		want     audit.Kind
	}{
		"the original is gone":    {func(w *world) { w.remove(key) }, nil, audit.Orphan},
		"a rendition is gone":     {func(w *world) { w.remove("renditions/A/w320.jpg") }, nil, audit.Orphan},
		"a rendition is another":  {func(w *world) { w.store("renditions/A/w320.jpg", []byte("x")) }, nil, audit.Damaged},
		"the manifest is gone":    {func(w *world) { w.remove("manifests/A.json") }, nil, audit.Lost},
		"the manifest is none":    {func(w *world) { w.store("manifests/A.json", []byte("{")) }, nil, audit.Damaged},
		"the manifest says other": {func(w *world) { w.manifest(sum([]byte("other"))) }, nil, audit.Damaged},
		"other bytes":             {func(w *world) { w.store(key, bytes.ToUpper(picture)) }, nil, audit.Damaged},
		"a cut original": {func(w *world) {
			must(w.t, os.Truncate(filepath.Join(w.places.MediaDir, "objects", key), 10))
		}, nil, audit.Damaged},
		"a cut manifest": {func(w *world) {
			must(w.t, os.Truncate(filepath.Join(w.places.MediaDir, "objects/manifests/A.json"), 10))
		}, nil, audit.Lost},
		"the row is gone":       {func(w *world) { w.sql("DELETE FROM catalog_images") }, nil, audit.Lost},
		"the row is of nothing": {func(w *world) { w.sql("UPDATE catalog_images SET id = 'C'") }, nil, audit.Orphan},
		"a part of no image":    {func(w *world) { w.store("renditions/Z/w320.jpg", picture) }, nil, audit.Orphan},
		"something foreign":     {func(w *world) { w.store("notes.txt", picture) }, nil, audit.Orphan},
		"the same bytes twice": {func(w *world) {
			w.sql("INSERT INTO catalog_images SELECT 'C', owner, object_key, sha256, state, trashed, month FROM catalog_images")
		}, nil, audit.Double},
		"never finished":               {func(w *world) { w.sql("UPDATE catalog_images SET state = 'processing'") }, nil, audit.Unsaid},
		"refused with its files there": {func(w *world) { w.sql("UPDATE catalog_images SET state = 'failed'") }, nil, audit.Orphan},
		"an event waits":               {func(w *world) { w.sql("INSERT INTO catalog_outbox VALUES (1)") }, nil, audit.Unsaid},
		"a month is miscounted":        {func(w *world) { w.sql("UPDATE catalog_months SET images = 2") }, nil, audit.Damaged},
		"an id leads nowhere":          {func(w *world) { w.sql("DELETE FROM catalog_retired") }, nil, audit.Lost},
		"it is in the trash":           {func(w *world) { w.sql("UPDATE catalog_images SET trashed = 1") }, nil, audit.Lost},
		"it is not in the trash":       {func(*world) {}, kept(audit.InTrash), audit.Lost},
		"it was purged":                {func(*world) {}, kept(audit.Purged), audit.Ghost},
		"it was refused":               {func(*world) {}, kept(audit.Refused), audit.Ghost},
		"nobody has sent it":           {func(*world) {}, audit.Promised{}, audit.Ghost},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c.harm(w)
			promised := c.promised
			if promised == nil {
				promised = kept(audit.InGallery)
			}
			if found := w.audit(promised); found.Count(c.want) == 0 {
				t.Errorf("no %s among %v", c.want, found.Findings)
			}
		})
	}
}

// A film is held to be there with its bytes, like the picture that it is beside.
func TestFilms(t *testing.T) {
	film, filmKey := []byte("the bytes of a film"), "originals/20261122/A.mov"
	promised := kept(audit.InGallery)
	one := promised[sum(picture)]
	one.Films = []string{sum(film)}
	promised[sum(picture)] = one
	for name, c := range map[string]struct {
		harm func(*world)
		want audit.Kind
	}{
		"as it should be": {func(*world) {}, ""},
		"gone":            {func(w *world) { w.remove(filmKey) }, audit.Orphan},
		"lost":            {func(w *world) { w.remove(filmKey) }, audit.Lost},
		"other bytes":     {func(w *world) { w.store(filmKey, bytes.ToUpper(film)) }, audit.Damaged},
		"not named":       {func(w *world) { w.manifest(sum(picture)) }, audit.Orphan},
		"never joined":    {func(w *world) { w.manifest(sum(picture)) }, audit.Lost},
	} {
		w := newWorld(t)
		w.store(filmKey, film)
		w.manifest(sum(picture), contract.Motion{Key: filmKey, Length: int64(len(film)), SHA256: sum(film)})
		c.harm(w)
		if found := w.audit(promised); (c.want == "") != (len(found.Findings) == 0) || c.want != "" && found.Count(c.want) == 0 {
			t.Errorf("%s: %v, want %q", name, found.Findings, c.want)
		}
	}
}

// Who has not stopped cannot be audited, and what cannot be read is no finding.
func TestWhatCannotBeRead(t *testing.T) {
	w := newWorld(t)
	store, err := fileblob.Open(w.places.MediaDir, fileblob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := audit.Run(ctx, w.places, nil); err == nil {
		t.Error("a folder in use was audited")
	}
	if _, err := audit.Run(ctx, audit.Places{MediaDir: t.TempDir(), Database: "sqlite://" + t.TempDir() + "/none.db"}, nil); err == nil {
		t.Error("a database without tables was audited")
	}
}
