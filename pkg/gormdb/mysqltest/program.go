package mysqltest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// ProgramEnv names a mysqld of MySQL, 8.4 or later, to be run instead of MariaDB.
const ProgramEnv = "SAJIN_TEST_MYSQLD"

// ErrNotInstalled is returned where there is no MariaDB to run, and no MySQL was
// asked for.
var ErrNotInstalled = errors.New("mysqltest: mariadbd and mariadb-install-db are not installed")

// program is a database server, and in what it differs from the other.
type program struct {
	data     string   // the folder of its data: neither reads the other's
	daemon   string   // what serves
	install  []string // what makes the system tables, and its own arguments
	settings []string // the server's own arguments
}

func find() (program, error) {
	if mysqld := os.Getenv(ProgramEnv); mysqld != "" {
		return findMySQL(mysqld)
	}
	return findMariaDB()
}

func findMariaDB() (program, error) {
	daemon, err1 := exec.LookPath("mariadbd")
	if err1 != nil {
		daemon, err1 = exec.LookPath("/usr/sbin/mariadbd") // often not in a user's PATH
	}
	install, err2 := exec.LookPath("mariadb-install-db")
	if err1 != nil || err2 != nil {
		return program{}, ErrNotInstalled
	}
	return program{
		data: "data", daemon: daemon,
		install: []string{
			install, "--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve",
		},
		settings: []string{"--skip-log-bin", "--skip-slave-start", "--innodb-log-file-size=48M"},
	}, nil
}

// findMySQL leaves the binary log on, as it is on Cloud SQL.
func findMySQL(mysqld string) (program, error) {
	daemon, err := exec.LookPath(mysqld)
	if err != nil {
		return program{}, fmt.Errorf("mysqltest: %s: %w", ProgramEnv, err)
	}
	return program{
		data: "mysql", daemon: daemon,
		install:  []string{daemon, "--no-defaults", "--initialize-insecure"},
		settings: []string{"--mysqlx=OFF", "--secure-file-priv=NULL", "--sync-binlog=0", "--innodb-redo-log-capacity=48M"},
	}, nil
}
