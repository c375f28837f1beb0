package ingesttest

import (
	"context"
	"sync"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
)

// Mode is how a call fails.
type Mode string

// The modes.
const (
	Before Mode = "before" // it fails and nothing happened
	After  Mode = "after"  // it happened and is reported as failed
	Short  Mode = "short"  // a write keeps half and is reported as done; else Before
	// Crash: the process ends before the call. Nothing it does from then on
	// happens, until Disarm.
	Crash Mode = "crash"
	// CrashAfter: the process ends after the call, before it hears of it.
	CrashAfter Mode = "crash-after"
	// Hang: the call does nothing until its context ends, or for a minute.
	// It is for tests in a bubble of testing/synctest.
	Hang Mode = "hang"
)

// Modes are those that take no time.
var Modes = []Mode{Before, After, Short, Crash, CrashAfter}

// hangFor is what a connection's own timeout would be.
const hangFor = time.Minute

// ErrInjected is what a call that is made to fail returns.
var ErrInjected = fault.New(fault.Unavailable, "injected", "This failure was injected by a test.")

// Faults makes the At-th call (from 1) of everything that shares it fail. A nil
// Faults fails nothing.
type Faults struct {
	mu    sync.Mutex
	at    int
	mode  Mode
	calls int
	hit   string
	dead  bool // the process, as far as the test goes
}

// Arm makes the at-th call from now on fail.
func (f *Faults) Arm(at int, mode Mode) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at, f.mode, f.calls, f.hit, f.dead = at, mode, 0, "", false
}

// Disarm ends that and tells which call failed, "" when it did not come to it.
func (f *Faults) Disarm() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at, f.dead = 0, false
	return f.hit
}

func (f *Faults) call(ctx context.Context, what string, do func(short bool) error) error {
	mode := f.next(what)
	switch {
	case mode == Before, mode == Crash, mode == Short && what[:4] != "put ":
		return ErrInjected
	case mode == After, mode == CrashAfter:
		if err := do(false); err != nil {
			return err
		}
		return ErrInjected
	case mode == Hang:
		limited, cancel := context.WithTimeout(ctx, hangFor)
		defer cancel()
		<-limited.Done()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return ErrInjected
	default:
		return do(mode == Short)
	}
}

// next is the mode of this call, "" for none.
func (f *Faults) next(what string) Mode {
	if f == nil {
		return ""
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	if f.dead {
		return Crash
	}
	if f.at == 0 || f.calls != f.at {
		return ""
	}
	f.hit = what
	f.dead = f.mode == Crash || f.mode == CrashAfter
	return f.mode
}

// Calls is how many calls there were since Arm.
func (f *Faults) Calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}
