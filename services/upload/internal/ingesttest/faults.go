package ingesttest

import (
	"sync"

	"github.com/sajin-gallery/sajin/pkg/fault"
)

// Mode is how a call fails.
type Mode string

// The modes.
const (
	Before Mode = "before" // it fails and nothing happened
	After  Mode = "after"  // it happened and is reported as failed
	Short  Mode = "short"  // a write keeps half and is reported as done; else Before
)

// Modes are all of them.
var Modes = []Mode{Before, After, Short}

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
}

// Arm makes the at-th call from now on fail.
func (f *Faults) Arm(at int, mode Mode) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at, f.mode, f.calls, f.hit = at, mode, 0, ""
}

// Disarm ends that and tells which call failed, "" when it did not come to it.
func (f *Faults) Disarm() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at = 0
	return f.hit
}

func (f *Faults) call(what string, do func(short bool) error) error {
	mode := f.next(what)
	switch {
	case mode == Before, mode == Short && what[:4] != "put ":
		return ErrInjected
	case mode == After:
		if err := do(false); err != nil {
			return err
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
	if f.at == 0 || f.calls != f.at {
		return ""
	}
	f.hit = what
	return f.mode
}

// Calls is how many calls there were since Arm.
func (f *Faults) Calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}
