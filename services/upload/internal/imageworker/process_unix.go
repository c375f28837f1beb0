//go:build unix && !linux

package imageworker

import (
	"os"
	"syscall"
)

func ownProgram() (string, error) { return os.Executable() }

// attributes keep a terminal's signals from the worker.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// MemoryFile makes an empty file without a name, in the system's temporary
// folder: only Linux has files in memory.
func MemoryFile() (*os.File, error) {
	f, err := os.CreateTemp("", "sajin-image-*")
	if err != nil {
		return nil, err
	}
	return f, os.Remove(f.Name())
}

// readOnly is the file itself, where the system has no other way to it.
func readOnly(f *os.File) (*os.File, error) {
	fd, err := syscall.Dup(int(f.Fd()))
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

// The kernel's limit on memory is Linux's. Elsewhere the runtime's own holds,
// which a decoder that asks for too much at once passes.
func mapped() int64 { return 0 }
func harden(int64)  {}
func allow(int64)   {}
