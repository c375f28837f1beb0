package fileblob

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// disk is every change this package makes to the file system, by
// slash-separated names under the store's directory. Tests put a recorder or a
// failure here; nothing else implements it.
type disk interface {
	create(name string) (tempFile, error) // fails where name exists
	mkdir(name string) error
	link(from, to string) error // fails where to exists
	rename(from, to string) error
	remove(name string) error
	syncDir(name string) error
}

// tempFile is a file being written.
type tempFile interface {
	io.Writer
	Sync() error
	Close() error
}

// rootDisk is the real file system below an os.Root, which no name and no
// symbolic link leaves.
type rootDisk struct{ root *os.Root }

func (d rootDisk) create(name string) (tempFile, error) {
	return d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

func (d rootDisk) mkdir(name string) error      { return d.root.Mkdir(name, 0o700) }
func (d rootDisk) link(from, to string) error   { return d.root.Link(from, to) }
func (d rootDisk) rename(from, to string) error { return d.root.Rename(from, to) }
func (d rootDisk) remove(name string) error     { return d.root.Remove(name) }

func (d rootDisk) syncDir(name string) error {
	dir, err := d.root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// makeDirs makes dir and its ancestors, and makes every one of them durable in
// its parent. Ancestors that are already there are synced as well, as far as
// that is allowed: whoever made them may not have.
func makeDirs(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	parent := filepath.Dir(dir)
	if parent == dir {
		return nil
	}
	if err := makeDirs(parent); err != nil {
		return err
	}
	err = os.Mkdir(dir, 0o700)
	if existed := errors.Is(err, fs.ErrExist); err != nil && !existed {
		return err
	} else if err = syncPath(parent); existed {
		return nil
	}
	return err
}

func syncPath(dir string) error {
	file, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}
