package gormdb_test

import (
	"strings"
	"testing"

	"gorm.io/gorm"

	"github.com/sajin-gallery/sajin/pkg/gormdb"
	"github.com/sajin-gallery/sajin/pkg/telemetry"
	"github.com/sajin-gallery/sajin/pkg/telemetry/telemetrytest"
)

// Statements are recorded in the trace of their context, by what they do and
// never by the values in them.
func TestStatementsAreTracedWithoutTheirValues(t *testing.T) {
	engines(t, func(t *testing.T, db *gorm.DB) {
		if err := gormdb.Migrate(t.Context(), db, counters); err != nil {
			t.Fatal(err)
		}
		recorded := telemetrytest.Record(t)
		ctx, work := telemetry.Begin(t.Context(), telemetry.Internal, "work")
		tx := db.WithContext(ctx)
		var all []counter
		for _, err := range []error{
			tx.Create(&counter{ID: 4711, N: 4711}).Error, tx.Where("n = ?", 4711).Find(&all).Error,
			tx.Exec("DELETE FROM counters WHERE id = ?", 4711).Error,
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := tx.Exec("SELECT * FROM nowhere").Error; err == nil {
			t.Fatal("a table that is not there was read")
		}
		work.End(nil)
		spans := recorded.Spans()
		for i, want := range []string{"INSERT counters", "SELECT counters", "DELETE", "SELECT"} {
			s := spans[i]
			if s.Name != want || s.TraceID != spans[4].TraceID || s.Failed != (i == 3) {
				t.Errorf("recorded %+v, want %s", s, want)
			}
			for _, value := range s.Attributes {
				if strings.Contains(value, "4711") {
					t.Errorf("recorded a value: %q", value)
				}
			}
		}
		measured := int64(0)
		for _, m := range recorded.Measurements(t) {
			measured += m.Count
		}
		if measured != 4 {
			t.Errorf("measured %d statements, want 4", measured)
		}
	})
}
