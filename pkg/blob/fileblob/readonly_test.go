package fileblob_test

import (
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/blob/fileblob"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

// A reader beside the process that writes sees what that has written.
func TestReadOnlyBesideAWriter(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "media")
	if _, err := fileblob.OpenReadOnly(dir, fileblob.Options{}); fault.KindOf(err) != fault.NotFound {
		t.Errorf("of no folder: %v", err)
	}
	store, err := fileblob.Open(dir, fileblob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	reader, err := fileblob.OpenReadOnly(dir, fileblob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	for _, key := range []string{"a/1", "a/2"} {
		if _, err := store.Put(t.Context(), key, strings.NewReader("picture "+key), blob.WriteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Delete(t.Context(), "a/2"); err != nil {
		t.Fatal(err)
	}
	r, info, err := reader.Open(t.Context(), "a/1", 0, -1)
	if err != nil || info.Size != 11 {
		t.Fatalf("%+v, %v", info, err)
	}
	defer r.Close()
	if got, err := io.ReadAll(r); err != nil || string(got) != "picture a/1" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := reader.Stat(t.Context(), "a/2"); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("deleted: %v", err)
	}
	if found, err := reader.List(t.Context(), "a/", "", 10); err != nil || len(found) != 1 || found[0].Key != "a/1" {
		t.Errorf("%+v, %v", found, err)
	}
}
