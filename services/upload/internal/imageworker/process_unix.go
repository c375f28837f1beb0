//go:build unix && !linux

package imageworker

import (
	"os"
	"syscall"
)

func ownProgram() (string, error) { return os.Executable() }

// attributes keep a terminal's signals from the worker.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// MemoryFile makes an empty file that goes when it is closed: only Linux has such
// files in memory.
func MemoryFile() (*os.File, error) { return unnamedFile() }

// readOnly is the file once more, where the system has no other way to it.
func readOnly(f *os.File) (*os.File, error) { return duplicate(f) }

// The kernel's limit on memory is Linux's. Elsewhere the runtime's own holds,
// which a decoder that asks for too much at once passes.
func mapped() int64 { return 0 }
func harden(int64)  {}
func allow(int64)   {}
