package fileblob

import (
	"io/fs"
	"syscall"
	"time"
)

// changedAt is when a file was last written, renamed or otherwise changed: it
// tells a file that was put there again also where its own date was kept.
func changedAt(stat fs.FileInfo) time.Time {
	if sys, ok := stat.Sys().(*syscall.Stat_t); ok {
		return time.Unix(sys.Ctim.Unix())
	}
	return stat.ModTime()
}
