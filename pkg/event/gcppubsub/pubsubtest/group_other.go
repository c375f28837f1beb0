//go:build !unix

package pubsubtest

import (
	"os"
	"syscall"
)

func processGroup() *syscall.SysProcAttr { return nil }

func killGroup(p *os.Process) error { return p.Kill() }
