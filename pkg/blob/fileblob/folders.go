package fileblob

import (
	"errors"
	"io/fs"
	"path"
	"sync"
)

// maxKnownFolders bounds the memory of folders; forgetting one costs an fsync.
const maxKnownFolders = 4096

// folders makes folders and remembers which of them are durable. A folder that
// merely exists is not enough: a concurrent Put, or an earlier process that was
// killed, may have made it and not yet fsynced its parent, and an object
// acknowledged in it would vanish with it when the power fails.
type folders struct {
	disk  disk
	mu    sync.Mutex
	known map[string]struct{}
}

func newFolders(d disk) *folders {
	return &folders{disk: d, known: map[string]struct{}{".": {}}}
}

// ensure makes dir and its ancestors exist durably.
func (f *folders) ensure(dir string) error {
	if f.isKnown(dir) {
		return nil
	}
	parent := path.Dir(dir)
	if err := f.ensure(parent); err != nil {
		return err
	}
	if err := f.disk.mkdir(dir); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := f.disk.syncDir(parent); err != nil {
		return err
	}
	f.remember(dir)
	return nil
}

func (f *folders) isKnown(dir string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, ok := f.known[dir]
	return ok
}

func (f *folders) remember(dir string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.known) >= maxKnownFolders {
		f.reset()
	}
	f.known[dir] = struct{}{}
}

// forget drops dir, which is about to be removed or turned out not to be there.
func (f *folders) forget(dir string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.known, dir)
}

// forgetAll drops everything, after somebody else changed the tree.
func (f *folders) forgetAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.reset()
}

func (f *folders) reset() {
	clear(f.known)
	f.known["."] = struct{}{}
}
