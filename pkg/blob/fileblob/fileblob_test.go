package fileblob

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/blob/blobtest"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDirEnv); dir != "" {
		os.Exit(writeUntilKilled(dir))
	}
	goleak.VerifyTestMain(m)
}

func TestConformance(t *testing.T) {
	blobtest.RunConformance(t, func(t *testing.T) blobtest.Harness {
		return blobtest.Harness{Store: mustOpen(t, t.TempDir(), Options{})}
	})
}

func mustOpen(t *testing.T, dir string, opts Options) *Store {
	t.Helper()
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	s, err := Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func put(t *testing.T, s *Store, key, data string) blob.Info {
	t.Helper()
	info, err := s.Put(t.Context(), key, strings.NewReader(data), blob.WriteOptions{})
	if err != nil {
		t.Fatalf("Put(%q): %v", key, err)
	}
	return info
}

func mustRead(t *testing.T, s *Store, key string) string {
	t.Helper()
	body, _, err := s.Open(t.Context(), key, 0, -1)
	if err != nil {
		t.Fatalf("Open(%q): %v", key, err)
	}
	defer body.Close()
	data, err := io.ReadAll(body)
	if err != nil {
		t.Fatalf("reading %q: %v", key, err)
	}
	return string(data)
}

func wantFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("%s holds %q, want %q", filepath.Base(dir), got, want)
	}
}

func TestSecondOpenIsRefusedUntilClose(t *testing.T) {
	dir := t.TempDir()
	first, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(dir, Options{})
	if public := fault.Public(err); public.Kind != fault.Locked || public.Code != "data_dir_in_use" {
		t.Errorf("second Open = %v (%+v)", err, public)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	mustOpen(t, dir, Options{})
}

func TestReopenKeepsObjectsAndClearsLeftovers(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := put(t, s, "a/b.jpg", "data")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, tempDir, "LEFTOVER"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, dir, Options{})
	wantFiles(t, filepath.Join(dir, tempDir))
	if got, err := s.Stat(t.Context(), "a/b.jpg"); err != nil || got.Generation != want.Generation || mustRead(t, s, "a/b.jpg") != "data" {
		t.Errorf("after reopening: %+v, %v; want %+v", got, err, want)
	}
}

func TestClosedStoreIsUnavailable(t *testing.T) {
	s, err := Open(t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Stat(t.Context(), "x"); !errors.Is(err, blob.ErrUnavailable) {
		t.Errorf("Stat = %v", err)
	}
	if _, err := s.Put(t.Context(), "x", strings.NewReader("x"), blob.WriteOptions{}); !errors.Is(err, blob.ErrUnavailable) {
		t.Errorf("Put = %v", err)
	}
}

func TestFilesArePrivate(t *testing.T) {
	dir := t.TempDir()
	put(t, mustOpen(t, dir, Options{}), "a/b", "data")
	for name, want := range map[string]os.FileMode{"objects/a": 0o700, "objects/a/b": 0o600, "tmp": 0o700} {
		if stat, err := os.Stat(filepath.Join(dir, name)); err != nil || stat.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want %v", name, stat.Mode(), err, want)
		}
	}
}

func TestObjectFileBeginsWithItsBytes(t *testing.T) {
	dir := t.TempDir()
	put(t, mustOpen(t, dir, Options{}), "a/b", "the bytes")
	if file, err := os.ReadFile(filepath.Join(dir, "objects/a/b")); err != nil || !bytes.HasPrefix(file, []byte("the bytes{")) {
		t.Errorf("the file is %q, %v", file, err)
	}
}

func TestNothingOutsideIsReached(t *testing.T) {
	outside, dir := t.TempDir(), t.TempDir()
	secret := filepath.Join(outside, "secret")
	if err := os.WriteFile(secret, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, dir, Options{})
	for name, target := range map[string]string{"file": secret, "folder": outside, "up": "../..", "lock": "../lock"} {
		if err := os.Symlink(target, filepath.Join(dir, objectsDir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"file", "lock", "folder", "folder/secret", "up/tmp"} {
		if _, err := s.Stat(t.Context(), key); err == nil {
			t.Errorf("Stat(%q) went through a link", key)
		}
	}
	if _, err := s.Put(t.Context(), "folder/new", strings.NewReader("x"), blob.WriteOptions{}); err == nil {
		t.Error("Put wrote through a link")
	}
	if err := s.Delete(t.Context(), "folder/secret"); err == nil {
		t.Error("Delete went through a link")
	}
	if infos, err := s.List(t.Context(), "", "", 10); err != nil || len(infos) > 0 {
		t.Errorf("List = %v, %v", infos, err)
	}
	put(t, s, "file", "replaces the link, not its target")
	wantFiles(t, outside, "secret")
	if data, err := os.ReadFile(secret); err != nil || string(data) != "secret" {
		t.Errorf("the file outside is %q, %v", data, err)
	}
}

func TestDamageIsNoticed(t *testing.T) {
	dir := t.TempDir()
	var log bytes.Buffer
	s := mustOpen(t, dir, Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	for _, key := range []string{"a", "b", "c", "whole"} {
		put(t, s, key, "some data")
	}
	object := func(key string) string { return filepath.Join(dir, objectsDir, key) }
	flip := func(key string, at int64) {
		file, err := os.OpenFile(object(key), os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if _, err := file.WriteAt([]byte{0xff}, at); err != nil {
			t.Fatal(err)
		}
	}
	flip("a", 0)
	body, _, err := s.Open(t.Context(), "a", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if _, err := io.ReadAll(body); !errors.Is(err, blob.ErrChecksum) {
		t.Errorf("reading changed bytes = %v, want ErrChecksum", err)
	}
	flip("b", 15)
	if err := os.Truncate(object("c"), 5); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"b", "c"} {
		if _, err := s.Stat(t.Context(), key); !errors.Is(err, blob.ErrDamaged) || fault.KindOf(err) != fault.Internal {
			t.Errorf("Stat(%q) = %v, want ErrDamaged", key, err)
		}
	}
	infos, err := s.List(t.Context(), "", "", 1)
	if err != nil || len(infos) != 1 || infos[0].Key != "a" {
		t.Errorf("List = %v, %v", infos, err)
	}
	infos, err = s.List(t.Context(), "", "a", 1)
	if err != nil || len(infos) != 1 || infos[0].Key != "whole" {
		t.Errorf("List passes over what is damaged: %v, %v", infos, err)
	}
	if got := strings.Count(log.String(), "not a whole object"); got != 2 {
		t.Errorf("the log tells of %d damaged objects, want 2:\n%s", got, log.String())
	}
}

func TestGenerationsGrowWhateverTheClockSays(t *testing.T) {
	now := time.UnixMicro(1_000_000)
	s := mustOpen(t, t.TempDir(), Options{Now: func() time.Time { return now }})
	last := int64(0)
	for _, step := range []time.Duration{0, 0, time.Hour, -2 * time.Hour, 0, time.Minute} {
		now = now.Add(step)
		info := put(t, s, "x", "x")
		if info.Generation <= last || !info.CreatedAt.Equal(now) {
			t.Errorf("at %v: %+v, after generation %d", now, info, last)
		}
		last = info.Generation
	}
}

func TestOnFinalize(t *testing.T) {
	var told []blob.Info
	dir := t.TempDir()
	s := mustOpen(t, dir, Options{
		FinalizePrefixes: []string{"originals/", "inbox/"},
		OnFinalize: func(ctx context.Context, info blob.Info) error {
			if _, err := os.Stat(filepath.Join(dir, objectsDir, info.Key)); err != nil {
				t.Errorf("told before the object is there: %v", err)
			}
			if _, ok := ctx.Deadline(); !ok || ctx.Err() != nil {
				t.Error("the context must be alive and have a deadline")
			}
			told = append(told, info)
			return nil
		},
	})
	for _, key := range []string{"originals/a", "renditions/a", "inbox/b"} {
		put(t, s, key, "x")
	}
	if len(told) != 2 || told[0].Key != "originals/a" || told[1].Key != "inbox/b" {
		t.Errorf("told of %+v", told)
	}
	if stat, err := s.Stat(t.Context(), "inbox/b"); err != nil || stat.Generation != told[1].Generation {
		t.Errorf("told of generation %d, there is %d, %v", told[1].Generation, stat.Generation, err)
	}
}

func TestFailedOnFinalizeKeepsTheObject(t *testing.T) {
	broken := errors.New("bus down")
	s := mustOpen(t, t.TempDir(), Options{OnFinalize: func(context.Context, blob.Info) error { return broken }})
	info, err := s.Put(t.Context(), "x", strings.NewReader("data"), blob.WriteOptions{})
	if !errors.Is(err, blob.ErrUnavailable) || !errors.Is(err, broken) || info.Key != "x" {
		t.Errorf("Put = %+v, %v", info, err)
	}
	if got := mustRead(t, s, "x"); got != "data" {
		t.Errorf("read %q", got)
	}
}
