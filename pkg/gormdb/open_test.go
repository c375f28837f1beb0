package gormdb_test

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/gormdb"
	"github.com/sajin-gallery/sajin/pkg/gormdb/mysqltest"
)

func TestOpenRefuses(t *testing.T) {
	for _, address := range []string{
		"", "catalog.db", "postgres://u:secret@h/db", "sqlite://relative.db", "sqlite:///", "sqlite:///dir/", "sqlite:///f?mode=ro",
		"mysql://root@/db", "mysql://h/db", "mysql://root:secret@h", "mysql://root:secret@h/a.b", "mysql://root:secret@h/db?socket=/s",
		"mysql://root:secret@h/db?multiStatements=true", "mysql://root:secret@h/db?tls=skip-verify", "mysql://root:secret%zz@h/db",
		"cloudsql://p:r:i/db?iam=user", "cloudsql://user:secret@p:r:i/db",
	} {
		db, err := gormdb.Open(t.Context(), address, gormdb.Options{})
		if err == nil {
			_ = gormdb.Close(db)
			t.Errorf("Open(%q) worked", address)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("Open(%q) shows the password: %v", address, err)
		}
	}
}

// socketDialer stands for Cloud SQL's connector.
type socketDialer struct {
	socket   string
	instance atomic.Value
	options  atomic.Value
}

func (d *socketDialer) Dial(ctx context.Context, instance string, o gormdb.DialOptions) (net.Conn, error) {
	d.instance.Store(instance)
	d.options.Store(o)
	if d.socket == "" {
		return nil, errors.New("not reached")
	}
	return new(net.Dialer).DialContext(ctx, "unix", d.socket)
}

func TestCloudSQLGoesThroughTheDialer(t *testing.T) {
	address := mysqltest.URL(t)
	name := strings.TrimPrefix(address[:strings.Index(address, "?")], "mysql://root@/")
	for tail, want := range map[string]gormdb.DialOptions{
		"?iam=root": {IAM: true}, "?iam=root&ip=private": {IAM: true, IP: "private"},
	} {
		dialer := &socketDialer{socket: mysqltest.Shared(t).Socket}
		db := open(t, "cloudsql://my-project:europe-west1:main/"+name+tail, gormdb.Options{CloudSQL: dialer})
		if err := gormdb.Ping(t.Context(), db); err != nil {
			t.Fatal(err)
		}
		if dialer.instance.Load() != "my-project:europe-west1:main" || dialer.options.Load() != want {
			t.Errorf("%s dialled %v with %+v", tail, dialer.instance.Load(), dialer.options.Load())
		}
	}
}

func TestCloudSQLRefuses(t *testing.T) {
	for _, address := range []string{
		"cloudsql://p:r:i", "cloudsql://instance/db", "cloudsql://u@p:r:i/db?iam=v", "cloudsql://p:r:i/db", "cloudsql://p:r:i/db?iam=u&ip=any", "cloudsql://p:r:i/db?iam=u&x=1",
	} {
		if db, err := gormdb.Open(t.Context(), address, gormdb.Options{CloudSQL: &socketDialer{}}); err == nil {
			_ = gormdb.Close(db)
			t.Errorf("Open(%q) worked", address)
		}
	}
}

func TestAServerThatIsDownIsUnavailable(t *testing.T) {
	db := open(t, "mysql://root:secret@/db?socket="+filepath.Join(t.TempDir(), "none.sock"), gormdb.Options{})
	err := gormdb.Ping(t.Context(), db)
	if !errors.Is(err, gormdb.ErrUnavailable) {
		t.Errorf("Ping = %v, want ErrUnavailable", err)
	}
}
