package stack

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/httpx/loopback"
)

// workshop is a module of two programs, which share a package.
var workshop = map[string]string{
	"go.mod":           "module example.org/w\n\ngo 1.26\n",
	"one/main.go":      program1,
	"one/text/a.txt":   "before",
	"one/main_test.go": "package main\n",
	"two/main.go":      "package main\n\nimport \"example.org/w/shared\"\n\nfunc main() { shared.Do() }\n",
	"shared/shared.go": "package shared\n\nfunc Do() {}\n",
}

const program1 = `package main

import (
	_ "embed"
	"net/http"
	"os"

	"example.org/w/shared"
)

//go:embed text/a.txt
var text string

func main() {
	shared.Do()
	err := http.ListenAndServe(os.Getenv("SAJIN_ADDR"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/end" {
			os.Exit(7)
		}
		_, _ = w.Write([]byte("code " + text))
	}))
	if err != nil {
		os.Exit(1)
	}
}
`

func makeWorkshop(t *testing.T) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir()) // as the Go tool names it
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range workshop {
		writeSource(t, root, name, text)
	}
	return root
}

// writeSource writes a file as an editor does, at a later time than before.
func writeSource(t *testing.T, root, name, text string) {
	t.Helper()
	file := filepath.Join(root, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	at := time.Now()
	if info, err := os.Stat(file); err == nil {
		at = info.ModTime().Add(time.Second)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(file, at, at); err != nil {
		t.Fatal(err)
	}
}

func TestAChangeConcernsTheProgramsMadeOfIt(t *testing.T) {
	const one, two = "example.org/w/one", "example.org/w/two"
	root := makeWorkshop(t)
	s, err := readSources(t.Context(), root, []string{one, two}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		file string
		want []string
	}{
		{"shared/shared.go", []string{one, two}},
		{"shared/new.go", []string{one, two}},
		{"one/main.go", []string{one}},
		{"one/text/a.txt", []string{one}},
		{"one/main_test.go", nil},
		{"one/notes.txt", nil},
		{"go.mod", []string{one, two}},
		{"elsewhere/other.go", nil},
	} {
		writeSource(t, root, tt.file, workshop[tt.file])
		got, file := s.changed()
		if !slices.Equal(got, tt.want) || (got != nil && file != filepath.Join(root, tt.file)) {
			t.Errorf("%s concerns %v (%s), want %v", tt.file, got, file, tt.want)
		}
	}
	if err := os.Remove(filepath.Join(root, "shared/new.go")); err != nil {
		t.Fatal(err)
	}
	if got, _ := s.changed(); !slices.Equal(got, []string{one, two}) {
		t.Errorf("a file that was removed concerns %v", got)
	}
	if got, _ := s.changed(); got != nil {
		t.Errorf("without a change: %v", got)
	}
}

// What a program reads by itself while it runs is no reason to build it.
func TestFilesThatAreReadAgainAreNotBuilt(t *testing.T) {
	root := makeWorkshop(t)
	s, err := readSources(t.Context(), root, []string{"example.org/w/one"}, []string{filepath.Join(root, "one")})
	if err != nil {
		t.Fatal(err)
	}
	writeSource(t, root, "one/text/a.txt", "after")
	if got, _ := s.changed(); got != nil {
		t.Errorf("%v is built", got)
	}
	writeSource(t, root, "one/main.go", program1+"\n")
	if got, _ := s.changed(); len(got) != 1 {
		t.Error("a change of code is overlooked")
	}
}

// developing is a stack of one program of the workshop, and who looks after it.
func developing(t *testing.T) (d *developer, root string, out *output) {
	t.Helper()
	root, bin := makeWorkshop(t), t.TempDir()
	const one = "example.org/w/one"
	read, err := readSources(t.Context(), root, []string{one}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := buildIn(t.Context(), root, bin, one); err != nil {
		t.Fatal(err)
	}
	addr, err := loopback.Free(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out = &output{}
	p := NewProcess("one", filepath.Join(bin, "one"), addr, out)
	mustStart(t, p)
	t.Cleanup(func() {
		if err := p.Kill(); err != nil {
			t.Error(err)
		}
	})
	s := &Stack{processes: map[string]*Process{"one": p}, started: []*Process{p}}
	if d, err = s.developer(Options{Bin: bin, Out: out}, read); err != nil {
		t.Fatal(err)
	}
	return d, root, out
}

func answer(t *testing.T, p *Process, path string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL()+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err.Error()
	}
	return string(body)
}

// The program that runs is replaced when a file of it was changed and it builds;
// until then the old one goes on.
func TestAChangedProgramIsStartedAgain(t *testing.T) {
	d, root, out := developing(t)
	p := d.stack.Process("one")
	first := p.PID()
	d.look(t.Context())
	if p.PID() != first {
		t.Fatal("it was started again without a change")
	}
	writeSource(t, root, "shared/shared.go", "package shared\n\nfunc Do() { nonsense }\n")
	d.look(t.Context())
	if said := strings.Join(out.lines(), "\n"); p.PID() != first || !strings.Contains(said, "does not build") || !strings.Contains(said, "nonsense") {
		t.Errorf("what does not build: %s", said)
	}
	writeSource(t, root, "shared/shared.go", workshop["shared/shared.go"])
	writeSource(t, root, "one/text/a.txt", "after")
	d.look(t.Context())
	if p.PID() == first || answer(t, p, "/") != "code after" {
		t.Errorf("it answers %q", answer(t, p, "/"))
	}
}

// builder stands for npm: it makes dist/app.js of src/main.ts, and breaks down
// over nonsense.
const builder = `package main

import (
	"os"
	"strings"
)

func main() {
	text, err := os.ReadFile("src/main.ts")
	if err != nil || strings.Contains(string(text), "nonsense") {
		println("nonsense in line 1")
		os.Exit(1)
	}
	if err := os.WriteFile("dist/app.js", append([]byte("built of "), text...), 0o600); err != nil {
		os.Exit(1)
	}
}
`

// Scripts are built when a file of them was changed; nothing is started again for
// it, and those that do not build leave what is there.
func TestChangedScriptsAreBuilt(t *testing.T) {
	d, root, out := developing(t)
	first := d.stack.Process("one").PID()
	for name, text := range map[string]string{"src/main.ts": "one", "src/upload/part.ts": "", "dist/app.js": "before", "test/a.test.js": "", "build/main.go": builder} {
		writeSource(t, root, "ui/"+name, text)
	}
	ui := filepath.Join(root, "ui")
	d.sources.scripts = readScripts(ui, "go", "run", "./build")
	built := func() string {
		t.Helper()
		d.look(t.Context())
		text, err := os.ReadFile(filepath.Join(ui, "dist", "app.js"))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	writeSource(t, root, "ui/test/a.test.js", "changed")
	if got := built(); got != "before" {
		t.Errorf("built without a change: %q", got)
	}
	writeSource(t, root, "ui/src/main.ts", "two")
	if got := built(); got != "built of two" {
		t.Errorf("a change makes %q: %s", got, strings.Join(out.lines(), "\n"))
	}
	writeSource(t, root, "ui/src/main.ts", "nonsense")
	if said := built() + strings.Join(out.lines(), "\n"); !strings.HasPrefix(said, "built of two") || !strings.Contains(said, filepath.Join("ui", "src", "main.ts")+" has changed, and does not build") || !strings.Contains(said, "nonsense in line 1") {
		t.Errorf("what does not build: %s", said)
	}
	writeSource(t, root, "ui/src/main.ts", "three")
	if got := built(); got != "built of three" {
		t.Errorf("after a mistake: %q", got)
	}
	for _, change := range []func(){
		func() { writeSource(t, root, "ui/src/upload/new.ts", "") },
		func() { writeSource(t, root, "ui/src/upload/part.ts", "changed") },
		func() {
			if err := os.Remove(filepath.Join(ui, "src", "upload", "new.ts")); err != nil {
				t.Fatal(err)
			}
		},
		func() { writeSource(t, root, "ui/build.js", "") },
	} {
		writeSource(t, root, "ui/dist/app.js", "before")
		change()
		if got := built(); got != "built of three" {
			t.Errorf("overlooked: %q", got)
		}
	}
	if d.stack.Process("one").PID() != first {
		t.Error("a program was started again")
	}
}

// The scripts of the checkout are built as npm is told to there.
func TestTheInterfacesScriptsAreNpms(t *testing.T) {
	s, err := ReadSources(t.Context(), filepath.Join("..", "..", "..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(s.scripts.dir, "package.json"))
	if err != nil {
		t.Fatal(err)
	}
	var says struct{ Scripts map[string]string }
	if err := json.Unmarshal(text, &says); err != nil {
		t.Fatal(err)
	}
	if last := s.scripts.command[len(s.scripts.command)-1]; s.scripts.command[0] != "npm" || says.Scripts[last] == "" {
		t.Errorf("%q builds nothing", s.scripts.command)
	}
	if _, seen := s.scripts.seen[filepath.Join(s.scripts.dir, "src", "main.ts")]; !seen {
		t.Errorf("the scripts are not looked at in %s", s.scripts.dir)
	}
}

// One that breaks down is told of once, and comes back with the next change.
func TestAProgramThatEndsIsToldOfAndComesBack(t *testing.T) {
	d, root, out := developing(t)
	p := d.stack.Process("one")
	answer(t, p, "/end")
	<-p.Exited()
	d.look(t.Context())
	d.look(t.Context())
	if said := strings.Join(out.lines(), "\n"); strings.Count(said, "one has ended by itself (exit status 7)") != 1 {
		t.Errorf("told: %s", said)
	}
	writeSource(t, root, "one/text/a.txt", "again")
	d.look(t.Context())
	if got := answer(t, p, "/"); got != "code again" {
		t.Errorf("it answers %q", got)
	}
}
