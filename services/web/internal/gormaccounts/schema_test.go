package gormaccounts

import (
	"context"
	"os"
	"testing"

	"go.uber.org/goleak"
	"gorm.io/gorm"

	"github.com/sajin-gallery/sajin/pkg/gormdb/mysqltest"
	"github.com/sajin-gallery/sajin/pkg/gormdb/schematest"
)

func TestMain(m *testing.M) {
	code := mysqltest.Run(m)
	if err := goleak.Find(); err != nil && code == 0 {
		_, _ = os.Stderr.WriteString(err.Error() + "\n")
		code = 1
	}
	os.Exit(code)
}

var suite = schematest.Schema{
	Rows:       []any{&accountRow{}, &setupRow{}, &sessionRow{}, &deviceRow{}, &tokenRow{}, &attemptRow{}},
	Migrate:    func(ctx context.Context, db *gorm.DB) error { return New(db).Migrate(ctx) },
	Migrations: os.DirFS("."),
	Table:      migrationsTable,
}

func TestSchema(t *testing.T) { schematest.Run(t, suite) }

func TestQueriesUseTheirIndexes(t *testing.T) {
	suite.UseIndexes(t, map[string]string{
		"SELECT * FROM web_accounts WHERE email_key = 'a@b'":                               "web_accounts_email",
		"SELECT * FROM web_sessions WHERE hash = 'a'":                                      "web_sessions_hash",
		"SELECT * FROM web_sessions WHERE previous_hash = 'a'":                             "web_sessions_previous",
		"SELECT * FROM web_sessions WHERE account_id = 'a' ORDER BY seen_ms DESC":          "web_sessions_account",
		"SELECT hash FROM web_devices WHERE account_id = 'a' ORDER BY created_ms DESC":     "web_devices_account",
		"SELECT * FROM web_tokens WHERE hash = 'a'":                                        "web_tokens_hash",
		"SELECT * FROM web_tokens WHERE account_id = 'a' ORDER BY created_ms DESC LIMIT 9": "web_tokens_account",
		"SELECT * FROM web_attempts WHERE last_ms < 5":                                     "web_attempts_last",
	})
}
