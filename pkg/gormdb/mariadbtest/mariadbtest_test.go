package mariadbtest_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/gormdb/mariadbtest"
)

func TestMain(m *testing.M) { os.Exit(mariadbtest.Run(m)) }

func TestEveryTestHasADatabaseOfItsOwn(t *testing.T) {
	if one, other := mariadbtest.URL(t), mariadbtest.URL(t); one == other {
		t.Errorf("two tests would share %s", one)
	}
	server := mariadbtest.Shared(t)
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
	mariadbtest.Shared(t) // skips where there is none
	_, err := mariadbtest.Start(t.Context(), filepath.Join(t.TempDir(), strings.Repeat("x", 100)))
	if err == nil || !strings.Contains(err.Error(), "socket") {
		t.Errorf("Start = %v, want it to name the socket", err)
	}
}

func TestWithoutMariaDBThereIsNoServer(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := mariadbtest.Start(t.Context(), t.TempDir()); !errors.Is(err, mariadbtest.ErrNotInstalled) {
		t.Errorf("Start = %v, want ErrNotInstalled", err)
	}
}
