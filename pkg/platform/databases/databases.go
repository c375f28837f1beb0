// Package databases opens a service's database: SQLite, MySQL, or MySQL on Cloud
// SQL.
package databases

import (
	"context"
	"errors"
	"strings"

	"gorm.io/gorm"

	"github.com/sajin-gallery/sajin/pkg/gormdb"
)

// Open opens a database by its URL, as gormdb.Open does. Cloud SQL's connector is
// made only where it is asked for, since it looks for credentials. It is a
// platform.Kit's Database.
func Open(ctx context.Context, rawURL string) (*gorm.DB, func() error, error) {
	options, hangUp := gormdb.Options{}, func() error { return nil }
	if strings.HasPrefix(rawURL, "cloudsql://") {
		dialer, err := newDialer(ctx)
		if err != nil {
			return nil, nil, err
		}
		options.CloudSQL, hangUp = dialer, dialer.Close
	}
	db, err := gormdb.Open(ctx, rawURL, options)
	if err != nil {
		return nil, nil, errors.Join(err, hangUp())
	}
	return db, func() error { return errors.Join(gormdb.Close(db), hangUp()) }, nil
}
