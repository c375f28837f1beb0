//go:build unix

package natsserver

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/sajin-gallery/sajin/pkg/fault"
)

// lockFile keeps a second process away from the files: the server itself does
// not, and two of them destroy each other's streams. The kernel lets go of the
// lock when the process ends, however it ends.
func lockFile(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("natsserver: open the lock: %w", err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errors.Join(fault.New(fault.Locked, "events_in_use", "Another process is using the gallery's event files."), f.Close())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("natsserver: lock %s: %w", name, err), f.Close())
	}
	return f, nil
}
