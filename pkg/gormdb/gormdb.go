// Package gormdb opens the databases that Sajin's services keep their state in
// (MySQL on Cloud SQL, MariaDB, SQLite) behind GORM, with the settings that
// each needs to be safe, and gives what every store shares: whole transactions
// that are tried again, migrations under a lock, and the one table from driver
// errors to faults.
//
// It knows no table and no service. The Cloud SQL connector is in the package
// cloudsql beside it, so that a build without the cloud does not link it.
package gormdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// Dialer connects to a Cloud SQL instance ("project:region:instance").
// *cloudsql.Dialer is one.
type Dialer interface {
	Dial(ctx context.Context, instance string, o DialOptions) (net.Conn, error)
}

// DialOptions say how to connect to a Cloud SQL instance.
type DialOptions struct {
	IAM bool   // log in with the service account instead of a password
	IP  string // "public", "private" or "psc"; empty leaves it to the connector
}

// Options are what the URL does not say. The zero value is ready to use.
type Options struct {
	// MaxOpenConns bounds the connections to MySQL; 10 when 0, at least 2 (a
	// migration works on one while another holds its lock). The replicas' pools
	// together must stay under the server's max_connections.
	MaxOpenConns int
	// ConnMaxLifetime closes a MySQL connection after this time, so that a
	// failover is noticed and load spreads; 5 minutes when 0.
	ConnMaxLifetime time.Duration
	// CloudSQL is needed for cloudsql:// URLs only.
	CloudSQL Dialer
}

func (o Options) withDefaults() Options {
	if o.MaxOpenConns == 0 {
		o.MaxOpenConns = 10
	}
	o.MaxOpenConns = max(o.MaxOpenConns, 2)
	if o.ConnMaxLifetime == 0 {
		o.ConnMaxLifetime = 5 * time.Minute
	}
	return o
}

// Open opens the database of a URL:
//
//	sqlite:///path/to/file
//	mysql://user:password@host:port/database?tls=true
//	mysql://user:password@/database?socket=/path/to/socket
//	cloudsql://project:region:instance/database?iam=user
//	cloudsql://user:password@project:region:instance/database?ip=private
//
// A MySQL server need not be up yet: its first use connects. SQLite's file is
// made where it does not exist. An error never shows the URL, which may hold a
// password. The result is safe for concurrent use; end it with [Close].
func Open(ctx context.Context, rawURL string, o Options) (*gorm.DB, error) {
	o = o.withDefaults()
	scheme, rest, found := strings.Cut(rawURL, "://")
	switch {
	case !found:
		return nil, errors.New("gormdb: the database URL has no scheme (sqlite://, mysql:// or cloudsql://)")
	case scheme == "sqlite":
		return openSQLite(ctx, rest)
	case scheme == "mysql":
		return openMySQLURL(rawURL, o)
	case scheme == "cloudsql":
		return openCloudSQL(rest, o)
	default:
		return nil, fmt.Errorf("gormdb: the database URL's scheme is %q, not sqlite, mysql or cloudsql", scheme)
	}
}

// Close closes every connection of db. It waits for the queries that run.
func Close(db *gorm.DB) error {
	switch pool := db.ConnPool.(type) {
	case *sqlitePool:
		if err := pool.Close(); err != nil {
			return fmt.Errorf("gormdb: close: %w", err)
		}
	case *sql.DB:
		_ = pool.Close() // a server that has gone before cannot be told goodbye
	default:
		return fmt.Errorf("gormdb: close: %T was not opened here", pool)
	}
	return nil
}

// Ping reports as a fault whether the database answers.
func Ping(ctx context.Context, db *gorm.DB) error {
	sqlDB, err := db.DB()
	if err != nil {
		return Fault("gormdb.Ping", err)
	}
	return Fault("gormdb.Ping", sqlDB.PingContext(ctx))
}

// config is shared by the dialects. GORM logs nothing: an error is returned,
// and what to say about it is for the edge to decide. A store's writes are in
// transactions of their own, so GORM adds none around single statements.
func config() *gorm.Config {
	return &gorm.Config{
		Logger:                 logger.Discard,
		NowFunc:                func() time.Time { return time.Now().UTC() },
		SkipDefaultTransaction: true,
		TranslateError:         true,
	}
}

// parameters checks that a URL's query has the allowed names only.
func parameters(u *url.URL, allowed ...string) (url.Values, error) {
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errors.New("gormdb: the query of the database URL cannot be read")
	}
	for name := range values {
		if !slices.Contains(allowed, name) {
			return nil, fmt.Errorf("gormdb: the database URL has the parameter %q, which is not known", name)
		}
	}
	return values, nil
}

// isSQLite reports the dialect of db.
func isSQLite(db *gorm.DB) bool { return db.Name() == "sqlite" }
