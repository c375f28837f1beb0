package gormdb

import (
	"errors"
	"net/url"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// FromDSN makes a URL for Open of an address in the form of Go's MySQL driver,
// user:password@tcp(host:port)/database or user@unix(/path)/database. Of its
// parameters only tls is kept: the others are ours to choose. What has a scheme
// is a URL already, and stays as it is.
func FromDSN(dsn string) (string, error) {
	if strings.Contains(dsn, "://") {
		return dsn, nil
	}
	cfg, err := mysql.ParseDSN(dsn)
	if err != nil { // its text may hold the password
		return "", errors.New("gormdb: the database's address must be like user:password@tcp(host:3306)/database")
	}
	u := url.URL{Scheme: "mysql", User: url.UserPassword(cfg.User, cfg.Passwd), Path: "/" + cfg.DBName}
	query := url.Values{}
	switch cfg.Net {
	case "tcp":
		u.Host = cfg.Addr
	case "unix":
		query.Set("socket", cfg.Addr)
	default:
		return "", errors.New("gormdb: the database must be reached by tcp or unix")
	}
	if cfg.TLSConfig != "" {
		query.Set("tls", cfg.TLSConfig)
	}
	u.RawQuery = query.Encode()
	return u.String(), nil
}
