//go:build !linux

package mysqltest

import "syscall"

// dieWithParent: other systems have no such thing; Close ends the server.
func dieWithParent() *syscall.SysProcAttr { return nil }
