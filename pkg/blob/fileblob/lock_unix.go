//go:build unix

package fileblob

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"github.com/sajin-gallery/sajin/pkg/fault"
)

// acquire opens the file and locks it until it is closed. The kernel gives the
// lock up when the process ends, however it ends, so no stale lock is left.
func acquire(path string) (*os.File, error) {
	const op = "fileblob.Open"
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, classify(op, err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return file, nil
	}
	_ = file.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		inUse := fault.New(fault.Locked, "data_dir_in_use", "Another process is using this data directory.")
		return nil, inUse.With(op, fmt.Errorf("lock %s: %w", path, err))
	}
	return nil, classify(op, fmt.Errorf("lock %s: %w", path, err))
}
