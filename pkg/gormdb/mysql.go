package gormdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	gormmysql "gorm.io/driver/mysql"
	"gorm.io/gorm"
)

// Timeouts of a MySQL connection. A query is bounded by its context; the read
// timeout is for a server that hangs while nobody waits, and leaves a migration
// of a large table its time.
const (
	dialTimeout  = 10 * time.Second
	readTimeout  = 5 * time.Minute
	writeTimeout = 30 * time.Second
	maxIdleTime  = 2 * time.Minute
	// tableWait bounds a statement's wait for a table that is being altered, and an
	// alteration's for whoever reads the table, which would be a year by default.
	// Everybody queues behind an alteration that waits, also when the migration
	// that wanted it is gone.
	tableWait = 30 * time.Second
)

var databaseName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func openMySQLURL(rawURL string, o Options) (*gorm.DB, error) {
	u, err := url.Parse(rawURL)
	if err != nil { // its text holds the URL, and so the password
		return nil, errors.New("gormdb: the database URL cannot be read")
	}
	cfg, err := mysqlConfig(u)
	if err != nil {
		return nil, err
	}
	return openMySQL(cfg, o)
}

func mysqlConfig(u *url.URL) (*mysql.Config, error) {
	query, err := parameters(u, "socket", "tls")
	if err != nil {
		return nil, err
	}
	cfg, err := baseConfig(u)
	if err != nil {
		return nil, err
	}
	switch socket := query.Get("socket"); {
	case socket != "" && u.Host != "":
		return nil, errors.New("gormdb: the database URL has both a host and a socket")
	case socket != "":
		cfg.Net, cfg.Addr = "unix", socket
	case u.Hostname() == "":
		return nil, errors.New("gormdb: the database URL has neither a host nor a socket")
	case u.Port() == "":
		cfg.Net, cfg.Addr = "tcp", net.JoinHostPort(u.Hostname(), "3306")
	default:
		cfg.Net, cfg.Addr = "tcp", u.Host
	}
	switch tls := query.Get("tls"); tls {
	case "", "false", "true", "preferred":
		cfg.TLSConfig = tls
	default:
		return nil, errors.New("gormdb: the database URL's tls must be true, preferred or false")
	}
	return cfg, nil
}

// baseConfig is what every MySQL connection has.
func baseConfig(u *url.URL) (*mysql.Config, error) {
	cfg := mysql.NewConfig()
	cfg.User = u.User.Username()
	cfg.Passwd, _ = u.User.Password()
	cfg.DBName = strings.TrimPrefix(u.Path, "/")
	if cfg.User == "" || !databaseName.MatchString(cfg.DBName) {
		return nil, errors.New("gormdb: the database URL needs a user and the name of a database (letters, digits, '_', '-')")
	}
	cfg.ParseTime, cfg.Loc = true, time.UTC
	// utf8mb4_0900_ai_ci would silently become latin1 on MariaDB.
	cfg.Collation = "utf8mb4_unicode_ci"
	// After a failover the old primary is read-only: drop such a connection
	// instead of failing on it for its whole life.
	cfg.RejectReadOnly = true
	// The driver puts the parameters into the statement itself, escaped as
	// utf8mb4 allows: one round trip, and nothing kept on the server. GORM's
	// cache of prepared statements closes them under running queries when they
	// expire, and hands one request's cancellation to the others.
	cfg.InterpolateParams = true
	cfg.Timeout, cfg.ReadTimeout, cfg.WriteTimeout = dialTimeout, readTimeout, writeTimeout
	cfg.Params = map[string]string{"lock_wait_timeout": strconv.Itoa(int(tableWait / time.Second))}
	cfg.Logger = &mysql.NopLogger{}
	return cfg, nil
}

// openCloudSQL takes the URL apart by hand: an instance's colons are no port.
func openCloudSQL(rest string, o Options) (*gorm.DB, error) {
	if o.CloudSQL == nil {
		return nil, errors.New("gormdb: this build has no Cloud SQL connector")
	}
	authority, tail, found := strings.Cut(rest, "/")
	at := strings.LastIndex(authority, "@")
	instance := authority[at+1:]
	if !found || strings.Count(instance, ":") < 2 {
		return nil, errors.New("gormdb: the database URL must be cloudsql://project:region:instance/database")
	}
	u, err := url.Parse("cloudsql://" + authority[:at+1] + "instance/" + tail)
	if err != nil {
		return nil, errors.New("gormdb: the database URL cannot be read")
	}
	cfg, dial, err := cloudSQLConfig(u)
	if err != nil {
		return nil, err
	}
	cfg.Net, cfg.Addr = "cloudsql", instance
	cfg.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return o.CloudSQL.Dial(ctx, instance, dial)
	}
	return openMySQL(cfg, o)
}

func cloudSQLConfig(u *url.URL) (*mysql.Config, DialOptions, error) {
	query, err := parameters(u, "iam", "ip")
	if err != nil {
		return nil, DialOptions{}, err
	}
	dial := DialOptions{IAM: query.Has("iam"), IP: query.Get("ip")}
	switch dial.IP {
	case "", "public", "private", "psc":
	default:
		return nil, dial, errors.New("gormdb: the database URL's ip must be public, private or psc")
	}
	if dial.IAM {
		if u.User != nil {
			return nil, dial, errors.New("gormdb: the database URL has both a user and iam")
		}
		u.User = url.User(query.Get("iam"))
	}
	cfg, err := baseConfig(u)
	if err != nil {
		return nil, dial, err
	}
	// The token travels in clear text inside the connector's own TLS.
	// https://cloud.google.com/sql/docs/mysql/iam-logins
	cfg.AllowCleartextPasswords = dial.IAM
	return cfg, dial, nil
}

func openMySQL(cfg *mysql.Config, o Options) (*gorm.DB, error) {
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, errors.New("gormdb: the database URL cannot be used")
	}
	pool := sql.OpenDB(connector)
	pool.SetMaxOpenConns(o.MaxOpenConns)
	pool.SetMaxIdleConns(o.MaxOpenConns)
	pool.SetConnMaxLifetime(o.ConnMaxLifetime)
	pool.SetConnMaxIdleTime(maxIdleTime)
	c := config()
	c.DisableAutomaticPing = true
	// The version decides only how tables are altered, which is the migrations'
	// work; not asking for it lets a service start before its database.
	db, err := gorm.Open(gormmysql.New(gormmysql.Config{
		Conn: pool, DSNConfig: cfg, SkipInitializeWithVersion: true,
	}), c)
	if err == nil {
		err = observe(db)
	}
	if err != nil {
		_ = pool.Close()
		return nil, fmt.Errorf("gormdb: open mysql: %w", err)
	}
	return db, nil
}
