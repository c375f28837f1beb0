package fileblob_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/blob/blobtest"
	"github.com/sajin-gallery/sajin/pkg/blob/fileblob"
)

// A part of a store does as an inbox as well as a folder.
func TestStoreInbox(t *testing.T) {
	blobtest.RunInbox(t, func(t *testing.T) blobtest.InboxHarness {
		s, _ := openInbox(t, t.TempDir())
		return blobtest.InboxIn(t, s)
	})
}

func openInbox(t *testing.T, dir string) (*fileblob.Store, *fileblob.Inbox) {
	t.Helper()
	s, err := fileblob.Open(dir, fileblob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	inbox, err := s.Inbox("local")
	if err != nil {
		t.Fatal(err)
	}
	return s, inbox
}

func TestFolderInbox(t *testing.T) {
	for name, test := range blobtest.InboxTests() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir := t.TempDir()
				s, inbox := openInbox(t, dir)
				test(t, blobtest.InboxHarness{
					Store: s, Inbox: inbox,
					Put: func(name string, data []byte) { write(t, filepath.Join(dir, "inbox", name), data) },
					Settle: func() {
						if _, _, err := inbox.Waiting(t.Context(), "", 1); err != nil {
							t.Error(err)
						}
						time.Sleep(blob.InboxSettle) // the bubble's clock
					},
					Aside: func() [][]byte { return contents(t, filepath.Join(dir, "inbox-refused")) },
				})
			})
		})
	}
}

func write(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func contents(t *testing.T, dir string) (all [][]byte) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		all = append(all, data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A file is listed when it has been left alone for long enough, and not while
// it is being copied, however long that takes.
func TestAFileThatIsBeingCopiedWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		_, inbox := openInbox(t, dir)
		want := func(found, young int) {
			t.Helper()
			files, y, err := inbox.Waiting(t.Context(), "", 10)
			if err != nil || len(files) != found || y != young {
				t.Errorf("%d found, %d young, %v; want %d, %d", len(files), y, err, found, young)
			}
		}
		content := []byte("x")
		for range 5 {
			write(t, filepath.Join(dir, "inbox", "local", "a.jpg"), content)
			content = append(content, 'x')
			want(0, 1)
			time.Sleep(blob.InboxSettle - 1)
			want(0, 1)
		}
		time.Sleep(time.Nanosecond)
		want(1, 0)
		if err := os.Symlink("/etc/passwd", filepath.Join(dir, "inbox", "local", "link.jpg")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * blob.InboxSettle)
		want(1, 0)
	})
}

// One folder that cannot be read, such as one with a name that an old system
// wrote in another encoding, keeps no other from being taken in.
func TestAFolderWithAForeignNameIsPassedOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		_, inbox := openInbox(t, dir)
		foreign := filepath.Join(dir, "inbox", "local", "M\xfcnchen")
		if err := os.MkdirAll(foreign, 0o700); err != nil {
			t.Skip("the file system takes no such name:", err)
		}
		write(t, filepath.Join(foreign, "a.jpg"), []byte("x"))
		write(t, filepath.Join(dir, "inbox", "local", "z.jpg"), []byte("x"))
		for _, want := range []int{0, 1} {
			files, _, err := inbox.Waiting(t.Context(), "", 10)
			if err != nil || len(files) != want {
				t.Errorf("found %v, %v; want %d", files, err, want)
			}
			time.Sleep(blob.InboxSettle)
		}
	})
}
