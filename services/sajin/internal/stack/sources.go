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

// Sources are the files that the services' programs and the interface's scripts
// are made of, and how they were when they were last looked at.
type Sources struct {
	root     string
	programs []string            // their packages
	ignored  []string            // folders whose embedded files the programs read by themselves
	users    map[string][]string // by file, and by folder for what is new in it
	seen     map[string]state
	scripts  *scripts // nil for none
}

// state tells a file from what it was before.
type state struct {
	modified time.Time
	size     int64
}

// ReadSources looks at what the services are made of, in the module at root:
// before they are built, so that no change is missed.
func ReadSources(ctx context.Context, root string) (*Sources, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("stack: %w", err)
	}
	web := interfaceOf(root)
	s, err := readSources(ctx, root, Services(), []string{filepath.Join(web, "ui"), filepath.Join(web, "internal", "pages")})
	if err != nil {
		return nil, err
	}
	s.scripts = readScripts(filepath.Join(web, "ui"), "npm", "run", "--silent", "build")
	return s, nil
}

// Interface is the folder with what web reads again for every page in
// development (SAJIN_DEV), and which is therefore not looked at.
func (s *Sources) Interface() string { return interfaceOf(s.root) }

func interfaceOf(root string) string { return filepath.Join(root, "services", "web") }

// readSources looks at the programs' files. Files that are embedded by packages
// in the ignored folders are not looked at.
func readSources(ctx context.Context, root string, programs, ignored []string) (*Sources, error) {
	s := &Sources{root: root, programs: programs, ignored: ignored}
	if err := s.list(ctx); err != nil {
		return nil, err
	}
	s.seen = s.look()
	return s, nil
}

// listed is what go list says of a package.
type listed struct {
	ImportPath string
	Dir        string
	Module     *struct{ Main bool }
	GoFiles    []string
	EmbedFiles []string
	Deps       []string
}

// list asks the Go tool what the programs are made of now.
func (s *Sources) list(ctx context.Context) error {
	args := []string{"list", "-deps", "-json=ImportPath,Dir,Module,GoFiles,EmbedFiles,Deps"}
	cmd := exec.CommandContext(ctx, "go", append(args, s.programs...)...)
	cmd.Dir = s.root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("stack: go list: %w\n%s", err, stderr.Bytes())
	}
	packages := map[string]listed{}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("stack: go list: %w", err)
		}
		packages[p.ImportPath] = p
	}
	s.users = map[string][]string{}
	for _, program := range s.programs {
		s.use(program, filepath.Join(s.root, "go.mod"), filepath.Join(s.root, "go.sum"))
		for _, name := range append(packages[program].Deps, program) {
			s.add(program, packages[name])
		}
	}
	return nil
}

// add says that a program is made of a package, if that is one of the module.
func (s *Sources) add(program string, p listed) {
	if p.Module == nil || !p.Module.Main {
		return
	}
	files := p.GoFiles
	if !slices.Contains(s.ignored, p.Dir) {
		files = append(slices.Clone(files), p.EmbedFiles...)
	}
	s.use(program, p.Dir)
	for _, name := range files {
		s.use(program, filepath.Join(p.Dir, name))
	}
}

func (s *Sources) use(program string, names ...string) {
	for _, name := range names {
		s.users[name] = append(s.users[name], program)
	}
}

// look reads how the files are now, those too that are new beside them.
func (s *Sources) look() map[string]state {
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
func (s *Sources) changed() (programs []string, file string) {
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
