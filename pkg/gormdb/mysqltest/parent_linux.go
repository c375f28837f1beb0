package mysqltest

import "syscall"

// dieWithParent has the kernel kill the server when this process is killed, so
// that a test that crashed leaves none behind.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
