// Package mysqltest runs a private MariaDB or MySQL server: for tests, one per
// test process with a fresh database per test; for a development stack, one in a
// folder that keeps its data.
//
// The server is the MariaDB that is installed (Debian's mariadb-server), or the
// MySQL that [ProgramEnv] names. It listens on a socket in its folder and, unless
// a test asks for more, nowhere else. Of what the databases are for it knows nothing.
package mysqltest

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
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/go-sql-driver/mysql"
)

const (
	startTimeout = 3 * time.Minute // on a machine that does much else; installing the system tables included
	stopTimeout  = time.Minute
	// maxSocketPath is what a socket address holds on Linux, less its zero byte.
	maxSocketPath = 107
)

// Server is a running MariaDB or MySQL.
type Server struct {
	Socket string
	cmd    *exec.Cmd
	admin  *sql.DB
	exited chan struct{}
}

// Start starts a server that keeps everything in dir, which it makes, and waits
// until it answers. The server gets the arguments beside ours. A database
// server's own kill loses nothing; a power cut may lose the last second.
func Start(ctx context.Context, dir string, arguments ...string) (*Server, error) {
	program, err := find()
	if err != nil {
		return nil, err
	}
	socket := filepath.Join(dir, "db.sock")
	if len(socket) > maxSocketPath {
		return nil, fmt.Errorf("mysqltest: the path of the socket is longer than %d bytes: %s", maxSocketPath, socket)
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	data := filepath.Join(dir, program.data)
	if err := program.installTables(ctx, data); err != nil {
		return nil, err
	}
	s := &Server{Socket: socket, exited: make(chan struct{})}
	var said bytes.Buffer
	if err := s.launch(program, data, arguments, &said); err != nil {
		return nil, err
	}
	if err := s.await(ctx); err != nil {
		_ = s.Close()
		return nil, fmt.Errorf("mysqltest: the server did not start: %w\n%s", err, said.String())
	}
	return s, nil
}

// account is how to tell the server who it runs as: root must say so.
func account() []string {
	if os.Geteuid() == 0 {
		return []string{"--user=root"}
	}
	return nil
}

func (p program) installTables(ctx context.Context, data string) error {
	if _, err := os.Stat(filepath.Join(data, "mysql")); err == nil {
		return nil
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return fmt.Errorf("mysqltest: %w", err)
	}
	args := slices.Concat(p.install[1:], []string{"--datadir=" + data}, account())
	out, err := exec.CommandContext(ctx, p.install[0], args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("mysqltest: install: %w\n%s", err, out)
	}
	return nil
}

func (s *Server) launch(p program, data string, more []string, said *bytes.Buffer) error {
	args := slices.Concat([]string{
		"--no-defaults", "--datadir=" + data, "--socket=" + s.Socket, "--skip-networking", "--skip-name-resolve",
		"--pid-file=" + s.Socket + ".pid", "--performance-schema=OFF",
		"--innodb-buffer-pool-size=64M", "--innodb-flush-log-at-trx-commit=2", "--max-connections=200", "--max-allowed-packet=16M",
	}, p.settings, account(), more)
	s.cmd = exec.Command(p.daemon, args...) //nolint:noctx // it outlives the call; Close ends it
	s.cmd.Stdout, s.cmd.Stderr = said, said
	s.cmd.SysProcAttr = dieWithParent()
	if err := s.cmd.Start(); err != nil {
		return fmt.Errorf("mysqltest: %w", err)
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

// CreateDatabase makes the database where it does not exist, as a deployment
// does, and returns its URL. A name is letters, digits and '_'.
func (s *Server) CreateDatabase(ctx context.Context, name string) (string, error) {
	if strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_'
	}) {
		return "", fmt.Errorf("mysqltest: %q is no name of a database", name)
	}
	if _, err := s.admin.ExecContext(ctx, "CREATE DATABASE IF NOT EXISTS `"+name+"` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci"); err != nil {
		return "", fmt.Errorf("mysqltest: %w", err)
	}
	return "mysql://root@/" + name + "?" + url.Values{"socket": {s.Socket}}.Encode(), nil
}

// DropDatabase removes a database made by CreateDatabase.
func (s *Server) DropDatabase(ctx context.Context, name string) error {
	if _, err := s.admin.ExecContext(ctx, "DROP DATABASE IF EXISTS `"+name+"`"); err != nil {
		return fmt.Errorf("mysqltest: %w", err)
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
		return errors.New("mysqltest: the server did not stop and was killed")
	}
}
