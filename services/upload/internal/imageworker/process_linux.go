package imageworker

import (
	"os"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// ownProgram is the file that this process runs, even when a newer one has taken
// its place since.
func ownProgram() (string, error) { return "/proc/self/exe", nil }

// attributes keep a terminal's signals from the worker, and kill it when its
// parent dies, should it be too busy to notice.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// MemoryFile makes an empty file that lives in memory, and goes when it is
// closed. An image that is in one reaches a worker without being copied. Where
// the system has none, it is a temporary file without a name.
func MemoryFile() (*os.File, error) {
	fd, err := unix.MemfdCreate("sajin-image", unix.MFD_CLOEXEC)
	if err != nil {
		return unnamedFile()
	}
	return os.NewFile(uintptr(fd), "sajin-image"), nil
}

// readOnly is another descriptor of a file, which cannot be written to. Without
// /proc it is the same once more.
func readOnly(f *os.File) (*os.File, error) {
	image, err := os.Open("/proc/self/fd/" + strconv.Itoa(int(f.Fd())))
	if err != nil {
		return duplicate(f)
	}
	return image, nil
}

// mapped is how much writable memory of its own this process has, touched or
// not: what RLIMIT_DATA counts.
func mapped() int64 {
	const dataField = 5
	text, err := os.ReadFile("/proc/self/statm")
	fields := strings.Fields(string(text))
	if err != nil || len(fields) <= dataField {
		return 0
	}
	pages, err := strconv.ParseInt(fields[dataField], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

// harden gives up what a worker does not need, for as long as it lives: memory
// beyond most, to write files, to open many, to leave its memory on the disk,
// and to gain rights by starting another program. What the system does not know
// is left out; the last needs a program built without C, whose threads the
// runtime can all tell.
func harden(most int64) {
	_ = os.WriteFile("/proc/self/comm", []byte(workerName), 0) // so that a list of processes tells what it is
	const openFiles = 32
	limit(unix.RLIMIT_DATA, most)
	limit(unix.RLIMIT_FSIZE, 0)
	limit(unix.RLIMIT_CORE, 0)
	limit(unix.RLIMIT_NOFILE, openFiles)
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
	_, _, _ = syscall.AllThreadsSyscall(unix.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0)
}

func limit(resource int, most int64) {
	_ = unix.Setrlimit(resource, &unix.Rlimit{Cur: uint64(most), Max: uint64(most)}) //nolint:gosec // never negative
}

// allow lets the process have more memory than it has now, up to what it may
// ever have. Beyond that its runtime gives up, and the process ends.
func allow(more int64) {
	var l unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_DATA, &l) != nil {
		return
	}
	l.Cur = min(l.Max, uint64(mapped()+more)) //nolint:gosec // never negative
	_ = unix.Setrlimit(unix.RLIMIT_DATA, &l)
}
