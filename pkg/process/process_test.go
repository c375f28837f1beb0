package process_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/sajin-gallery/sajin/pkg/config"
	"github.com/sajin-gallery/sajin/pkg/process"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMainTurnsErrorsIntoExitCodes(t *testing.T) {
	for _, tt := range []struct {
		err    error
		code   int
		stderr string
	}{
		{nil, process.ExitOK, ""},
		{errors.New("the disk is full"), process.ExitFailed, "sajin: the disk is full\n"},
		{fmt.Errorf("%w: SAJIN_X", process.ErrConfig), process.ExitConfig, "sajin: the configuration is not right: SAJIN_X\n"},
	} {
		var stderr bytes.Buffer
		code := process.Main("sajin", &stderr, func(context.Context) error { return tt.err })
		if code != tt.code || stderr.String() != tt.stderr {
			t.Errorf("%v: exit %d with %q, want %d with %q", tt.err, code, &stderr, tt.code, tt.stderr)
		}
	}
}

func TestASignalEndsTheContext(t *testing.T) {
	code := process.Main("sajin", os.Stderr, func(ctx context.Context) error {
		self, err := os.FindProcess(os.Getpid())
		if err != nil {
			return err
		}
		if err := self.Signal(os.Interrupt); err != nil {
			return err
		}
		<-ctx.Done()
		return nil
	})
	if code != process.ExitOK {
		t.Errorf("exit %d", code)
	}
}

func TestListeningBeyondLoopbackMustBeSaid(t *testing.T) {
	for _, tt := range []struct {
		addr, auth string
		ok         bool
	}{
		{"127.0.0.1:8080", "", true},
		{"localhost:0", "", true},
		{"[::1]:80", "", true},
		{"127.9.9.9:1", "", true},
		{":8080", "", false},
		{"0.0.0.0:8080", "", false},
		{"[::]:8080", "", false},
		{"192.168.1.2:80", "", false},
		{"photos.example:80", "", false},
		{"nonsense", "", false},
		{":8080", "none", true},
		{"127.0.0.1:8080", "none", true},
		{"127.0.0.1:8080", "None", false},
		{":8080", "basic", false},
	} {
		err := process.Configure([]string{"SAJIN_ADDR=" + tt.addr, "SAJIN_AUTH=" + tt.auth}, &config.Common{})
		if (err == nil) != tt.ok {
			t.Errorf("%s with %q: %v", tt.addr, tt.auth, err)
		}
		if err != nil && (!errors.Is(err, process.ErrConfig) || !strings.Contains(err.Error(), "SAJIN_A")) {
			t.Errorf("%s with %q: %v does not say what to set", tt.addr, tt.auth, err)
		}
	}
}

// guarded says itself where it may listen.
type guarded struct{}

func (guarded) CheckExposure(addr string) error {
	if addr != "0.0.0.0:8080" {
		return errors.New("not there")
	}
	return nil
}

func TestWhatIsGuardedSaysItself(t *testing.T) {
	for addr, ok := range map[string]bool{"0.0.0.0:8080": true, "127.0.0.1:8080": false} {
		if err := process.Configure([]string{"SAJIN_ADDR=" + addr}, &config.Common{}, &limits{Files: 1}, &guarded{}); (err == nil) != ok {
			t.Errorf("%s: %v", addr, err)
		}
	}
}

// keepLog puts the log back that the test replaces, and its writer.
func keepLog(t *testing.T) {
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
}

type limits struct {
	Files int `env:"FILES" envDefault:"1"`
}

func (l *limits) Validate() error {
	if l.Files < 1 {
		return errors.New("SAJIN_FILES must be greater than 0")
	}
	return nil
}

func TestConfigureNamesEveryProblemAtOnce(t *testing.T) {
	keepLog(t)
	var one, two limits
	err := process.Configure([]string{"SAJIN_ADDR=0.0.0.0:1", "SAJIN_LOG_LEVEL=loud", "SAJIN_FILES=0"}, &config.Common{}, &one, &two)
	for _, name := range []string{"SAJIN_ADDR", "SAJIN_LOG_LEVEL", "SAJIN_FILES"} {
		if err == nil || strings.Count(err.Error(), name+"=")+strings.Count(err.Error(), name+" ") != 1 {
			t.Errorf("%v, want it to name %s once", err, name)
		}
	}
}

func TestTheLaterEntryCounts(t *testing.T) {
	keepLog(t)
	var c config.Common
	if err := process.Configure([]string{"SAJIN_ADDR=127.0.0.1:1", "SAJIN_ADDR=127.0.0.1:2"}, &c); err != nil || c.Addr != "127.0.0.1:2" {
		t.Errorf("%q, %v", c.Addr, err)
	}
}

func TestTheMemoryLimitGivesWayToTheOperators(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
	t.Setenv("GOMEMLIMIT", "1GiB")
	process.LimitMemory(1 << 40)
	if now := debug.SetMemoryLimit(-1); now != before {
		t.Errorf("the limit became %d beside GOMEMLIMIT", now)
	}
	t.Setenv("GOMEMLIMIT", "")
	process.LimitMemory(1 << 40)
	if now := debug.SetMemoryLimit(-1); now != 1<<40 {
		t.Errorf("the limit is %d", now)
	}
}
