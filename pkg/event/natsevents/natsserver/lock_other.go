//go:build !unix

package natsserver

import (
	"fmt"
	"os"
)

// lockFile only opens the file: without flock nothing keeps a second process
// away but the address it would have to listen on.
func lockFile(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("natsserver: open the lock: %w", err)
	}
	return f, nil
}
