package fileblob

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
)

// model is a file system that keeps only what it must: the bytes of a file
// once the file is fsynced, and a name once its folder is fsynced. Everything
// later may or may not be on the disk when the power fails, in any combination.
// It wraps a real disk and follows what is done there.
type model struct {
	disk

	mu      sync.Mutex
	live    map[string]*node // what a running process sees
	durable map[string]*node // what must be there after a loss of power
	pending []change         // to names, of folders not fsynced since
	log     []string
	// after is called when a change has been made, with the lock held.
	after func()
}

// node is a folder or a file.
type node struct {
	folder bool
	data   []byte
	synced bool // everything in data is on the disk
}

// change gives name another node, or none.
type change struct {
	name string
	to   *node
}

func newModel(d disk) *model {
	return &model{disk: d, live: map[string]*node{}, durable: map[string]*node{}, after: func() {}}
}

// did records one step and its changes to names.
func (m *model) did(step string, changes ...change) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.log = append(m.log, step)
	for _, c := range changes {
		m.set(m.live, c)
		if path.Dir(c.name) != tempDir { // whose names matter to nobody after a crash
			m.pending = append(m.pending, c)
		}
	}
	m.after()
}

func (m *model) set(names map[string]*node, c change) {
	if c.to == nil {
		delete(names, c.name)
		return
	}
	names[c.name] = c.to
}

func (m *model) create(name string) (tempFile, error) {
	file, err := m.disk.create(name)
	if err != nil {
		return nil, err
	}
	n := &node{}
	m.did("create tmp", change{name, n})
	return &modelFile{tempFile: file, model: m, node: n}, nil
}

func (m *model) mkdir(name string) error {
	err := m.disk.mkdir(name)
	if err == nil {
		m.did("mkdir "+name, change{name, &node{folder: true}})
	}
	return err
}

func (m *model) link(from, to string) error {
	err := m.disk.link(from, to)
	if err == nil {
		m.did("link "+to, change{to, m.live[from]})
	}
	return err
}

func (m *model) rename(from, to string) error {
	err := m.disk.rename(from, to)
	if err == nil {
		m.did("rename "+to, change{to, m.live[from]}, change{from, nil})
	}
	return err
}

func (m *model) remove(name string) error {
	err := m.disk.remove(name)
	if err == nil {
		m.did("remove "+strings.Split(name, "/")[0], change{name, nil})
	}
	return err
}

func (m *model) syncDir(name string) error {
	err := m.disk.syncDir(name)
	if err != nil {
		return err
	}
	m.mu.Lock()
	var rest []change
	for _, c := range m.pending {
		if path.Dir(c.name) == name {
			m.set(m.durable, c)
		} else {
			rest = append(rest, c)
		}
	}
	m.pending = rest
	m.mu.Unlock()
	m.did("fsync " + name)
	return nil
}

type modelFile struct {
	tempFile
	model *model
	node  *node
}

func (f *modelFile) Write(p []byte) (int, error) {
	n, err := f.tempFile.Write(p)
	f.model.mu.Lock()
	f.node.data, f.node.synced = append(f.node.data, p[:n]...), false
	f.model.mu.Unlock()
	f.model.did("write")
	return n, err
}

func (f *modelFile) Sync() error {
	err := f.tempFile.Sync()
	if err == nil {
		f.model.mu.Lock()
		f.node.synced = true
		f.model.mu.Unlock()
		f.model.did("fsync file")
	}
	return err
}

// crashes calls visit with the objects of every disk that a loss of power could
// leave now: each combination of the pending changes. The lock must be held.
func (m *model) crashes(visit func(objects map[string]string)) {
	if len(m.pending) > 12 {
		panic(fmt.Sprintf("%d pending changes make too many combinations", len(m.pending)))
	}
	for subset := range 1 << len(m.pending) {
		names := maps.Clone(m.durable)
		for i, c := range m.pending {
			if subset&(1<<i) != 0 {
				m.set(names, c)
			}
		}
		visit(reachable(names))
	}
}

// reachable gives the contents of the files below objects whose folders exist.
func reachable(names map[string]*node) map[string]string {
	objects := map[string]string{}
	for name, n := range names {
		key, isObject := strings.CutPrefix(name, objectsDir+"/")
		if !isObject || n.folder || !hasFolders(names, path.Dir(name)) {
			continue
		}
		objects[key] = n.body()
	}
	return objects
}

// body is what the store would read from the file after a crash.
func (n *node) body() string {
	rec, err := readRecord(bytes.NewReader(n.data), int64(len(n.data)))
	if err != nil || !n.synced {
		return "not whole"
	}
	return string(n.data[:rec.Size])
}

func hasFolders(names map[string]*node, dir string) bool {
	for ; dir != "."; dir = path.Dir(dir) {
		if n := names[dir]; n == nil || !n.folder {
			return false
		}
	}
	return true
}

// steps gives the log with repeated writes as one, and clears it.
func (m *model) steps() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := slices.Compact(m.log)
	m.log = nil
	return out
}
