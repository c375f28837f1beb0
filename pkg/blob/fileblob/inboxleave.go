package fileblob

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/sajin-gallery/sajin/pkg/blob"
)

// leavingPrefix begins the name of a folder, beside a file that leaves the inbox,
// in which it is looked at once more. What is in it is listed by nobody, and put
// back by the next Inbox where a process ended in between.
const leavingPrefix = ".sajin-leaving-"

// leave takes a file out of everybody's way if it is as it was listed, and gives
// its new name; "" where it is another or gone. A name says nothing about what
// will lie there in a moment, and a file system removes and moves by name: so the
// file is moved first, and put back if it turns out that somebody has put another
// in its place, or has gone on writing.
func (b *Inbox) leave(ctx context.Context, file blob.Info) (at string, err error) {
	r, err := b.Open(ctx, file)
	if errors.Is(err, blob.ErrChanged) || errors.Is(err, blob.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	// As long as it is open no other file can get its identity.
	defer func() { _ = r.Close() }()
	name := path.Join(inboxDir, file.Key)
	folder := path.Join(path.Dir(name), leavingPrefix+rand.Text())
	if err := b.store.disk.mkdir(folder); err != nil {
		return "", err
	}
	at = path.Join(folder, path.Base(name))
	if err := b.store.disk.rename(name, at); err != nil {
		if isAbsent(err) {
			err = nil
		}
		return "", errors.Join(err, b.store.disk.remove(folder))
	}
	if same, err := b.isStill(at, r.(*inboxReader).file, file); err != nil || !same {
		return "", errors.Join(err, b.putBack(at))
	}
	return at, nil
}

// isStill reports whether what lies somewhere is a file that is open, and as it was
// listed but for the moment at which it was moved.
func (b *Inbox) isStill(at string, opened *os.File, file blob.Info) (bool, error) {
	now, err := b.store.root.Lstat(at)
	if err != nil {
		return false, err
	}
	was, err := opened.Stat()
	if err != nil {
		return false, err
	}
	listed := file.Metadata[blob.InboxModified]
	return os.SameFile(was, now) && now.Size() == file.Size && printOf(now).info("").Metadata[blob.InboxModified] == listed, nil
}

// putBack returns a file from the folder in which it was looked at, under another
// name where somebody has used its own meanwhile.
func (b *Inbox) putBack(at string) error {
	folder := path.Dir(at)
	name := path.Join(path.Dir(folder), path.Base(at))
	err := b.store.disk.link(at, name)
	if err == nil {
		err = b.store.disk.remove(at)
	} else { // there is another, or the file system knows no links
		if _, there := b.store.root.Lstat(name); !isAbsent(there) {
			extension := path.Ext(name)
			name = fmt.Sprintf("%s-%.8s%s", strings.TrimSuffix(name, extension), rand.Text(), extension)
		}
		err = b.store.disk.rename(at, name)
	}
	if err != nil {
		return err
	}
	return errors.Join(b.store.disk.remove(folder), b.store.disk.syncDir(path.Dir(name)))
}

// putAllBack does so with what a process left behind that ended meanwhile.
func (b *Inbox) putAllBack() error {
	var left []string
	err := fs.WalkDir(b.store.root.FS(), inboxDir, func(at string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // a folder that cannot be read keeps no other waiting; Waiting tells of it
		}
		if entry.Type().IsRegular() && strings.HasPrefix(path.Base(path.Dir(at)), leavingPrefix) {
			left = append(left, at)
		}
		return nil
	})
	for _, at := range left {
		err = errors.Join(err, b.putBack(at))
	}
	return err
}
