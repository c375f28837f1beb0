package gormaccounts

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/gormdb"
	"github.com/sajin-gallery/sajin/pkg/gormdb/mysqltest"
	"github.com/sajin-gallery/sajin/services/web/internal/accounts"
)

// What every request costs where people sign in: its session, with its account.
func BenchmarkSession(b *testing.B) {
	for name, address := range map[string]func() string{
		"sqlite": func() string { return "sqlite://" + filepath.Join(b.TempDir(), "accounts.db") },
		"mysql":  func() string { return mysqltest.URL(b) },
	} {
		b.Run(name, func(b *testing.B) {
			db, err := gormdb.Open(b.Context(), address(), gormdb.Options{})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = gormdb.Close(db) })
			s := New(db)
			now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
			if err := s.Migrate(b.Context()); err != nil {
				b.Fatal(err)
			}
			if err := s.Create(b.Context(), accounts.Account{ID: "a", Name: "ann", CreatedAt: now}, accounts.Keys{Name: "ann"}); err != nil {
				b.Fatal(err)
			}
			if err := s.Begin(b.Context(), accounts.Session{ID: "s", Account: "a", Hash: "h", CreatedAt: now, RotatedAt: now, SeenAt: now}, "", "", 9); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, _, err := s.Session(b.Context(), "h"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
