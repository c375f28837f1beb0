package gormdb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"time"

	gosqlite "github.com/glebarez/go-sqlite"
	"github.com/go-sql-driver/mysql"
	"gorm.io/gorm"

	"github.com/sajin-gallery/sajin/pkg/fault"
)

// The faults of a database. What a driver says goes to the log only.
var (
	ErrUnavailable = fault.New(fault.Unavailable, "database_unavailable", "The gallery's database cannot be reached at the moment. Please try again shortly.").RetryAfter(2 * time.Second)
	ErrBusy        = fault.New(fault.Unavailable, "database_busy", "Too much is happening at once. Please try again shortly.").RetryAfter(time.Second)
	ErrFull        = fault.New(fault.OutOfSpace, "database_full", "There is no space left to store this. Please free some and try again.")
	ErrDuplicate   = fault.New(fault.Conflict, "already_exists", "This exists already.")
	ErrTimeout     = fault.New(fault.Timeout, "database_timeout", "The gallery's database took too long to answer. Please try again shortly.")
	ErrCanceled    = fault.New(fault.Canceled, "canceled", "The request was cancelled.")
)

// Fault classifies an error of the database for op. A nil err gives nil; a
// fault stays what it is; a record that is not there is NotFound; what is not
// known is Internal.
func Fault(op string, err error) error {
	if err == nil {
		return nil
	}
	if _, known := errors.AsType[*fault.Error](err); known {
		return fault.Wrap(op, err)
	}
	// First: a connection that was not made in time says that it is the end of a
	// context, and is a server that is not there.
	if _, network := errors.AsType[*net.OpError](err); network && !errors.Is(err, context.Canceled) {
		return ErrUnavailable.With(op, err)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fault.Wrap(op, err)
	}
	if class := classify(err); class != nil {
		return class.With(op, err)
	}
	if errors.Is(err, gorm.ErrRecordNotFound) || errors.Is(err, sql.ErrNoRows) {
		return fault.As(fault.NotFound, op, err)
	}
	return fault.As(fault.Internal, op, err)
}

func classify(err error) *fault.Error {
	if mysqlErr, ok := errors.AsType[*mysql.MySQLError](err); ok {
		return mysqlFault(mysqlErr.Number)
	}
	if sqliteErr, ok := errors.AsType[*gosqlite.Error](err); ok {
		return sqliteFault(sqliteErr.Code())
	}
	if errors.Is(err, gorm.ErrDuplicatedKey) {
		return ErrDuplicate
	}
	var netErr net.Error
	switch {
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, mysql.ErrInvalidConn), errors.Is(err, sql.ErrConnDone),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, &netErr):
		return ErrUnavailable
	default:
		return nil
	}
}

// mysqlFault knows the numbers of
// https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html
// and https://mariadb.com/kb/en/mariadb-error-code-reference/.
func mysqlFault(number uint16) *fault.Error {
	switch number {
	case 1062, 1586: // duplicate key
		return ErrDuplicate
	case 1205, 1213, 3572: // lock wait timeout, deadlock, NOWAIT
		return ErrBusy
	case 1021, 1114: // disk full, table full
		return ErrFull
	case 1317, 1969, 3024: // query interrupted, statement time exceeded
		return ErrTimeout
	case 1290, 1792, 1836, 3032, // read-only or offline: a failover is under way
		1040, 1203, 1226, // too many connections, user limit
		1044, 1045, 1049, 1698, 1820, 1862, 3118, 3955, 4151, // no access, no database: an operator must act, a client may wait
		1053, 1077, 1079, 1152, 1158, 1159, 1160, 1161, 1927, 3169, 4031: // shutdown, aborted, killed, idle for too long
		return ErrUnavailable
	default:
		return nil
	}
}

// sqliteFault knows the result codes of https://www.sqlite.org/rescode.html.
func sqliteFault(code int) *fault.Error {
	switch code {
	case 1555, 2067, 2579: // CONSTRAINT_PRIMARYKEY, _UNIQUE, _ROWID
		return ErrDuplicate
	}
	switch code & 0xff {
	case 5, 6: // BUSY, LOCKED
		return ErrBusy
	case 13: // FULL
		return ErrFull
	case 9: // INTERRUPT: only a context that ended interrupts
		return ErrCanceled
	case 8, 10, 14, 15: // READONLY, IOERR, CANTOPEN, PROTOCOL
		return ErrUnavailable
	default: // CORRUPT and NOTADB among them: no client's waiting mends those
		return nil
	}
}
