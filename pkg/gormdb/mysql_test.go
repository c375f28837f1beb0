package gormdb_test

import (
	"errors"
	"net"
	"strconv"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/gormdb"
	"github.com/sajin-gallery/sajin/pkg/gormdb/mysqltest"
)

// overTCP is a server with a database "gallery" and a user with a password, and
// where it listens.
func overTCP(t *testing.T) (addr string) {
	t.Helper()
	mysqltest.Shared(t) // skips where there is none
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	server, err := mysqltest.Start(t.Context(), t.TempDir(), "--skip-networking=OFF", "--bind-address=127.0.0.1", "--port="+port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	root, err := server.CreateDatabase(t.Context(), "gallery")
	if err != nil {
		t.Fatal(err)
	}
	db := open(t, root, gormdb.Options{})
	for _, statement := range []string{"CREATE USER ada IDENTIFIED BY 'a secret'", "GRANT ALL ON gallery.* TO ada"} {
		if err := db.Exec(statement).Error; err != nil {
			t.Fatal(err)
		}
	}
	return "127.0.0.1:" + port
}

// A password is proved over a network that nobody encrypts, as between pods, and
// is not sent as it is: MySQL's caching_sha2_password exchanges a key for that at
// the first login, and not at the next.
func TestAPasswordIsProvedOverTCP(t *testing.T) {
	addr := overTCP(t)
	for range 2 {
		db := open(t, "mysql://ada:a%20secret@"+addr+"/gallery", gormdb.Options{})
		if err := gormdb.Ping(t.Context(), db); err != nil {
			t.Errorf("Ping = %v", err)
		}
	}
	for _, wrong := range []string{"another%20secret", ""} {
		err := gormdb.Ping(t.Context(), open(t, "mysql://ada:"+wrong+"@"+addr+"/gallery", gormdb.Options{}))
		if !errors.Is(err, gormdb.ErrUnavailable) {
			t.Errorf("with a wrong password Ping = %v, want ErrUnavailable", err)
		}
	}
	// What tls=true cannot verify is not talked to; the test's server has no
	// certificate, or one of its own.
	if err := gormdb.Ping(t.Context(), open(t, "mysql://ada:a%20secret@"+addr+"/gallery?tls=true", gormdb.Options{})); err == nil {
		t.Error("a server without a certificate is believed")
	}
	if err := gormdb.Ping(t.Context(), open(t, "mysql://ada:a%20secret@"+addr+"/gallery?tls=preferred", gormdb.Options{})); err != nil {
		t.Errorf("with what encryption there is Ping = %v", err)
	}
}

// Nobody waits for ever behind an alteration of a table that itself has to wait.
func TestTheWaitForATableIsBounded(t *testing.T) {
	var seconds int
	err := open(t, mysqltest.URL(t), gormdb.Options{}).Raw("SELECT @@lock_wait_timeout").Scan(&seconds).Error
	if err != nil || seconds != 30 {
		t.Errorf("lock_wait_timeout is %d s, %v; want 30", seconds, err)
	}
}
