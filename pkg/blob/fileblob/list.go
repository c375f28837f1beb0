package fileblob

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/sajin-gallery/sajin/pkg/blob"
)

// scanEntries is how many names of a folder are read at once.
const scanEntries = 256

// List implements blob.Store. Memory is bounded by limit whatever the size of a
// folder; time grows with the number of names in the folders it passes through.
func (s *Store) List(ctx context.Context, prefix, after string, limit int) ([]blob.Info, error) {
	if err := blob.CheckLimit(limit); err != nil {
		return nil, err
	}
	if !blob.CheckPrefix(prefix) {
		return nil, nil
	}
	// Start at the folder that the prefix names; "a/b" is in folder "a".
	dir := prefix[:strings.LastIndexByte(prefix, '/')+1]
	l := &lister{ctx: ctx, store: s, prefix: prefix, after: after, limit: limit}
	if err := l.walk(dir); err != nil {
		return nil, classify("fileblob.List", err)
	}
	return l.found, nil
}

// lister walks the tree in the byte order of the keys. That is not the order
// of the names in each folder: "a-b" comes before "a/c", because '-' is less
// than '/', though "a" is less than "a-b". So a folder takes its place as its
// name with the slash.
type lister struct {
	ctx           context.Context
	store         *Store
	prefix, after string
	limit         int
	found         []blob.Info
}

// walk lists dir, which is empty or ends with a slash.
func (l *lister) walk(dir string) error {
	last := ""
	for {
		names, more, err := l.next(dir, last)
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := l.visit(dir + name); err != nil || len(l.found) == l.limit {
				return err
			}
			last = name
		}
		if !more {
			return nil
		}
	}
}

func (l *lister) visit(path string) error {
	if strings.HasSuffix(path, "/") {
		return l.walk(path)
	}
	return l.add(path)
}

// next gives the names of dir after last that may matter, in order: as many as
// are still wanted, and whether there are more.
func (l *lister) next(dir, last string) (names []string, more bool, err error) {
	want := l.limit - len(l.found)
	err = l.scan(dir, func(name string) {
		if name <= last || !l.wants(dir+name) {
			return
		}
		if names = append(names, name); len(names) >= want+scanEntries {
			names, more = smallest(names, want), true
		}
	})
	if len(names) > want {
		more = true
	}
	return smallest(names, want), more, err
}

// smallest sorts names and keeps the first n.
func smallest(names []string, n int) []string {
	slices.Sort(names)
	return names[:min(n, len(names))]
}

// wants reports whether path can be, or can hold, a key that is asked for.
func (l *lister) wants(path string) bool {
	if strings.HasSuffix(path, "/") {
		return (strings.HasPrefix(path, l.prefix) || strings.HasPrefix(l.prefix, path)) &&
			(path > l.after || strings.HasPrefix(l.after, path))
	}
	return strings.HasPrefix(path, l.prefix) && path > l.after
}

// scan calls visit for every name in dir, in no order; folders end with a slash.
func (l *lister) scan(dir string, visit func(name string)) error {
	file, err := l.store.root.Open(strings.TrimSuffix(objectsDir+"/"+dir, "/"))
	if isAbsent(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	for {
		if err := l.ctx.Err(); err != nil {
			return err
		}
		entries, err := file.ReadDir(scanEntries)
		for _, entry := range entries {
			switch mode := entry.Type(); {
			case mode.IsDir():
				visit(entry.Name() + "/")
			case mode.IsRegular():
				visit(entry.Name())
			}
		}
		if errors.Is(err, io.EOF) || isAbsent(err) {
			return nil // at the end, removed meanwhile, or no folder at all
		}
		if err != nil {
			return err
		}
	}
}

// add appends the object. What is gone meanwhile, or is no object, is left out.
func (l *lister) add(key string) error {
	if err := l.ctx.Err(); err != nil {
		return err
	}
	if blob.CheckKey(key) != nil {
		return nil
	}
	file, info, err := l.store.open(key)
	switch {
	case err == nil:
		l.found = append(l.found, info)
		return file.Close()
	case errors.Is(err, errNoTrailer):
		l.store.opts.Log.Warn("a file in the store is not a whole object", "key", key, "error", err)
		return nil
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, blob.ErrNotFound):
		return nil
	default:
		return err
	}
}
