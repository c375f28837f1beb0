package folder_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sajin-gallery/sajin/services/sajin/internal/folder"
	"github.com/sajin-gallery/sajin/services/sajin/internal/intake"
)

func write(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		at := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte("0123456789"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	trip := filepath.Join(dir, "Trip")
	write(t, trip, "a.JPG", "day 1/b.png", "day 1/deep/c.heic", "notes.txt", ".hidden.jpg", ".git/d.jpg", "@eaDir/e.jpg", "Thumbs.db")
	write(t, dir, "single.raw", "elsewhere/f.jpg")
	if err := os.Symlink(filepath.Join(dir, "elsewhere"), filepath.Join(trip, "link")); err != nil {
		t.Fatal(err)
	}
	found, err := folder.Find(t.Context(), "2026", trip, filepath.Join(dir, "single.raw"), filepath.Join(trip, "a.JPG"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, i := range found.Items {
		got = append(got, i.File.Name+" in "+i.File.Album)
		if i.File.Size != 10 || i.File.LastModified == "" || i.Check() != nil {
			t.Errorf("%+v", i.File)
		}
	}
	slices.Sort(got)
	want := []string{"a.JPG in 2026/Trip", "b.png in 2026/Trip/day 1", "c.heic in 2026/Trip/day 1/deep", "single.raw in 2026"}
	if !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
	if !slices.Equal(found.Other, []string{filepath.Join(trip, "notes.txt")}) || len(found.Unread) != 0 {
		t.Errorf("others %q, unread %v", found.Other, found.Unread)
	}
}

// A film goes with the picture beside it, the one that a telephone makes rather
// than its copy, and without one only where it was named.
func TestFindPairs(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a/IMG_1.MOV", "a/IMG_1.jpg", "a/IMG_1.HEIC", "a/IMG_2.mov", "a/IMG_3.png", "a/IMG_3.mov", "b/IMG_1.mov", "alone.mov")
	found, err := folder.Find(t.Context(), "", filepath.Join(dir, "a"), filepath.Join(dir, "b"), filepath.Join(dir, "alone.mov"), filepath.Join(dir, "a", "IMG_1.MOV"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, i := range found.Items {
		got[i.File.Name] = filepath.Base(i.FilmOf)
	}
	if want := map[string]string{"IMG_1.jpg": ".", "IMG_1.HEIC": ".", "IMG_3.png": ".", "IMG_1.MOV": "IMG_1.HEIC", "alone.mov": "."}; !maps.Equal(got, want) || len(found.Items) != len(want) {
		t.Errorf("found %v, want %v", got, want)
	}
	if len(found.Other) != 3 {
		t.Errorf("left out %q, want the three films without a picture", found.Other)
	}
}

func TestFindOfNothing(t *testing.T) {
	if _, err := folder.Find(t.Context(), "", filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := folder.Find(ctx, "", t.TempDir()); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestItemNoticesChanges(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "a.jpg")
	found, err := folder.Find(t.Context(), "", filepath.Join(dir, "a.jpg"))
	if err != nil {
		t.Fatal(err)
	}
	item := found.Items[0]
	r, err := item.Open(4)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || string(got) != "456789" {
		t.Errorf("from 4 on: %q, %v", got, err)
	}
	_ = r.Close()
	if err := os.WriteFile(filepath.Join(dir, "a.jpg"), []byte("longer than before"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := item.Check(); !errors.Is(err, intake.ErrChanged) {
		t.Errorf("changed: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "a.jpg")); err != nil {
		t.Fatal(err)
	}
	if err := item.Check(); err == nil {
		t.Error("a file that is gone is unchanged")
	}
	if _, err := item.Open(0); err == nil {
		t.Error("a file that is gone was opened")
	}
}
