package stack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// sources are the files that some programs of a module are made of, and how they
// were when they were last looked at.
type sources struct {
	root     string
	programs []string            // their packages
	ignored  []string            // folders whose embedded files the programs read by themselves
	users    map[string][]string // by file, and by folder for what is new in it
	seen     map[string]state
}

// state tells a file from what it was before.
type state struct {
	modified time.Time
	size     int64
}

// readSources looks at the programs' files. Files that are embedded by packages
// in the ignored folders are not looked at.
func readSources(ctx context.Context, root string, programs, ignored []string) (*sources, error) {
	s := &sources{root: root, programs: programs, ignored: ignored}
	if err := s.list(ctx); err != nil {
		return nil, err
	}
	s.seen = s.look()
	return s, nil
}

// listed is what go list says of a package.
type listed struct {
	Dir        string
	Module     *struct{ Main bool }
	GoFiles    []string
	EmbedFiles []string
}

// list asks the Go tool what the programs are made of now.
func (s *sources) list(ctx context.Context) error {
	users := map[string][]string{}
	for _, program := range s.programs {
		cmd := exec.CommandContext(ctx, "go", "list", "-deps", "-json=Dir,Module,GoFiles,EmbedFiles", program)
		cmd.Dir = s.root
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("stack: go list: %w\n%s", err, stderr.Bytes())
		}
		for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
			var p listed
			err := decoder.Decode(&p)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return fmt.Errorf("stack: go list: %w", err)
			}
			s.add(users, program, p)
		}
		for _, name := range []string{"go.mod", "go.sum"} {
			file := filepath.Join(s.root, name)
			users[file] = append(users[file], program)
		}
	}
	s.users = users
	return nil
}

func (s *sources) add(users map[string][]string, program string, p listed) {
	if p.Module == nil || !p.Module.Main {
		return
	}
	files := p.GoFiles
	if !slices.Contains(s.ignored, p.Dir) {
		files = append(files, p.EmbedFiles...)
	}
	users[p.Dir] = append(users[p.Dir], program)
	for _, name := range files {
		file := filepath.Join(p.Dir, name)
		users[file] = append(users[file], program)
	}
}

// look reads how the files are now, those too that are new beside them.
func (s *sources) look() map[string]state {
	out := map[string]state{}
	for name := range s.users {
		info, err := os.Stat(name)
		if err != nil {
			continue // it was removed, which is a change
		}
		if !info.IsDir() {
			out[name] = stateOf(info)
			continue
		}
		entries, _ := os.ReadDir(name) // one that was just removed has none
		for _, e := range entries {
			if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
				continue
			}
			if info, err := e.Info(); err == nil {
				out[filepath.Join(name, e.Name())] = stateOf(info)
			}
		}
	}
	return out
}

func stateOf(info fs.FileInfo) state { return state{info.ModTime(), info.Size()} }

// changed gives the programs whose files are not as they were when it was last
// called, and one of those files.
func (s *sources) changed() (programs []string, file string) {
	now := s.look()
	for _, names := range []map[string]state{now, s.seen} {
		for _, name := range slices.Sorted(maps.Keys(names)) {
			if now[name] == s.seen[name] {
				continue
			}
			users, known := s.users[name]
			if !known {
				users = s.users[filepath.Dir(name)]
			}
			programs, file = append(programs, users...), name
		}
	}
	s.seen = now
	slices.Sort(programs)
	return slices.Compact(programs), file
}
