package mysqltest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// RequireEnv lists, separated by commas, the engines that a test run must not
// do without; "mysql" is this one.
const RequireEnv = "SAJIN_TEST_REQUIRE"

var shared struct {
	sync.Mutex
	running bool // Run is in charge
	server  *Server
	dir     string
	failed  error
}

var databases atomic.Int64

// Run runs a package's tests and stops the server that they started, if any:
//
//	func TestMain(m *testing.M) { os.Exit(mysqltest.Run(m)) }
func Run(m *testing.M) int {
	shared.running = true
	code := m.Run()
	if err := stop(); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	return code
}

func stop() error {
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil {
		return nil
	}
	err := shared.server.Close()
	shared.server = nil
	return errors.Join(err, os.RemoveAll(shared.dir))
}

// URL is the URL of a fresh database on the process's server, which the first
// call starts. Where there is none to start the test is skipped, or fails if
// RequireEnv names mysql. The database goes with the test.
func URL(tb testing.TB) string {
	tb.Helper()
	server := Shared(tb)
	name := fmt.Sprintf("test_%d", databases.Add(1))
	address, err := server.CreateDatabase(tb.Context(), name)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := server.DropDatabase(context.WithoutCancel(tb.Context()), name); err != nil {
			tb.Error(err)
		}
	})
	return address
}

// Shared is the process's server itself, for tests of its faults.
func Shared(tb testing.TB) *Server {
	tb.Helper()
	shared.Lock()
	defer shared.Unlock()
	if !shared.running {
		tb.Fatal("the package's TestMain must call mysqltest.Run, which stops the server")
	}
	if shared.server == nil && shared.failed == nil {
		shared.server, shared.failed = start()
	}
	switch {
	case errors.Is(shared.failed, ErrNotInstalled) && !slices.Contains(strings.Split(os.Getenv(RequireEnv), ","), "mysql"):
		tb.Skip("needs MariaDB (mariadb-server), which is not installed, or a MySQL in " + ProgramEnv)
	case shared.failed != nil:
		tb.Fatal(shared.failed)
	}
	return shared.server
}

// start does not use the test's own folder: the server outlives the test, and
// a socket's path must be short.
func start() (*Server, error) {
	dir, err := os.MkdirTemp("", "sajin-db-")
	if err != nil {
		return nil, err
	}
	server, err := Start(context.Background(), dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	shared.dir = dir
	return server, nil
}
