package fileblob

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sajin-gallery/sajin/pkg/blob"
)

func openModel(t *testing.T) (*Store, *model) {
	t.Helper()
	var m *model
	s, err := open(t.TempDir(), Options{Log: slog.New(slog.DiscardHandler)}, func(root *os.Root) disk {
		m = newModel(rootDisk{root})
		return m
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, m
}

// TestOrderOfWrites is the order in which an object becomes durable.
func TestOrderOfWrites(t *testing.T) {
	s, m := openModel(t)
	if diff := cmp.Diff([]string{"mkdir objects", "fsync .", "mkdir tmp", "fsync ."}, m.steps()); diff != "" {
		t.Errorf("Open (-want +got):\n%s", diff)
	}
	staged := []string{"create tmp", "write", "fsync file"}
	tests := []struct {
		name string
		do   func() error
		want []string
	}{
		{"a new object in new folders", putting(s, "a/b/x", "data", blob.WriteOptions{}), append(staged[:3:3],
			"mkdir objects/a", "fsync objects", "mkdir objects/a/b", "fsync objects/a",
			"rename objects/a/b/x", "fsync objects/a/b")},
		{"a replacement", putting(s, "a/b/x", "data", blob.WriteOptions{}), append(staged[:3:3],
			"rename objects/a/b/x", "fsync objects/a/b")},
		{"a new object, if not exists", putting(s, "a/b/y", "data", blob.WriteOptions{IfNotExists: true}), append(staged[:3:3],
			"link objects/a/b/y", "fsync objects/a/b", "remove tmp")},
		{"one of two deleted", deleting(s, "a/b/x"), []string{"remove objects", "fsync objects/a/b"}},
		{"the last deleted", deleting(s, "a/b/y"), []string{"remove objects", "fsync objects/a/b", "remove objects"}},
	}
	for _, tt := range tests {
		if err := tt.do(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, m.steps()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func putting(s *Store, key, data string, opts blob.WriteOptions) func() error {
	return func() error {
		_, err := s.Put(context.Background(), key, strings.NewReader(data), opts)
		return err
	}
}

func deleting(s *Store, key string) func() error {
	return func() error { return s.Delete(context.Background(), key) }
}

// transition is what callers know: the objects before and after the call that
// is under way.
type transition struct{ before, after map[string]string }

// allows reports whether a disk with these objects keeps every promise: each
// object is as before or as after.
func (tr transition) allows(objects map[string]string) bool {
	keys := maps.Clone(objects)
	maps.Copy(keys, tr.before)
	maps.Copy(keys, tr.after)
	for key := range keys {
		if !same(objects, tr.before, key) && !same(objects, tr.after, key) {
			return false
		}
	}
	return true
}

func same(a, b map[string]string, key string) bool {
	x, inA := a[key]
	y, inB := b[key]
	return inA == inB && x == y
}

// TestPowerLoss cuts the power after every single step of a scenario and looks
// at every disk this could leave: objects are whole, acknowledged writes and
// deletions stay, and what is under way happens wholly or not at all.
func TestPowerLoss(t *testing.T) {
	s, m := openModel(t)
	know := transition{map[string]string{}, map[string]string{}}
	disks := 0
	m.after = func() {
		m.crashes(func(objects map[string]string) {
			if disks++; !know.allows(objects) {
				t.Errorf("after %q a loss of power leaves %q; before %q, after %q", m.log, objects, know.before, know.after)
			}
		})
	}
	for _, step := range []struct{ verb, key, data string }{
		{"put", "a/b/x", "one"},
		{"put", "a/b/x", "two"},
		{"new", "a/b/y", "three"},
		{"put", "z", "four"},
		{"del", "a/b/y", ""},
		{"del", "a/b/x", ""},
		{"new", "a/b/x", "five"},
		{"put", "a/c/d/e", "six"},
		{"del", "z", ""},
	} {
		do := putting(s, step.key, step.data, blob.WriteOptions{IfNotExists: step.verb == "new"})
		know.after[step.key] = step.data
		if step.verb == "del" {
			do = deleting(s, step.key)
			delete(know.after, step.key)
		}
		if err := do(); err != nil {
			t.Fatal(err)
		}
		know.before = maps.Clone(know.after) // acknowledged: there is no way back
		m.did("acknowledge")
		m.steps()
	}
	if disks < 100 {
		t.Errorf("looked at %d disks only", disks)
	}
}

// TestPowerLossBesideSlowFolder: one Put has made a folder and waits for the
// fsync of its parent; another puts an object into that folder. What the second
// acknowledges must not hang on the fsync of the first, also where the folder
// was known before and has been pruned.
func TestPowerLossBesideSlowFolder(t *testing.T) {
	var slow *stalling
	var m *model
	s, err := open(t.TempDir(), Options{}, func(root *os.Root) disk {
		m = newModel(rootDisk{root})
		slow = &stalling{disk: m, at: "objects/a", reached: make(chan struct{}), release: make(chan struct{})}
		return slow
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, do := range []func() error{putting(s, "a/b/early", "0", blob.WriteOptions{}), deleting(s, "a/b/early")} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}
	slow.armed.Store(true)
	first := make(chan error, 1)
	go func() { first <- putting(s, "a/b/first", "1", blob.WriteOptions{})() }()
	select {
	case <-slow.reached:
	case err := <-first:
		t.Fatalf("a new folder was not fsynced: %v", err)
	}
	if err := putting(s, "a/b/second", "2", blob.WriteOptions{})(); err != nil {
		t.Error(err)
	}
	m.mu.Lock()
	m.crashes(func(objects map[string]string) {
		if objects["a/b/second"] != "2" {
			t.Errorf("acknowledged, and after a loss of power there is %q", objects)
		}
	})
	m.mu.Unlock()
	close(slow.release)
	if err := <-first; err != nil {
		t.Error(err)
	}
}

// stalling lets the first fsync of one folder wait, once it is armed.
type stalling struct {
	disk
	at               string
	armed            atomic.Bool
	reached, release chan struct{}
}

func (d *stalling) syncDir(name string) error {
	if name == d.at && d.armed.CompareAndSwap(true, false) {
		close(d.reached)
		<-d.release
	}
	return d.disk.syncDir(name)
}

// TestFolderIsHeldWhileAnObjectMovesIn: from the making of a folder until the
// object is in it, nobody can remove the folder.
func TestFolderIsHeldWhileAnObjectMovesIn(t *testing.T) {
	s, m := openModel(t)
	looked := 0
	m.after = func() {
		if strings.Contains(m.log[len(m.log)-1], "objects/") {
			if looked++; s.tree.TryLock() {
				s.tree.Unlock()
				t.Errorf("after %q a folder can be removed", m.log)
			}
		}
	}
	for _, opts := range []blob.WriteOptions{{}, {IfNotExists: true}} {
		if err := putting(s, fmt.Sprintf("a/%v/x", opts.IfNotExists), "data", opts)(); err != nil {
			t.Fatal(err)
		}
	}
	if looked < 6 {
		t.Errorf("looked %d times only", looked)
	}
}
