package gormdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"
	"gorm.io/gorm"

	"github.com/sajin-gallery/sajin/pkg/fault"
)

// migrationWait bounds the wait for another process that is migrating.
const migrationWait = 5 * time.Minute

// Migrations are a service's migrations.
type Migrations struct {
	FS    fs.FS  // holds a folder "mysql" and a folder "sqlite" of goose's SQL files
	Table string // where goose keeps what it has done; one for each service
}

// Migrate brings the schema of db up to date. It holds a lock meanwhile, so of
// several processes that start together one migrates and the others find it
// done. Each migration is one transaction where the database can do that (SQLite
// can; MySQL commits at every table it alters). A schema that a later program has
// migrated is refused.
func Migrate(ctx context.Context, db *gorm.DB, m Migrations) error {
	sqlDB, err := db.DB()
	if err != nil {
		return Fault("gormdb.Migrate", err)
	}
	unlock, err := lockMigration(ctx, db, sqlDB)
	if err != nil {
		return Fault("gormdb.Migrate", err)
	}
	err = migrate(ctx, db, sqlDB, m)
	return Fault("gormdb.Migrate", errors.Join(err, unlock()))
}

// Versions say how far a schema is: what the database has, 0 before its first
// migration, and what this program would bring it to.
type Versions struct{ Have, Known int64 }

// SchemaVersions reads them and changes nothing. Nobody is waited for: a
// migration that is under way shows as far as it has come.
func SchemaVersions(ctx context.Context, db *gorm.DB, m Migrations) (Versions, error) {
	v, err := schemaVersions(ctx, db, m)
	return v, Fault("gormdb.SchemaVersions", err)
}

func schemaVersions(ctx context.Context, db *gorm.DB, m Migrations) (v Versions, err error) {
	sqlDB, err := db.DB()
	if err != nil {
		return v, err
	}
	provider, err := newProvider(db, sqlDB, m)
	if err != nil {
		return v, err
	}
	sources := provider.ListSources()
	v.Known = sources[len(sources)-1].Version // a provider without any is an error
	if err := sqlDB.PingContext(ctx); err != nil {
		return v, err
	}
	if !db.WithContext(ctx).Migrator().HasTable(m.Table) { // goose would make it
		return v, nil
	}
	v.Have, _, err = provider.GetVersions(ctx)
	return v, err
}

func newProvider(db *gorm.DB, sqlDB *sql.DB, m Migrations) (*goose.Provider, error) {
	dialect, folder := goose.DialectMySQL, "mysql"
	if isSQLite(db) {
		dialect, folder = goose.DialectSQLite3, "sqlite"
	}
	files, err := fs.Sub(m.FS, folder)
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(dialect, sqlDB, files,
		goose.WithTableName(m.Table), goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
}

func migrate(ctx context.Context, db *gorm.DB, sqlDB *sql.DB, m Migrations) error {
	provider, err := newProvider(db, sqlDB, m)
	if err != nil {
		return err
	}
	if _, err = provider.Up(ctx); err != nil {
		return err
	}
	have, known, err := provider.GetVersions(ctx)
	if err == nil && have > known {
		err = errNewer.With("gormdb.Migrate", fmt.Errorf("the schema has version %d, this program knows %d", have, known))
	}
	return err
}

// errNewer keeps a program from writing what a later one has arranged in
// another way.
var errNewer = fault.New(fault.Invalid, "schema_newer",
	"The database belongs to a later version of the program. Please start that one, or restore the backup made before it.")

func lockMigration(ctx context.Context, db *gorm.DB, sqlDB *sql.DB) (unlock func() error, err error) {
	ctx, cancel := context.WithTimeout(ctx, migrationWait)
	defer cancel()
	if pool, ok := db.ConnPool.(*sqlitePool); ok {
		return lockFile(ctx, pool.path+"-migrating")
	}
	return lockName(ctx, sqlDB)
}

// lockName takes MySQL's lock by name, which the server gives up when the
// connection ends, however it does. The name is the whole server's, so the
// database is part of it, in the 64 characters that a name has at most. (MySQL
// 9.6 and later have no SHA1.)
func lockName(ctx context.Context, db *sql.DB) (func() error, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	const name = "CONCAT('sajin-migrate-', LEFT(SHA2(DATABASE(), 256), 40))"
	var got sql.NullInt64
	err = conn.QueryRowContext(ctx, "SELECT GET_LOCK("+name+", ?)", int(migrationWait/time.Second)).Scan(&got)
	if err == nil && got.Int64 != 1 {
		err = ErrBusy
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return func() error {
		released := context.WithoutCancel(ctx)
		_, err := conn.ExecContext(released, "DO RELEASE_LOCK("+name+")")
		return errors.Join(err, conn.Close())
	}, nil
}

// lockFile lets SQLite lock an empty database beside the real one: that works
// on every system, and ends with the process. The file stays, since removing it
// while somebody waits for it would give two of them the lock.
func lockFile(ctx context.Context, path string) (func() error, error) {
	db, err := openSQLiteFile(path, 1, "exclusive", fmt.Sprintf("busy_timeout(%d)", lockProbe.Milliseconds()))
	if err != nil {
		return nil, err
	}
	for {
		// Not under ctx: a transaction ends with the context it began with.
		tx, err := db.BeginTx(context.WithoutCancel(ctx), nil)
		if err == nil {
			return func() error { return errors.Join(tx.Rollback(), db.Close()) }, nil
		}
		if !errors.Is(Fault("gormdb.lockFile", err), ErrBusy) || ctx.Err() != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
}

// lockProbe is how long one try for the lock waits, and so how late the end of
// the context is noticed.
const lockProbe = 250 * time.Millisecond
