package stack

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
)

// scripts are the sources that the interface's scripts are built of, in a folder
// of npm's, and how they were when they were last looked at.
type scripts struct {
	dir     string
	command []string // which builds them, in dir
	seen    map[string]state
}

// readScripts looks at the scripts in dir, which the command builds there.
func readScripts(dir string, command ...string) *scripts {
	s := &scripts{dir: dir, command: command}
	s.seen = s.look()
	return s
}

// look reads how the sources are now: all that is below src, and what says how
// they are built.
func (s *scripts) look() map[string]state {
	out := map[string]state{}
	for _, name := range []string{"build.js", "tsconfig.json"} {
		if info, err := os.Stat(filepath.Join(s.dir, name)); err == nil {
			out[filepath.Join(s.dir, name)] = stateOf(info)
		}
	}
	_ = filepath.WalkDir(filepath.Join(s.dir, "src"), func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return nil //nolint:nilerr // what was just removed is looked at no more, which is a change
		}
		if info, err := entry.Info(); err == nil {
			out[name] = stateOf(info)
		}
		return nil
	})
	return out
}

// changed gives a file that is not as it was when it was last called, or "".
func (s *scripts) changed() string {
	now := s.look()
	defer func() { s.seen = now }()
	for _, names := range []map[string]state{now, s.seen} {
		for _, name := range slices.Sorted(maps.Keys(names)) {
			if now[name] != s.seen[name] {
				return name
			}
		}
	}
	return ""
}

// build builds them. Where that fails, what was built before is there still.
func (s *scripts) build(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, s.command[0], s.command[1:]...)
	cmd.Dir = s.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("stack: %s: %w\n%s", cmd.String(), err, out)
	}
	return nil
}
