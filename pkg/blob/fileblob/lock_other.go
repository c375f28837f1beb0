//go:build !unix

package fileblob

import (
	"errors"
	"os"

	"github.com/sajin-gallery/sajin/pkg/fault"
)

// acquire refuses: where a directory cannot be locked and fsynced, the
// promises of this package cannot be kept.
func acquire(string) (*os.File, error) {
	return nil, fault.New(fault.Unsupported, "platform_unsupported",
		"A data directory needs Linux, macOS or another Unix.").With("fileblob.Open", errors.ErrUnsupported)
}
