package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/sajin-gallery/sajin/pkg/config"
)

// Deadlines of a process of ours: a start that is not ready, or a stop that has
// not ended by then, is a failure.
const (
	readyTimeout = time.Minute
	stopTimeout  = 30 * time.Second // httpx.DrainTimeout, and a machine that does much else
)

// Process is one of our programs, run as a child that can be stopped, killed
// and started again on the same address.
type Process struct {
	Name string
	Addr string
	bin  string
	env  []string
	out  io.Writer
	cmd  *exec.Cmd
	done chan struct{}
}

// NewProcess describes a program. Its environment is this process's without
// the variables of ours, and env.
func NewProcess(name, bin, addr string, out io.Writer, env ...string) *Process {
	return &Process{Name: name, Addr: addr, bin: bin, out: out, env: append(inherited(), append(env, "SAJIN_ADDR="+addr)...)}
}

func inherited() []string {
	var out []string
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, config.Prefix) {
			out = append(out, variable)
		}
	}
	return out
}

// Tell changes what the program is told, as NAME=value, when it starts again.
func (p *Process) Tell(env ...string) { p.env = append(p.env, env...) }

// Replica describes another of the same program on an address of its own, which
// shares with it whatever it is told of.
func (p *Process) Replica(addr string) *Process {
	return NewProcess(p.Name, p.bin, addr, p.out, p.env...)
}

// URL is the program's base address.
func (p *Process) URL() string { return "http://" + p.Addr }

// PID is the process id while it runs.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Start starts the program and waits until it is ready.
func (p *Process) Start(ctx context.Context) error {
	cmd := exec.Command(p.bin) //nolint:noctx // it outlives ctx: Stop and Kill end it
	cmd.Env, cmd.Stdout, cmd.Stderr = p.env, p.out, p.out
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("stack: start %s: %w", p.Name, err)
	}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended is in ProcessState
		close(done)
	}()
	p.cmd, p.done = cmd, done
	return p.waitReady(ctx)
}

func (p *Process) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if Answers(ctx, p.URL()+"/healthz/ready") {
			return nil
		}
		select {
		case <-tick.C:
		case <-p.done:
			return fmt.Errorf("stack: %s ended before it was ready: %s", p.Name, p.cmd.ProcessState)
		case <-ctx.Done():
			return fmt.Errorf("stack: %s was not ready in time: %w", p.Name, ctx.Err())
		}
	}
}

// Answers reports whether a GET of url is answered with 200.
func Answers(ctx context.Context, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer func() { _ = resp.Body.Close() }()
	return resp.StatusCode == http.StatusOK
}

// Kill ends the program at once, as a crash would (SIGKILL).
func (p *Process) Kill() error {
	if p.cmd == nil {
		return nil
	}
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stack: kill %s: %w", p.Name, err)
	}
	<-p.done
	return nil
}

// Stop asks the program to end (SIGTERM) and waits. Ending late or with a
// failure is an error.
func (p *Process) Stop() error {
	if p.cmd == nil {
		return nil
	}
	select {
	case <-p.done:
		return nil
	default:
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stack: stop %s: %w", p.Name, err)
	}
	select {
	case <-p.done:
	case <-time.After(stopTimeout):
		return errors.Join(fmt.Errorf("stack: %s did not stop within %s", p.Name, stopTimeout), p.Kill())
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("stack: %s ended with %s", p.Name, p.cmd.ProcessState)
	}
	return nil
}

// Restart kills the program and starts it again. A start that is late gets a
// second and a third chance: what it waits for may have been killed as well, and
// the machine is busy.
func (p *Process) Restart(ctx context.Context) (err error) {
	for range 3 {
		if err := p.Kill(); err != nil {
			return err
		}
		if err = p.Start(ctx); err == nil || ctx.Err() != nil {
			return err
		}
	}
	return err
}

// State says how the program has ended, once Exited is closed.
func (p *Process) State() string { return p.cmd.ProcessState.String() }

// Exited is closed when the program has ended.
func (p *Process) Exited() <-chan struct{} { return p.done }

// Services are the packages of the services' programs.
func Services() []string {
	const services = "github.com/sajin-gallery/sajin/services/"
	return []string{services + "upload/cmd/upload", services + "catalog/cmd/catalog", services + "web/cmd/web"}
}

// Build builds the named programs of the module into dir.
func Build(ctx context.Context, dir string, packages ...string) error {
	return buildIn(ctx, "", dir, packages...)
}

// buildIn is Build of the module that root is in.
func buildIn(ctx context.Context, root, dir string, packages ...string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("stack: %w", err)
	}
	args := []string{"build", "-o", dir + string(filepath.Separator)}
	cmd := exec.CommandContext(ctx, "go", append(args, packages...)...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("stack: go build: %w\n%s", err, out)
	}
	return nil
}
