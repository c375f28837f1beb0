package folder

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Locate finds what a person names: where it is, links resolved, and what it is.
func Locate(name string) (abs string, info fs.FileInfo, err error) {
	if abs, err = filepath.Abs(name); err == nil {
		abs, err = filepath.EvalSymlinks(abs)
	}
	if err == nil {
		info, err = os.Stat(abs)
	}
	if err != nil {
		return "", nil, fmt.Errorf("cannot look at %s: %w", name, err)
	}
	return abs, info, nil
}

// Walk calls visit for every file in a folder and below: where it is, and its
// path from the folder on. Symbolic links are not followed, hidden and system
// files are left out. What cannot be looked at is told to unread, and passed
// over; an error is the end of ctx.
func Walk(ctx context.Context, root string, unread func(error), visit func(at, rel string, info fs.FileInfo)) error {
	return filepath.WalkDir(root, func(at string, entry fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			unread(err)
			return nil
		}
		if at != root && Hidden(entry.Name()) {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		rel, err := filepath.Rel(root, at)
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			unread(err)
			return nil
		}
		visit(at, rel, info)
		return nil
	})
}
