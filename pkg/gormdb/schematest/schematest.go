// Package schematest is the conformance suite of a store's schema: its
// migrations make, in both dialects, what its GORM models expect, they go back,
// and on after they were broken off, and its queries use the indexes that they
// are meant to.
//
// It knows databases and models, and no service.
package schematest

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"
	"gorm.io/gorm"
	"gorm.io/gorm/schema"

	"github.com/sajin-gallery/sajin/pkg/gormdb"
	"github.com/sajin-gallery/sajin/pkg/gormdb/mysqltest"
)

// Schema is what is tested.
type Schema struct {
	// Rows are pointers to all models.
	Rows []any
	// Migrate brings an empty database up to date.
	Migrate func(ctx context.Context, db *gorm.DB) error
	// Migrations has the folders migrations/mysql and migrations/sqlite.
	Migrations fs.FS
	// Table is where the migrations are counted.
	Table string
}

// Run runs the suite on every engine that is there.
func Run(t *testing.T, s Schema) {
	t.Run("Models", s.isTheModels)
	t.Run("GoBack", s.goesBack)
	t.Run("GoOn", s.goesOn)
}

// Engines runs a test on each database, with an empty one. The package's
// TestMain must be mysqltest.Run.
func Engines(t *testing.T, run func(t *testing.T, db *gorm.DB)) {
	t.Helper()
	for name, address := range map[string]func(t *testing.T) string{
		"sqlite": sqliteURL,
		"mysql":  func(t *testing.T) string { return mysqltest.URL(t) },
	} {
		t.Run(name, func(t *testing.T) { run(t, Open(t, address(t))) })
	}
}

func sqliteURL(t *testing.T) string { return "sqlite://" + filepath.Join(t.TempDir(), "test.db") }

// Open opens a database for the length of a test.
func Open(t *testing.T, address string) *gorm.DB {
	t.Helper()
	db, err := gormdb.Open(t.Context(), address, gormdb.Options{})
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

// table is what a schema says, in words that both dialects and the models have.
type table struct {
	Columns map[string]string // name: "null" or "not null"
	Indexes map[string]string // name: "unique(a, b)" or "(a, b)"
}

// isTheModels: the migrations of each dialect make exactly what the rows expect,
// and nothing beside it.
func (s Schema) isTheModels(t *testing.T) {
	want := map[string]table{}
	for _, row := range s.Rows {
		model, err := schema.Parse(row, &sync.Map{}, schema.NamingStrategy{})
		if err != nil {
			t.Fatal(err)
		}
		want[model.Table] = ofModel(model)
	}
	Engines(t, func(t *testing.T, db *gorm.DB) {
		if err := s.Migrate(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		got := map[string]table{}
		for _, name := range tables(t, db) {
			got[name] = ofDatabase(t, db, name)
		}
		delete(got, s.Table)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("models (-) and migrated schema (+) differ:\n%s", diff)
		}
	})
}

func ofModel(s *schema.Schema) table {
	out := table{Columns: map[string]string{}, Indexes: map[string]string{}}
	var primary []string
	for _, f := range s.Fields {
		out.Columns[f.DBName] = "null"
		if f.NotNull || f.PrimaryKey {
			out.Columns[f.DBName] = "not null"
		}
		if f.PrimaryKey {
			primary = append(primary, f.DBName)
		}
	}
	out.Indexes["primary"] = "unique(" + strings.Join(primary, ", ") + ")"
	for _, index := range s.ParseIndexes() {
		var columns []string
		for _, f := range index.Fields {
			columns = append(columns, f.DBName)
		}
		out.Indexes[index.Name] = strings.ToLower(index.Class) + "(" + strings.Join(columns, ", ") + ")"
	}
	return out
}

func tables(t *testing.T, db *gorm.DB) []string {
	t.Helper()
	query := "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
	if db.Name() == "sqlite" {
		query = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
	}
	return scan[string](t, db, query)
}

type columnInfo struct {
	Name     string
	Nullable bool
}

type indexInfo struct {
	Name     string
	IsUnique bool
	Col      string
}

// How each dialect tells its columns and the parts of its indexes, in order.
var questions = map[string]struct{ columns, indexes string }{
	"sqlite": {
		`SELECT name, NOT "notnull" AS nullable FROM pragma_table_info(?)`,
		`SELECT CASE l.origin WHEN 'pk' THEN 'primary' ELSE l.name END AS name, l."unique" AS is_unique, i.name AS col
		 FROM pragma_index_list(?) l JOIN pragma_index_info(l.name) i ORDER BY l.name, i.seqno`,
	},
	"mysql": {
		`SELECT column_name AS name, is_nullable = 'YES' AS nullable FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ?`,
		`SELECT CASE index_name WHEN 'PRIMARY' THEN 'primary' ELSE index_name END AS name, non_unique = 0 AS is_unique, column_name AS col
		 FROM information_schema.statistics WHERE table_schema = DATABASE() AND table_name = ? ORDER BY index_name, seq_in_index`,
	},
}

func ofDatabase(t *testing.T, db *gorm.DB, name string) table {
	t.Helper()
	out := table{Columns: map[string]string{}, Indexes: map[string]string{}}
	for _, c := range scan[columnInfo](t, db, questions[db.Name()].columns, name) {
		out.Columns[c.Name] = map[bool]string{true: "null", false: "not null"}[c.Nullable]
	}
	parts, unique := map[string][]string{}, map[string]bool{}
	for _, i := range scan[indexInfo](t, db, questions[db.Name()].indexes, name) {
		parts[i.Name] = append(parts[i.Name], i.Col)
		unique[i.Name] = i.IsUnique
	}
	for index, columns := range parts {
		out.Indexes[index] = map[bool]string{true: "unique"}[unique[index]] + "(" + strings.Join(columns, ", ") + ")"
	}
	if _, ok := out.Indexes["primary"]; !ok { // SQLite's own row id
		out.Indexes["primary"] = "unique(id)"
	}
	return out
}

func scan[T any](t *testing.T, db *gorm.DB, query string, args ...any) []T {
	t.Helper()
	var out []T
	if err := db.WithContext(t.Context()).Raw(query, args...).Scan(&out).Error; err != nil {
		t.Fatal(err)
	}
	return out
}

// goesBack: down, and up again.
func (s Schema) goesBack(t *testing.T) {
	Engines(t, func(t *testing.T, db *gorm.DB) {
		if err := s.Migrate(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		before := tables(t, db)
		s.down(t, db)
		if left := slices.DeleteFunc(tables(t, db), func(name string) bool { return name == s.Table }); len(left) != 0 {
			t.Errorf("going back leaves %v", left)
		}
		if err := s.Migrate(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		if after := tables(t, db); fmt.Sprint(after) != fmt.Sprint(before) {
			t.Errorf("down and up again made %v of %v", after, before)
		}
	})
}

func (s Schema) down(t *testing.T, db *gorm.DB) {
	t.Helper()
	if _, err := s.provider(t, db).DownTo(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
}

// provider goes through the migrations one by one.
func (s Schema) provider(t *testing.T, db *gorm.DB) *goose.Provider {
	t.Helper()
	sqlDB, err := db.DB()
	if err != nil {
		t.Fatal(err)
	}
	dialect, folder := goose.DialectMySQL, "migrations/mysql"
	if db.Name() == "sqlite" {
		dialect, folder = goose.DialectSQLite3, "migrations/sqlite"
	}
	files, err := fs.Sub(s.Migrations, folder)
	if err != nil {
		t.Fatal(err)
	}
	provider, err := goose.NewProvider(dialect, sqlDB, files, goose.WithTableName(s.Table), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		t.Fatal(err)
	}
	return provider
}

// UseIndexes holds queries to their indexes, on SQLite: it sorts no list and
// reads none as a whole. MySQL's and MariaDB's plans depend on what is in the
// tables: a store's own tests and benchmarks look at those.
func (s Schema) UseIndexes(t *testing.T, indexes map[string]string) {
	t.Helper()
	db := Open(t, sqliteURL(t))
	if err := s.Migrate(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	for query, index := range indexes {
		var plan []struct{ Detail string }
		if err := db.Raw("EXPLAIN QUERY PLAN " + query).Scan(&plan).Error; err != nil {
			t.Fatal(err)
		}
		if text := fmt.Sprint(plan); !strings.Contains(text, "INDEX "+index) || strings.Contains(text, "TEMP B-TREE") {
			t.Errorf("%s is done by %s, want the index %s", query, text, index)
		}
	}
}
