package gormdb_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"gorm.io/gorm"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/gormdb"
)

func TestFault(t *testing.T) {
	number := func(n uint16) error { return &mysql.MySQLError{Number: n, Message: "Access denied for user 'root'"} }
	tests := []struct {
		err  error
		kind fault.Kind
		code string
	}{
		{gorm.ErrRecordNotFound, fault.NotFound, "not_found"},
		{sql.ErrNoRows, fault.NotFound, "not_found"},
		{gorm.ErrDuplicatedKey, fault.Conflict, "already_exists"},
		{number(1062), fault.Conflict, "already_exists"},
		{number(1213), fault.Unavailable, "database_busy"},
		{number(1205), fault.Unavailable, "database_busy"},
		{number(1290), fault.Unavailable, "database_unavailable"},
		{number(1836), fault.Unavailable, "database_unavailable"},
		{number(3032), fault.Unavailable, "database_unavailable"},
		{number(3118), fault.Unavailable, "database_unavailable"},
		{number(3572), fault.Unavailable, "database_busy"},
		{number(4031), fault.Unavailable, "database_unavailable"},
		{number(1045), fault.Unavailable, "database_unavailable"},
		{number(1040), fault.Unavailable, "database_unavailable"},
		{number(1021), fault.OutOfSpace, "database_full"},
		{number(1114), fault.OutOfSpace, "database_full"},
		{number(3024), fault.Timeout, "database_timeout"},
		{number(1064), fault.Internal, "internal"},
		{mysql.ErrInvalidConn, fault.Unavailable, "database_unavailable"},
		{driver.ErrBadConn, fault.Unavailable, "database_unavailable"},
		{io.ErrUnexpectedEOF, fault.Unavailable, "database_unavailable"},
		{&net.OpError{Op: "dial", Err: errors.New("refused")}, fault.Unavailable, "database_unavailable"},
		{lateDial(t), fault.Unavailable, "database_unavailable"},
		{context.Canceled, fault.Canceled, "canceled"},
		{context.DeadlineExceeded, fault.Timeout, "timeout"},
		{fault.New(fault.Gone, "gone_away", "x"), fault.Gone, "gone_away"},
		{errors.New("sql: some defect"), fault.Internal, "internal"},
	}
	for _, tt := range tests {
		wrapped := errors.Join(errors.New("context"), tt.err)
		got := gormdb.Fault("test.Op", wrapped)
		public := fault.Public(got)
		if public.Kind != tt.kind || public.Code != tt.code {
			t.Errorf("Fault(%v) = %v %q, want %v %q", tt.err, public.Kind, public.Code, tt.kind, tt.code)
		}
		if strings.Contains(public.Detail, "root") {
			t.Errorf("Fault(%v) shows %q", tt.err, public.Detail)
		}
		if !errors.Is(got, tt.err) {
			t.Errorf("Fault(%v) lost its cause", tt.err)
		}
	}
	if gormdb.Fault("test.Op", nil) != nil {
		t.Error("Fault(nil) is an error")
	}
}

// lateDial is the error of a connection to a server that does not answer: the
// net package has it match a context's own.
func lateDial(t *testing.T) error {
	t.Helper()
	late := net.Dialer{Deadline: time.Unix(1, 0)}
	_, err := late.DialContext(t.Context(), "tcp", "127.0.0.1:1")
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("a dial that came too late: %v", err)
	}
	return err
}

func TestFaultOfSQLite(t *testing.T) {
	db := open(t, "sqlite://"+filepath.Join(t.TempDir(), "test.db"), gormdb.Options{})
	if err := gormdb.Migrate(t.Context(), db, counters); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		sql  string
		kind fault.Kind
	}{
		"duplicate key": {"INSERT INTO counters VALUES (1, 0)", fault.Conflict},
		"no value":      {"INSERT INTO counters VALUES (2, NULL)", fault.Internal},
		"full":          {fill, fault.OutOfSpace},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := gormdb.Transact(t.Context(), db, func(tx *gorm.DB) error { return tx.Exec(tt.sql).Error })
			if fault.KindOf(err) != tt.kind {
				t.Errorf("%v is %v, want %v", err, fault.KindOf(err), tt.kind)
			}
		})
	}
}

// fill writes more pages than SQLite may use here.
const fill = "PRAGMA max_page_count = 8; " +
	"INSERT INTO counters WITH RECURSIVE r(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM r WHERE i < 100) SELECT i, zeroblob(4000) FROM r"
