package gormcatalog

import (
	"io/fs"

	"github.com/sajin-gallery/sajin/pkg/gormdb"
)

// migrationsTable is the catalog's own, so that it can share a database.
const migrationsTable = "catalog_migrations"

func migrations() (gormdb.Migrations, error) {
	sub, err := fs.Sub(files, "migrations")
	return gormdb.Migrations{FS: sub, Table: migrationsTable}, err
}
