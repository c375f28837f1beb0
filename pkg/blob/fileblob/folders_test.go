package fileblob

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/blob"
)

func TestDeletePrunesEmptyFoldersOnly(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir, Options{})
	for _, key := range []string{"a/b/c/d", "a/b/e", "f/g"} {
		put(t, s, key, "x")
	}
	objects := filepath.Join(dir, objectsDir)
	for _, step := range []struct {
		key     string
		dir     string
		remains []string
	}{
		{"a/b/c/d", "a/b", []string{"e"}},
		{"a/b/e", "", []string{"f"}},
		{"f/g", "", nil},
	} {
		if err := s.Delete(t.Context(), step.key); err != nil {
			t.Fatal(err)
		}
		wantFiles(t, filepath.Join(objects, step.dir), step.remains...)
	}
	for _, dir := range []string{"objects/a", "objects/a/b", "objects/f"} {
		if s.folders.isKnown(dir) {
			t.Errorf("%s is gone and still counts as durable", dir)
		}
	}
	put(t, s, "a", "where a folder was")
	put(t, s, "f/g/h", "below what was an object")
}

func TestFolderAndObjectOfOneName(t *testing.T) {
	s := mustOpen(t, t.TempDir(), Options{})
	put(t, s, "a/b", "x")
	for _, key := range []string{"a", "a/b/c", "a/b/c/d"} {
		for _, exclusive := range []bool{false, true} {
			_, err := s.Put(t.Context(), key, strings.NewReader("y"), blob.WriteOptions{IfNotExists: exclusive})
			if !errors.Is(err, blob.ErrConflict) {
				t.Errorf("Put(%q, IfNotExists %v) = %v, want ErrConflict", key, exclusive, err)
			}
		}
	}
	if got := mustRead(t, s, "a/b"); got != "x" {
		t.Errorf("a/b is %q", got)
	}
	if err := s.Delete(t.Context(), "a/b"); err != nil {
		t.Fatal(err)
	}
	put(t, s, "a/b/c/d", "a folder where the object was")
}

func TestFoldersRemovedByHandAreMadeAgain(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, dir, Options{})
	put(t, s, "a/b/c", "x")
	if err := os.RemoveAll(filepath.Join(dir, "objects/a")); err != nil {
		t.Fatal(err)
	}
	put(t, s, "a/b/d", "y")
	if got := mustRead(t, s, "a/b/d"); got != "y" {
		t.Errorf("read %q", got)
	}
}
