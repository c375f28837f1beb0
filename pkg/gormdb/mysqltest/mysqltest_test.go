package mysqltest_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/gormdb/mysqltest"
)

func TestMain(m *testing.M) { os.Exit(mysqltest.Run(m)) }

func TestEveryTestHasADatabaseOfItsOwn(t *testing.T) {
	if one, other := mysqltest.URL(t), mysqltest.URL(t); one == other {
		t.Errorf("two tests would share %s", one)
	}
	server := mysqltest.Shared(t)
	for name, ok := range map[string]bool{"a_1": true, "a`; DROP DATABASE mysql": false, "a-b": false} {
		if _, err := server.CreateDatabase(t.Context(), name); (err == nil) != ok {
			t.Errorf("CreateDatabase(%q) = %v", name, err)
		}
	}
	if err := server.DropDatabase(t.Context(), "a_1"); err != nil {
		t.Error(err)
	}
}

func TestAPathThatIsTooLongForASocketIsRefused(t *testing.T) {
	mysqltest.Shared(t) // skips where there is none
	_, err := mysqltest.Start(t.Context(), filepath.Join(t.TempDir(), strings.Repeat("x", 100)))
	if err == nil || !strings.Contains(err.Error(), "socket") {
		t.Errorf("Start = %v, want it to name the socket", err)
	}
}

func TestWithoutAProgramThereIsNoServer(t *testing.T) {
	t.Setenv(mysqltest.ProgramEnv, "")
	t.Setenv("PATH", t.TempDir())
	if _, err := mysqltest.Start(t.Context(), t.TempDir()); !errors.Is(err, mysqltest.ErrNotInstalled) {
		t.Errorf("Start = %v, want ErrNotInstalled", err)
	}
}

// A MySQL that was asked for and is not there fails, and is not passed over for
// MariaDB.
func TestTheProgramThatIsNamedIsTheOneThatRuns(t *testing.T) {
	t.Setenv(mysqltest.ProgramEnv, filepath.Join(t.TempDir(), "mysqld"))
	_, err := mysqltest.Start(t.Context(), t.TempDir())
	if err == nil || errors.Is(err, mysqltest.ErrNotInstalled) || !strings.Contains(err.Error(), mysqltest.ProgramEnv) {
		t.Errorf("Start = %v, want it to name %s", err, mysqltest.ProgramEnv)
	}
}
