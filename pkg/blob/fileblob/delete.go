package fileblob

import (
	"context"
	"errors"
	"io/fs"
	"path"

	"github.com/sajin-gallery/sajin/pkg/blob"
)

// Delete implements blob.Store. The deletion is durable when it returns.
func (s *Store) Delete(ctx context.Context, key string) error {
	const op = "fileblob.Delete"
	if err := blob.CheckKey(key); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return classify(op, err)
	}
	return classify(op, s.remove(objectsDir+"/"+key))
}

func (s *Store) remove(name string) error {
	stat, err := s.root.Lstat(name)
	if err == nil && stat.IsDir() {
		return nil // a folder of other keys
	}
	if err == nil {
		err = s.disk.remove(name)
	}
	if err != nil && !isAbsent(err) {
		return err
	}
	// Also where there was nothing: whoever removed it may have been killed
	// before its fsync.
	parent := path.Dir(name)
	if err := s.disk.syncDir(parent); err != nil && !isAbsent(err) {
		return err
	}
	s.prune(parent)
	return nil
}

// prune removes dir and its ancestors while they are empty. A folder that
// cannot be removed stays: it costs nothing, and the object is gone. Empty
// folders need no fsync: one that comes back after a loss of power does no harm.
func (s *Store) prune(dir string) {
	for dir != objectsDir && s.isEmpty(dir) && s.removeFolder(dir) {
		dir = path.Dir(dir)
	}
}

// isEmpty spares the lock in the usual case that siblings are left.
func (s *Store) isEmpty(dir string) bool {
	file, err := s.root.Open(dir)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist) // pruned by another; go on above
	}
	defer file.Close()
	names, _ := file.Readdirnames(1)
	return len(names) == 0
}

func (s *Store) removeFolder(dir string) bool {
	s.tree.Lock()
	defer s.tree.Unlock()
	// os.Root.Remove removes files as well: while the lock was not held, the
	// folder may have given way to an object of that name.
	stat, err := s.root.Lstat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return true
	}
	if err != nil || !stat.IsDir() {
		return false
	}
	s.folders.forget(dir)
	return s.disk.remove(dir) == nil
}
