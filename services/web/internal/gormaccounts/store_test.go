package gormaccounts

import (
	"path/filepath"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/gormdb"
	"github.com/sajin-gallery/sajin/pkg/gormdb/mysqltest"
	"github.com/sajin-gallery/sajin/services/web/internal/accounts"
	"github.com/sajin-gallery/sajin/services/web/internal/accounts/accountstest"
)

func TestStore(t *testing.T) {
	for name, address := range map[string]func(t *testing.T) string{
		"sqlite": func(t *testing.T) string { return "sqlite://" + filepath.Join(t.TempDir(), "accounts.db") },
		"mysql":  func(t *testing.T) string { return mysqltest.URL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			accountstest.RunStore(t, func(t *testing.T) accounts.Store {
				db, err := gormdb.Open(t.Context(), address(t), gormdb.Options{})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = gormdb.Close(db) })
				s := New(db)
				if err := s.Migrate(t.Context()); err != nil {
					t.Fatal(err)
				}
				return s
			})
		})
	}
}
