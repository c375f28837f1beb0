//go:build !linux

package fileblob

import (
	"io/fs"
	"time"
)

// changedAt is when a file was last written.
func changedAt(stat fs.FileInfo) time.Time { return stat.ModTime() }
