//go:build !linux

package mariadbtest

import "syscall"

// dieWithParent: other systems have no such thing; Close ends the server.
func dieWithParent() *syscall.SysProcAttr { return nil }
