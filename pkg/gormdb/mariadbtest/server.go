// Package mariadbtest runs a private MariaDB server: for tests, one per test
// process with a fresh database per test; for a development stack, one in a
// folder that keeps its data.
//
// The server is the one that is installed (Debian's mariadb-server). It listens
// on a socket in its folder and nowhere else.
package mariadbtest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/go-sql-driver/mysql"
)

// ErrNotInstalled is returned where there is no MariaDB to run.
var ErrNotInstalled = errors.New("mariadbtest: mariadbd and mariadb-install-db are not installed")

const (
	startTimeout = 60 * time.Second // installing the system tables included
	stopTimeout  = 20 * time.Second
	// maxSocketPath is what a socket address holds on Linux, less its zero byte.
	maxSocketPath = 107
)

// Server is a running MariaDB.
type Server struct {
	Socket string
	cmd    *exec.Cmd
	admin  *sql.DB
	exited chan struct{}
}

// Start starts a server that keeps everything in dir, which it makes, and waits
// until it answers. A database server's own kill loses nothing; a power cut may
// lose the last second.
func Start(ctx context.Context, dir string) (*Server, error) {
	daemon, install, err := find()
	if err != nil {
		return nil, err
	}
	socket := filepath.Join(dir, "mariadb.sock")
	if len(socket) > maxSocketPath {
		return nil, fmt.Errorf("mariadbtest: the path of the socket is longer than %d bytes: %s", maxSocketPath, socket)
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	data := filepath.Join(dir, "data")
	if err := installTables(ctx, install, data); err != nil {
		return nil, err
	}
	s := &Server{Socket: socket, exited: make(chan struct{})}
	var said bytes.Buffer
	if err := s.launch(daemon, data, &said); err != nil {
		return nil, err
	}
	if err := s.await(ctx); err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("mariadbtest: the server did not start: %w\n%s", err, said.String())
	}
	return s, nil
}

func find() (daemon, install string, err error) {
	daemon, err1 := exec.LookPath("mariadbd")
	if err1 != nil {
		daemon, err1 = exec.LookPath("/usr/sbin/mariadbd") // often not in a user's PATH
	}
	install, err2 := exec.LookPath("mariadb-install-db")
	if err1 != nil || err2 != nil {
		return "", "", ErrNotInstalled
	}
	return daemon, install, nil
}

// account is how to tell the server who it runs as: root must say so.
func account() []string {
	if os.Geteuid() == 0 {
		return []string{"--user=root"}
	}
	return nil
}

func installTables(ctx context.Context, install, data string) error {
	if _, err := os.Stat(filepath.Join(data, "mysql")); err == nil {
		return nil
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return fmt.Errorf("mariadbtest: %w", err)
	}
	args := append([]string{
		"--no-defaults", "--datadir=" + data, "--auth-root-authentication-method=normal",
		"--skip-test-db", "--skip-name-resolve",
	}, account()...)
	out, err := exec.CommandContext(ctx, install, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("mariadbtest: install: %w\n%s", err, out)
	}
	return nil
}

func (s *Server) launch(daemon, data string, said *bytes.Buffer) error {
	args := append([]string{
		"--no-defaults", "--datadir=" + data, "--socket=" + s.Socket, "--skip-networking", "--skip-name-resolve",
		"--pid-file=" + s.Socket + ".pid", "--skip-log-bin", "--skip-slave-start", "--performance-schema=OFF",
		"--character-set-server=utf8mb4", "--collation-server=utf8mb4_unicode_ci",
		"--innodb-buffer-pool-size=64M", "--innodb-log-file-size=48M", "--innodb-flush-log-at-trx-commit=2",
		"--max-connections=200", "--max-allowed-packet=16M",
	}, account()...)
	s.cmd = exec.Command(daemon, args...) //nolint:noctx // it outlives the call; Close ends it
	s.cmd.Stdout, s.cmd.Stderr = said, said
	s.cmd.SysProcAttr = dieWithParent()
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("mariadbtest: %w", err)
	}
	go func() {
		_ = s.cmd.Wait() // how it ended is in what it said
		close(s.exited)
	}()
	return nil
}

// await connects until the server answers, ends, or ctx does.
func (s *Server) await(ctx context.Context) error {
	cfg := mysql.NewConfig()
	cfg.User, cfg.Net, cfg.Addr, cfg.Logger = "root", "unix", s.Socket, &mysql.NopLogger{}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return err
	}
	s.admin = sql.OpenDB(connector)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := s.admin.PingContext(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-s.exited:
			return errors.New("it ended")
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}

// CreateDatabase makes the database where it does not exist and returns its
// URL. A name is letters, digits and '_'.
func (s *Server) CreateDatabase(ctx context.Context, name string) (string, error) {
	if strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_'
	}) {
		return "", fmt.Errorf("mariadbtest: %q is no name of a database", name)
	}
	if _, err := s.admin.ExecContext(ctx, "CREATE DATABASE IF NOT EXISTS `"+name+"`"); err != nil {
		return "", fmt.Errorf("mariadbtest: %w", err)
	}
	return "mysql://root@/" + name + "?" + url.Values{"socket": {s.Socket}}.Encode(), nil
}

// DropDatabase removes a database made by CreateDatabase.
func (s *Server) DropDatabase(ctx context.Context, name string) error {
	if _, err := s.admin.ExecContext(ctx, "DROP DATABASE IF EXISTS `"+name+"`"); err != nil {
		return fmt.Errorf("mariadbtest: %w", err)
	}
	return nil
}

// Pid is the server's process.
func (s *Server) Pid() int { return s.cmd.Process.Pid }

// Close stops the server and waits for its end.
func (s *Server) Close() error {
	if s.admin != nil {
		_ = s.admin.Close() // the server goes, and the connection with it
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
	select {
	case <-s.exited:
		return nil
	case <-time.After(stopTimeout):
		_ = s.cmd.Process.Kill()
		<-s.exited
		return errors.New("mariadbtest: the server did not stop and was killed")
	}
}
