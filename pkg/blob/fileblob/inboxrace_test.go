package fileblob

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sajin-gallery/sajin/pkg/blob"
)

// meanwhile is a disk on which somebody else does something just before the first
// change to a file.
type meanwhile struct {
	disk
	at string
	do func()
}

func (m *meanwhile) strike(name string) {
	if do := m.do; do != nil && name == m.at {
		m.do = nil
		do()
	}
}

func (m *meanwhile) rename(from, to string) error {
	m.strike(from)
	return m.disk.rename(from, to)
}

func (m *meanwhile) remove(name string) error {
	m.strike(name)
	return m.disk.remove(name)
}

// inboxWith is an inbox with a file that was listed, and what somebody does to it
// from then on.
func inboxWith(t *testing.T, content string, do func(file string)) (*Inbox, blob.Info, string) {
	t.Helper()
	dir := t.TempDir()
	name := filepath.Join(dir, "inbox", "local", "a.jpg")
	m := &meanwhile{at: "inbox/local/a.jpg"}
	s, err := open(dir, Options{Log: slog.New(slog.DiscardHandler)}, func(root *os.Root) disk {
		m.disk = rootDisk{root}
		return m
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	inbox, err := s.Inbox("local")
	if err != nil {
		t.Fatal(err)
	}
	dropFile(t, name, content)
	found := listed(t, inbox)
	if len(found) != 1 {
		t.Fatalf("listed are %+v", found)
	}
	m.do = func() { do(name) }
	return inbox, found[0], dir
}

func dropFile(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name+".new", []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatal(err)
	}
}

// listed is what lies there once it has settled.
func listed(t *testing.T, inbox *Inbox) []blob.Info {
	t.Helper()
	for range 2 {
		if _, _, err := inbox.Waiting(t.Context(), "", 10); err != nil {
			t.Fatal(err)
		}
		time.Sleep(blob.InboxSettle)
	}
	found, young, err := inbox.Waiting(t.Context(), "", 10)
	if err != nil || young > 0 {
		t.Fatalf("%d are young, %v", young, err)
	}
	return found
}

// lying are the files below a folder, by what is in them.
func lying(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, entry os.DirEntry, err error) error {
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		short, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if strings.HasPrefix(entry.Name(), ".") && short != "." {
				out[short] = "a folder that was left"
			}
			return nil
		}
		data, err := os.ReadFile(name)
		out[string(data)] = short
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// What somebody puts in the place of a file at the very moment that it is removed,
// or moved aside, is another file: it stays, and is listed.
func TestAFileThatIsReplacedWhileItLeavesStays(t *testing.T) {
	for what, act := range map[string]func(*Inbox, context.Context, blob.Info) error{"Remove": (*Inbox).Remove, "Refuse": (*Inbox).Refuse} {
		for how, do := range map[string]func(t *testing.T, name string){
			"replaced":            func(t *testing.T, name string) { dropFile(t, name, "second") },
			"replaced by a twin":  func(t *testing.T, name string) { twin(t, name, "secon2") },
			"removed and written": func(t *testing.T, name string) { _ = os.Remove(name); dropFile(t, name, "second") },
			"written to":          func(t *testing.T, name string) { appendTo(t, name, "second") },
		} {
			t.Run(what+"/"+how, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					inbox, file, dir := inboxWith(t, "first!", func(name string) { do(t, name) })
					if err := act(inbox, t.Context(), file); err != nil {
						t.Errorf("%s: %v", what, err)
					}
					there := lying(t, filepath.Join(dir, "inbox"))
					if len(there) != 1 || there["first!"] != "" {
						t.Errorf("in the inbox lie %v, want only what came last", there)
					}
					if aside := lying(t, filepath.Join(dir, "inbox-refused")); len(aside) > 0 {
						t.Errorf("aside lie %v", aside)
					}
					found := listed(t, inbox)
					if len(found) != 1 || found[0].Key != "local/a.jpg" || found[0].Generation == file.Generation {
						t.Errorf("listed are %+v, was %+v", found, file)
					}
				})
			})
		}
	}
}

// twin puts a file there of the same size and date, as tools do that keep dates.
func twin(t *testing.T, name, content string) {
	t.Helper()
	stat, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	dropFile(t, name, content)
	if err := os.Chtimes(name, stat.ModTime(), stat.ModTime()); err != nil {
		t.Fatal(err)
	}
}

func appendTo(t *testing.T, name, content string) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString(content)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// What a process left behind that ended while a file was leaving is there again,
// beside what has come to its place.
func TestAFileThatWasLeavingIsPutBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		before, _, dir := inboxWith(t, "new", func(string) {})
		for folder, name := range map[string]string{leavingPrefix + "1": "a.jpg", leavingPrefix + "2": "b.jpg", ".other": "c.jpg"} {
			if err := os.Mkdir(filepath.Join(dir, "inbox", "local", folder), 0o700); err != nil {
				t.Fatal(err)
			}
			dropFile(t, filepath.Join(dir, "inbox", "local", folder, name), "old "+name)
		}
		if err := before.store.Close(); err != nil {
			t.Fatal(err)
		}
		s, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		inbox, err := s.Inbox("local")
		if err != nil {
			t.Fatal(err)
		}
		there := lying(t, filepath.Join(dir, "inbox", "local"))
		if there["new"] != "a.jpg" || there["old b.jpg"] != "b.jpg" || !strings.HasPrefix(there["old a.jpg"], "a-") || there["old c.jpg"] != ".other/c.jpg" || len(there) != 5 {
			t.Errorf("there lie %v", there)
		}
		if found := listed(t, inbox); len(found) != 3 {
			t.Errorf("listed are %+v", found)
		}
	})
}
