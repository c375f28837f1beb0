package gormdb_test

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/go-sql-driver/mysql"
	"go.uber.org/goleak"
	"gorm.io/gorm"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/gormdb"
	"github.com/sajin-gallery/sajin/pkg/gormdb/mysqltest"
)

func TestMain(m *testing.M) {
	code := mysqltest.Run(m)
	if err := goleak.Find(); err != nil && code == 0 {
		_, _ = os.Stderr.WriteString(err.Error() + "\n")
		code = 1
	}
	os.Exit(code)
}

// engines runs a test on each database, each time on a fresh one.
func engines(t *testing.T, run func(t *testing.T, db *gorm.DB)) {
	t.Helper()
	for name, address := range map[string]func(testing.TB) string{
		"sqlite": func(tb testing.TB) string { return "sqlite://" + filepath.Join(tb.(*testing.T).TempDir(), "test.db") },
		"mysql":  mysqltest.URL,
	} {
		t.Run(name, func(t *testing.T) { run(t, open(t, address(t), gormdb.Options{})) })
	}
}

func open(t *testing.T, address string, o gormdb.Options) *gorm.DB {
	t.Helper()
	db, err := gormdb.Open(t.Context(), address, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := gormdb.Close(db); err != nil {
			t.Error(err)
		}
	})
	return db
}

type counter struct {
	ID int64 `gorm:"primaryKey;autoIncrement:false"`
	N  int64
}

// counters is a schema for these tests.
var counters = gormdb.Migrations{
	Table: "test_migrations",
	FS: fstest.MapFS{
		"sqlite/00001_counters.sql": {Data: []byte("-- +goose Up\nCREATE TABLE counters (id INTEGER PRIMARY KEY, n INTEGER NOT NULL);\nINSERT INTO counters VALUES (1, 0);\n")},
		"mysql/00001_counters.sql":  {Data: []byte("-- +goose Up\nCREATE TABLE counters (id BIGINT PRIMARY KEY, n BIGINT NOT NULL);\nINSERT INTO counters VALUES (1, 0);\n")},
	},
}

func TestMigratorsThatStartTogetherMigrateOnce(t *testing.T) {
	engines(t, func(t *testing.T, db *gorm.DB) {
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if err := gormdb.Migrate(t.Context(), db, counters); err != nil {
					t.Errorf("Migrate: %v", err)
				}
			})
		}
		wg.Wait()
		var rows int64
		if err := db.Model(&counter{}).Count(&rows).Error; err != nil || rows != 1 {
			t.Errorf("the migration inserted %d rows (%v), want 1", rows, err)
		}
	})
}

func TestVersionsOfASchemaAreReadWithoutTouchingIt(t *testing.T) {
	engines(t, func(t *testing.T, db *gorm.DB) {
		before, err := gormdb.SchemaVersions(t.Context(), db, counters)
		if err != nil || before != (gormdb.Versions{Have: 0, Known: 1}) || db.Migrator().HasTable(counters.Table) {
			t.Errorf("before: %+v, %v", before, err)
		}
		if err := gormdb.Migrate(t.Context(), db, counters); err != nil {
			t.Fatal(err)
		}
		after, err := gormdb.SchemaVersions(t.Context(), db, counters)
		if err != nil || after != (gormdb.Versions{Have: 1, Known: 1}) {
			t.Errorf("after: %+v, %v", after, err)
		}
	})
}

// F41: a program does not work on what a later one has migrated.
func TestF41_ALaterSchemaIsRefused(t *testing.T) {
	engines(t, func(t *testing.T, db *gorm.DB) {
		later := gormdb.Migrations{Table: counters.Table, FS: fstest.MapFS{
			"sqlite/00002_more.sql": {Data: []byte("-- +goose Up\nCREATE TABLE more (id INTEGER PRIMARY KEY);\n")},
			"mysql/00002_more.sql":  {Data: []byte("-- +goose Up\nCREATE TABLE more (id BIGINT PRIMARY KEY);\n")},
		}}
		maps.Copy(later.FS.(fstest.MapFS), counters.FS.(fstest.MapFS))
		for _, m := range []gormdb.Migrations{counters, later, later} {
			if err := gormdb.Migrate(t.Context(), db, m); err != nil {
				t.Fatal(err)
			}
		}
		if err := gormdb.Migrate(t.Context(), db, counters); fault.Public(err).Code != "schema_newer" {
			t.Errorf("Migrate = %v, want that the schema is of a later program", err)
		}
	})
}

func TestMigrateSaysWhatFailed(t *testing.T) {
	engines(t, func(t *testing.T, db *gorm.DB) {
		broken := gormdb.Migrations{Table: "m", FS: fstest.MapFS{
			"sqlite/00001_x.sql": {Data: []byte("-- +goose Up\nCREATE GARBAGE;\n")},
			"mysql/00001_x.sql":  {Data: []byte("-- +goose Up\nCREATE GARBAGE;\n")},
		}}
		if err := gormdb.Migrate(t.Context(), db, broken); err == nil || !strings.Contains(err.Error(), "GARBAGE") {
			t.Errorf("Migrate = %v, want the statement that failed", err)
		}
		if err := gormdb.Migrate(t.Context(), db, counters); err != nil {
			t.Errorf("the lock was not given up: %v", err)
		}
	})
}

func TestTransactionsOfManyWorkersLoseNothing(t *testing.T) {
	engines(t, func(t *testing.T, db *gorm.DB) {
		if err := gormdb.Migrate(t.Context(), db, counters); err != nil {
			t.Fatal(err)
		}
		const workers, rounds = 20, 5
		var wg sync.WaitGroup
		for range workers {
			wg.Go(func() {
				for range rounds {
					if err := gormdb.Transact(t.Context(), db, increment); err != nil {
						t.Errorf("Transact: %v", err)
					}
				}
			})
		}
		wg.Wait()
		var got counter
		if err := db.First(&got).Error; err != nil || got.N != workers*rounds {
			t.Errorf("counted %d (%v), want %d", got.N, err, workers*rounds)
		}
	})
}

// increment reads and writes back, so that two at once would lose one.
func increment(tx *gorm.DB) error {
	var c counter
	if err := tx.Raw("UPDATE counters SET n = n + 0 WHERE id = 1").Scan(&c).Error; err != nil {
		return err
	}
	if err := tx.Where("id = 1").Take(&c).Error; err != nil {
		return err
	}
	c.N++
	return tx.Save(&c).Error
}

func TestTransactRollsBackAndKeepsTheFault(t *testing.T) {
	engines(t, func(t *testing.T, db *gorm.DB) {
		if err := gormdb.Migrate(t.Context(), db, counters); err != nil {
			t.Fatal(err)
		}
		refusal := fault.New(fault.Conflict, "refused", "No.")
		err := gormdb.Transact(t.Context(), db, func(tx *gorm.DB) error {
			if err := increment(tx); err != nil {
				return err
			}
			return refusal
		})
		if !errors.Is(err, refusal) {
			t.Errorf("Transact = %v, want the refusal", err)
		}
		var got counter
		if err := db.First(&got).Error; err != nil || got.N != 0 {
			t.Errorf("N = %d (%v) after the roll-back, want 0", got.N, err)
		}
	})
}

func TestTransactTriesABusyDatabaseAgain(t *testing.T) {
	busy := &mysql.MySQLError{Number: 1213, Message: "Deadlock found"}
	tests := map[string]struct {
		failures int
		want     error
	}{
		"as often as allowed": {gormdb.MaxRetries, nil},
		"once too often":      {gormdb.MaxRetries + 1, gormdb.ErrBusy},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			db := open(t, "sqlite://"+filepath.Join(t.TempDir(), "test.db"), gormdb.Options{})
			var ran atomic.Int64
			err := gormdb.Transact(t.Context(), db, func(*gorm.DB) error {
				if ran.Add(1) <= int64(tt.failures) {
					return busy
				}
				return nil
			})
			if !errors.Is(err, tt.want) {
				t.Errorf("Transact = %v, want %v", err, tt.want)
			}
			if want := int64(gormdb.MaxRetries + 1); ran.Load() != want {
				t.Errorf("ran %d times, want %d", ran.Load(), want)
			}
		})
	}
}

func TestWritesWithAnEndedContextFail(t *testing.T) {
	engines(t, func(t *testing.T, db *gorm.DB) {
		if err := gormdb.Migrate(t.Context(), db, counters); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		err := gormdb.Transact(ctx, db, func(tx *gorm.DB) error {
			cancel()
			return tx.Exec("UPDATE counters SET n = 7").Error
		})
		if fault.KindOf(err) != fault.Canceled {
			t.Errorf("Transact = %v (%v), want Canceled", err, fault.KindOf(err))
		}
		var got counter
		if err := db.First(&got).Error; err != nil || got.N != 0 {
			t.Errorf("N = %d (%v), want 0: nothing of a cancelled transaction stays", got.N, err)
		}
	})
}

func TestSQLiteIsDurableAndPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a folder", "what? 100% & #1.db")
	db := open(t, "sqlite://"+strings.NewReplacer("%", "%25", "?", "%3F", "#", "%23").Replace(path), gormdb.Options{})
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"} {
		var read, written string
		if err := db.Raw("PRAGMA " + pragma).Scan(&read).Error; err != nil || read != want {
			t.Errorf("%s of a reader = %q (%v), want %q", pragma, read, err, want)
		}
		err := gormdb.Transact(t.Context(), db, func(tx *gorm.DB) error { return tx.Raw("PRAGMA " + pragma).Scan(&written).Error })
		if err != nil || written != want {
			t.Errorf("%s of the writer = %q (%v), want %q", pragma, written, err, want)
		}
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatalf("the file is not where the URL says: %v", err)
	}
	if mode := info.Mode().Perm(); mode != 0o600 {
		t.Errorf("the file's mode is %o, want 600", mode)
	}
}

func TestSQLiteReadsWhileAWriteIsOpen(t *testing.T) {
	db := open(t, "sqlite://"+filepath.Join(t.TempDir(), "test.db"), gormdb.Options{})
	if err := gormdb.Migrate(t.Context(), db, counters); err != nil {
		t.Fatal(err)
	}
	err := gormdb.Transact(t.Context(), db, func(tx *gorm.DB) error {
		if err := tx.Exec("UPDATE counters SET n = 1").Error; err != nil {
			return err
		}
		var outside counter
		if err := db.WithContext(t.Context()).First(&outside).Error; err != nil || outside.N != 0 {
			t.Errorf("a reader sees %d (%v), want 0", outside.N, err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// hostile values must arrive as they are, whatever the driver does with them.
func TestValuesAreNeverPartOfAStatement(t *testing.T) {
	engines(t, func(t *testing.T, db *gorm.DB) {
		for _, want := range []string{`'; DROP TABLE counters; --`, `\' OR 1=1 --`, "\x00\x1a\"`", "사진 \U0001F4F7", "100% _?"} {
			var got string
			if err := db.Raw("SELECT ?", want).Scan(&got).Error; err != nil || got != want {
				t.Errorf("%q came back as %q (%v)", want, got, err)
			}
		}
	})
}
