package fileblob

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/blob"
)

// TestEveryDiskFailure fails the N-th operation on the disk, for every N of a
// scenario: the error is classified, the object is wholly old or wholly new,
// no other is harmed, and the next try succeeds.
func TestEveryDiskFailure(t *testing.T) {
	for cause, want := range map[error]error{
		syscall.EIO: blob.ErrUnavailable, syscall.ENOSPC: blob.ErrFull, syscall.EDQUOT: blob.ErrFull, syscall.EROFS: blob.ErrUnavailable,
	} {
		for _, opts := range []blob.WriteOptions{{}, {IfNotExists: true}} {
			n := 1
			for failOnce(t, n, cause, want, opts) {
				n++
			}
			if n < 5 {
				t.Errorf("only %d operations were tried", n)
			}
		}
	}
}

// failOnce reports whether there was an N-th operation.
func failOnce(t *testing.T, n int, cause, want error, opts blob.WriteOptions) (fired bool) {
	t.Helper()
	var d *failing
	dir := t.TempDir()
	s, err := open(dir, Options{}, func(root *os.Root) disk {
		d = &failing{disk: rootDisk{root}}
		return d
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	key := "new/folder/object"
	put(t, s, "other", "untouched")
	if !opts.IfNotExists {
		key = "other"
	}
	d.cause, d.left = cause, n
	_, err = s.Put(t.Context(), key, strings.NewReader("new data"), opts)
	if fired = d.left <= 0; fired && err != nil && !(errors.Is(err, want) && errors.Is(err, cause)) {
		t.Errorf("operation %d failing with %v: %v", n, cause, err)
	}
	if (!fired || d.at == "remove") != (err == nil) { // the object is there whatever becomes of its temporary name
		t.Errorf("operation %d (%s) failing: Put = %v", n, d.at, err)
	}
	if stat, statErr := s.Stat(t.Context(), key); statErr == nil {
		if got := mustRead(t, s, key); got != "new data" && (got != "untouched" || opts.IfNotExists) {
			t.Errorf("operation %d failing leaves %q: %+v", n, got, stat)
		}
	} else if err == nil || !errors.Is(statErr, blob.ErrNotFound) {
		t.Errorf("operation %d failing: Put = %v, then Stat = %v", n, err, statErr)
	}
	if d.at != "remove" {
		wantFiles(t, filepath.Join(dir, tempDir))
	}
	d.cause = nil
	if _, err := s.Put(t.Context(), key, strings.NewReader("new data"), opts); err != nil && !errors.Is(err, blob.ErrExists) {
		t.Errorf("trying again after operation %d failed: %v", n, err)
	}
	if got := mustRead(t, s, key); got != "new data" {
		t.Errorf("after trying again %q is %q", key, got)
	}
	return fired
}

// failing fails one operation, before doing it; a failing write writes half.
type failing struct {
	disk
	left  int // operations until the one that fails; inactive without a cause
	cause error
	at    string
}

func (d *failing) fail(op string) error {
	if d.cause == nil {
		return nil
	}
	if d.left--; d.left != 0 {
		return nil
	}
	d.at = op
	return &os.PathError{Op: op, Path: "x", Err: d.cause}
}

func (d *failing) create(name string) (tempFile, error) {
	if err := d.fail("create"); err != nil {
		return nil, err
	}
	file, err := d.disk.create(name)
	return &failingFile{file, d}, err
}

func (d *failing) mkdir(name string) error {
	if err := d.fail("mkdir"); err != nil {
		return err
	}
	return d.disk.mkdir(name)
}

func (d *failing) link(from, to string) error {
	if err := d.fail("link"); err != nil {
		return err
	}
	return d.disk.link(from, to)
}

func (d *failing) rename(from, to string) error {
	if err := d.fail("rename"); err != nil {
		return err
	}
	return d.disk.rename(from, to)
}

func (d *failing) remove(name string) error {
	if err := d.fail("remove"); err != nil {
		return err
	}
	return d.disk.remove(name)
}

func (d *failing) syncDir(name string) error {
	if err := d.fail("fsync folder"); err != nil {
		return err
	}
	return d.disk.syncDir(name)
}

type failingFile struct {
	tempFile
	disk *failing
}

func (f *failingFile) Write(p []byte) (int, error) {
	if err := f.disk.fail("write"); err != nil {
		n, _ := f.tempFile.Write(p[:len(p)/2])
		return n, err
	}
	return f.tempFile.Write(p)
}

func (f *failingFile) Sync() error {
	if err := f.disk.fail("fsync"); err != nil {
		return err
	}
	return f.tempFile.Sync()
}

func (f *failingFile) Close() error {
	err := f.tempFile.Close()
	return errors.Join(f.disk.fail("close"), err)
}
