package gormdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/glebarez/sqlite"
	"gorm.io/gorm"
)

// busyTimeoutMS is how long SQLite itself waits for another process's lock.
const busyTimeoutMS = "5000"

func openSQLite(ctx context.Context, rest string) (*gorm.DB, error) {
	path, err := sqlitePath(rest)
	if err != nil {
		return nil, err
	}
	pool, err := newSQLitePool(ctx, path)
	if err != nil {
		return nil, err
	}
	db, err := gorm.Open(&sqlite.Dialector{Conn: pool}, config())
	if err == nil {
		err = observe(db)
	}
	if err != nil {
		_ = pool.Close()
		return nil, fmt.Errorf("gormdb: open sqlite: %w", err)
	}
	return db, nil
}

// sqlitePath makes the folder and, so that nobody else may read it, the file.
func sqlitePath(rest string) (string, error) {
	u, err := url.Parse("sqlite://" + rest)
	if err != nil || u.Host != "" || u.RawQuery != "" || !strings.HasPrefix(u.Path, "/") || strings.HasSuffix(u.Path, "/") {
		return "", errors.New("gormdb: the database URL must be sqlite:///path/to/file")
	}
	path := filepath.FromSlash(u.Path)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("gormdb: open sqlite: %w", err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", fmt.Errorf("gormdb: open sqlite: %w", err)
	}
	return path, file.Close()
}

// sqlitePool sends reads to several connections and everything else to one
// writer. SQLite has one writer at a time anyway: queueing for it here, fairly
// and with the caller's context, is better than colliding in SQLITE_BUSY, and
// in WAL mode the readers never wait for it.
//
// A read that must see the transaction's own writes runs in the transaction,
// and so on the writer.
type sqlitePool struct {
	path          string
	reads, writes *sql.DB
}

func newSQLitePool(ctx context.Context, path string) (*sqlitePool, error) {
	pragmas := []string{"busy_timeout(" + busyTimeoutMS + ")", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"}
	p := &sqlitePool{path: path}
	var err error
	if p.writes, err = openSQLiteFile(path, 1, "immediate", pragmas...); err != nil {
		return nil, err
	}
	// The writer first: it turns WAL on, which readers could not do together.
	if err := p.writes.PingContext(ctx); err != nil {
		_ = p.writes.Close()
		return nil, fmt.Errorf("gormdb: open sqlite: %w", err)
	}
	readers := max(4, runtime.GOMAXPROCS(0))
	if p.reads, err = openSQLiteFile(path, readers, "deferred", append(pragmas, "query_only(1)")...); err != nil {
		_ = p.writes.Close()
		return nil, err
	}
	return p, nil
}

func openSQLiteFile(path string, conns int, begin string, pragmas ...string) (*sql.DB, error) {
	query := url.Values{"_txlock": {begin}, "_pragma": pragmas}
	dsn := (&url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path), RawQuery: query.Encode()}).String()
	db, err := sql.Open(sqlite.DriverName, dsn)
	if err != nil {
		return nil, fmt.Errorf("gormdb: open sqlite: %w", err)
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

// PrepareContext prepares a statement that may write.
func (p *sqlitePool) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	return p.writes.PrepareContext(ctx, query)
}

// ExecContext runs a statement on the writer.
func (p *sqlitePool) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return p.writes.ExecContext(ctx, query, args...)
}

// QueryContext runs a query on a reader.
func (p *sqlitePool) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return p.reads.QueryContext(ctx, query, args...)
}

// QueryRowContext runs a query for one row on a reader.
func (p *sqlitePool) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return p.reads.QueryRowContext(ctx, query, args...)
}

// BeginTx begins a transaction on the writer.
func (p *sqlitePool) BeginTx(ctx context.Context, o *sql.TxOptions) (*sql.Tx, error) {
	return p.writes.BeginTx(ctx, o)
}

// GetDBConn gives GORM's DB the writer.
func (p *sqlitePool) GetDBConn() (*sql.DB, error) { return p.writes, nil }

// Close closes the readers first, so that the last connection, the writer,
// moves what is in the log into the file.
func (p *sqlitePool) Close() error { return errors.Join(p.reads.Close(), p.writes.Close()) }
