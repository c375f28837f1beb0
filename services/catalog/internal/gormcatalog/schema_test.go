package gormcatalog

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
	Rows:       []any{&imageRow{}, &retiredRow{}, &monthRow{}, &feedRow{}, &changeRow{}, &albumRow{}, &memberRow{}, &outboxRow{}, &takenRow{}, &settingRow{}},
	Migrate:    func(ctx context.Context, db *gorm.DB) error { return New(db).Migrate(ctx) },
	Migrations: os.DirFS("."),
	Table:      migrationsTable,
}

func TestSchema(t *testing.T) { schematest.Run(t, suite) }

func TestQueriesUseTheirIndexes(t *testing.T) {
	const (
		images = "SELECT * FROM catalog_images WHERE "
		page   = "taken_ms <= 5 AND (taken_ms < 5 OR id < 'x') ORDER BY taken_ms DESC, id DESC LIMIT 9"
	)
	suite.UseIndexes(t, map[string]string{
		images + "owner = 'a' AND trashed = 0 AND " + page:                                                                      "catalog_images_timeline",
		images + "owner = 'a' AND trashed = 0 AND month = '2026-11' AND " + page:                                                "catalog_images_month",
		images + "trashed_ms < 5 ORDER BY trashed_ms LIMIT 9":                                                                   "catalog_images_expiry",
		"SELECT * FROM catalog_outbox WHERE claimed_until_ms <= 5 AND " + unpreceded + " ORDER BY claimed_until_ms, id LIMIT 9": "catalog_outbox_due",
		"SELECT id FROM catalog_outbox WHERE subject = 'x' AND id < 5 AND NOT aside":                                            "catalog_outbox_order",
		"SELECT event_key FROM catalog_taken WHERE taken_ms < 5 ORDER BY taken_ms LIMIT 9":                                      "catalog_taken_age",
		images + "owner = 'a' AND content_key IN ('x', 'y')":                                                                    "catalog_images_content",
		"SELECT i.* FROM catalog_members m JOIN catalog_images i ON i.id = m.image_id WHERE m.album_id = 'a' AND m.trashed = 0 AND i.owner = 'o' " +
			"AND m.taken_ms <= 5 AND (m.taken_ms < 5 OR m.image_id < 'x') ORDER BY m.taken_ms DESC, m.image_id DESC LIMIT 9": "catalog_members_page",
		"SELECT a.*, " + coverOf("catalog_members m") + " FROM catalog_albums a WHERE a.owner = 'o'": "catalog_members_page",
		"SELECT * FROM catalog_albums WHERE owner = 'o' AND parent = '' AND name = 'x'":              "catalog_albums_place",
		"SELECT album_id, image_id FROM catalog_members WHERE image_id IN ('a', 'b')":                "catalog_members_image",
	})
}
