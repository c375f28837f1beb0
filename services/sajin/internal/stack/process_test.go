package stack

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/httpx/loopback"
)

// helperEnv makes this test's own binary one of the programs below.
const helperEnv = "STACK_TEST_HELPER"

func TestMain(m *testing.M) {
	if mode := os.Getenv(helperEnv); mode != "" {
		os.Exit(helper(mode, os.Getenv("SAJIN_ADDR")))
	}
	os.Exit(m.Run())
}

// helper is a program as ours are: it says what it was told, is not ready at
// once, and ends on SIGTERM, by the mode with a failure. Those that break end
// before, and those that hang are never ready.
func helper(mode, addr string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	for _, variable := range os.Environ() {
		if strings.HasPrefix(variable, "SAJIN_") {
			fmt.Println(variable)
		}
	}
	if mode == "breaks" {
		return 3
	}
	var asked atomic.Int32
	server := &http.Server{Addr: addr, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if mode == "hangs" || asked.Add(1) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		fmt.Println(err)
		return 4
	}
	if mode == "ends badly" {
		return 5
	}
	return 0
}

// output is what a program printed.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) lines() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return strings.Split(strings.TrimSpace(o.text.String()), "\n")
}

func program(t *testing.T, mode string) (*Process, *output) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	addr, err := loopback.Free(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := &output{}
	p := NewProcess("helper", self, addr, out, helperEnv+"="+mode)
	t.Cleanup(func() {
		if err := p.Kill(); err != nil {
			t.Error(err)
		}
	})
	return p, out
}

func mustStart(t *testing.T, p *Process) {
	t.Helper()
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func exited(p *Process) bool {
	select {
	case <-p.Exited():
		return true
	default:
		return false
	}
}

func TestAProcessIsReadyWhenItHasStarted(t *testing.T) {
	p, _ := program(t, "serves")
	mustStart(t, p)
	if !Answers(t.Context(), p.URL()+"/healthz/ready") || exited(p) || p.PID() == os.Getpid() {
		t.Errorf("it started and does not answer")
	}
	if err := p.Stop(); err != nil || !exited(p) {
		t.Errorf("Stop: %v", err)
	}
	if Answers(t.Context(), p.URL()+"/healthz/ready") {
		t.Error("it answers after it was stopped")
	}
	if err := p.Stop(); err != nil {
		t.Errorf("stopping it again: %v", err)
	}
}

func TestAKilledProcessStartsAgainAtItsAddress(t *testing.T) {
	p, _ := program(t, "serves")
	mustStart(t, p)
	before := p.PID()
	if err := p.Kill(); err != nil || !exited(p) {
		t.Fatalf("Kill: %v", err)
	}
	if status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
		t.Errorf("it ended with %v and was not killed", p.cmd.ProcessState)
	}
	mustStart(t, p)
	if p.PID() == before || !Answers(t.Context(), p.URL()) {
		t.Errorf("process %d does not answer where %d did", p.PID(), before)
	}
}

// Each is told what it needs, and inherits no variable of ours.
func TestAProcessIsToldOnlyWhatItNeeds(t *testing.T) {
	t.Setenv("SAJIN_DATA_DIR", "/of/somebody/else")
	p, out := program(t, "serves")
	mustStart(t, p)
	if err := p.Stop(); err != nil {
		t.Fatal(err)
	}
	if want := []string{"SAJIN_ADDR=" + p.Addr}; !slices.Equal(out.lines(), want) {
		t.Errorf("told %q, want %q", out.lines(), want)
	}
}

// Two of a program share what they are told, but for the address.
func TestAReplicaIsToldTheSame(t *testing.T) {
	p, out := program(t, "serves")
	p.Tell("SAJIN_SHARED=yes")
	addr, err := loopback.Free(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r := p.Replica(addr)
	for _, one := range []*Process{p, r} {
		mustStart(t, one)
	}
	if p.Addr == r.Addr || !Answers(t.Context(), p.URL()) || !Answers(t.Context(), r.URL()) {
		t.Errorf("they do not answer at %s and %s", p.Addr, r.Addr)
	}
	for _, one := range []*Process{p, r} {
		if err := one.Stop(); err != nil {
			t.Error(err)
		}
	}
	told := out.lines()
	slices.Sort(told)
	want := []string{"SAJIN_ADDR=" + p.Addr, "SAJIN_ADDR=" + r.Addr, "SAJIN_SHARED=yes", "SAJIN_SHARED=yes"}
	if slices.Sort(want); !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}

func TestAProcessThatBreaksIsNotWaitedFor(t *testing.T) {
	p, _ := program(t, "breaks")
	if err := p.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "helper ended before it was ready: exit status 3") {
		t.Errorf("Start: %v", err)
	}
	if err := p.Stop(); err != nil {
		t.Errorf("stopping what has ended: %v", err)
	}
}

func TestWaitingForAProcessEndsWithTheContext(t *testing.T) {
	p, out := program(t, "hangs")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	started := make(chan error, 1)
	go func() { started <- p.Start(ctx) }()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for out.lines()[0] == "" { // until it runs
		<-tick.C
	}
	stop()
	if err := <-started; !errors.Is(err, context.Canceled) || exited(p) {
		t.Errorf("Start: %v", err)
	}
}

func TestAnEndWithAFailureIsReported(t *testing.T) {
	p, _ := program(t, "ends badly")
	mustStart(t, p)
	if err := p.Stop(); err == nil || !strings.Contains(err.Error(), "helper ended with exit status 5") {
		t.Errorf("Stop: %v", err)
	}
}

func TestAProgramThatIsNotThere(t *testing.T) {
	p := NewProcess("helper", t.TempDir()+"/nothing", "127.0.0.1:1", &output{})
	if err := p.Start(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Start: %v", err)
	}
	if err := errors.Join(p.Stop(), p.Kill()); err != nil {
		t.Errorf("ending what never ran: %v", err)
	}
}

func TestLinesOfProgramsStayWhole(t *testing.T) {
	var out bytes.Buffer
	a, b := &prefixed{prefix: "a | ", to: &out}, &prefixed{prefix: "b | ", to: &out}
	for _, part := range []struct {
		to   *prefixed
		text string
	}{{a, "on"}, {b, "two\nth"}, {a, "e\n\n"}, {b, "ree\n"}, {a, "no end"}} {
		if n, err := part.to.Write([]byte(part.text)); n != len(part.text) || err != nil {
			t.Fatal(n, err)
		}
	}
	if want := "b | two\na | one\na | \nb | three\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}
