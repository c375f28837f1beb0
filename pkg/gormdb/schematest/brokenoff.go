package schematest

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/gormdb/mysqltest"
)

// goesOn: a migration that was broken off between two of its statements is begun
// again by the next, and ends well. MySQL commits at every one of them; SQLite
// takes a broken migration back by itself.
func (s Schema) goesOn(t *testing.T) {
	files, err := fs.Sub(s.Migrations, "migrations/mysql")
	if err != nil {
		t.Fatal(err)
	}
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for version, name := range names {
		statements := up(t, files, name)
		for done := 1; done < len(statements); done++ {
			t.Run(fmt.Sprint(name, " after ", done), func(t *testing.T) {
				db := Open(t, mysqltest.URL(t))
				if version > 0 {
					if _, err := s.provider(t, db).UpTo(t.Context(), int64(version)); err != nil {
						t.Fatal(err)
					}
				}
				for _, statement := range statements[:done] {
					if err := db.Exec(statement).Error; err != nil {
						t.Fatal(err)
					}
				}
				if err := s.Migrate(t.Context(), db); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// up are the statements of a migration; none has a semicolon at the end of a line
// within it.
func up(t *testing.T, files fs.FS, name string) []string {
	t.Helper()
	raw, err := fs.ReadFile(files, name)
	if err != nil {
		t.Fatal(err)
	}
	text, _, _ := strings.Cut(string(raw), "-- +goose Down")
	statements := strings.Split(strings.TrimSpace(text), ";\n")
	statements[len(statements)-1] = strings.TrimSuffix(statements[len(statements)-1], ";")
	return statements
}
