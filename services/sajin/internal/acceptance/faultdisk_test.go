package acceptance

import (
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/sajin-gallery/sajin/services/sajin/internal/stack"
)

// smallDisk is a folder on a disk of its own, with so many bytes or files: the
// options of a tmpfs say it.
func smallDisk(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("sajin-test", dir, "tmpfs", 0, options); err != nil {
		t.Skipf("a small disk cannot be made here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// diskFull: there are no bytes left.
func diskFull(t *testing.T) { fillDisk(t, "size=24m", 2<<20) }

// noInodes: there are bytes, but not one file more can be made.
func noInodes(t *testing.T) { fillDisk(t, "size=64m,nr_inodes=100", 0) }

// fillDisk: a full disk refuses what is new with 507, goes on showing what is
// there, and takes pictures again when some were deleted for good. Each picture
// has so many bytes behind it.
func fillDisk(t *testing.T, options string, behind int) {
	t.Helper()
	dir := smallDisk(t, options)
	data := t.TempDir()
	if err := os.Symlink(dir, filepath.Join(data, "media")); err != nil { // the rest is elsewhere
		t.Fatal(err)
	}
	d := startAt(t, data)
	t.Cleanup(func() { _ = d.Stop() })
	v := faulty(t, d)
	var ids []string
	for refused := false; !refused; {
		f := append(v.fresh(t), make([]byte, behind)...)
		status, said, results := v.send(t, upload("a.jpg", f))
		switch {
		case status == http.StatusCreated:
			ids = append(ids, results[0].ID)
		case status == http.StatusInsufficientStorage && said[0] == "storage_full":
			refused = true
		default:
			t.Fatalf("with %d pictures another was answered with %d %v", len(ids), status, said)
		}
		if len(ids) > 50 {
			t.Fatal("the disk is not full")
		}
	}
	if got := v.originalSum(t, ids[0]); got != v.acknowledged[ids[0]] {
		t.Errorf("on a full disk an original is served as %s", got)
	}
	for _, gone := range ids[len(ids)-3:] {
		v.call(t, http.MethodDelete, "/api/v1/images/"+gone, http.StatusOK)
		v.call(t, http.MethodDelete, "/api/v1/trash/"+gone, http.StatusNoContent)
		delete(v.acknowledged, gone)
	}
	v.recovers(t)
	v.sound(t, d)
}

// tempFull: the bucket has room and upload's own disk for temporary files has
// none. What is sent is safe and waits; when there is room it is processed. In
// the all-in-one originals are read where they lie.
func tempFull(t *testing.T) {
	dir := smallDisk(t, "size=8m")
	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 8<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	d := startStack(t, stack.Options{FakePubSub: true, Upload: []string{
		"SAJIN_UPLOAD_TEMP_DIR=" + dir, "SAJIN_UPLOAD_MEMORY_BYTES=16777216", // so that a file of 3 MB goes through it
		"SAJIN_UPLOAD_ANSWER_WITHIN=1s", "SAJIN_UPLOAD_SWEEP_EVERY=2s", "SAJIN_UPLOAD_SWEEP_AGE=1s",
	}})
	v := faulty(t, d)
	status, said, results := v.send(t, upload("a.jpg", append(v.fresh(t), make([]byte, 3<<20)...)))
	if status != http.StatusCreated || said[0] != "processing" {
		t.Fatalf("without room for temporary files an upload was answered with %d %v", status, said)
	}
	v.canary(t) // small files need none
	if img := v.image(t, results[0].ID); img.State != "processing" {
		t.Errorf("without room for temporary files it is %s", img.State)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	v.ready(t, results[0].ID)
	v.sound(t, d)
}

// allFull: pictures, database and events share the one disk, as they do where
// nobody says otherwise. With hardly a byte left, whoever comes to the end first,
// what is asked for is refused for the time being; when somebody makes room it goes
// on by itself.
func allFull(t *testing.T) {
	dir := smallDisk(t, "size=64m")
	d := startWith(t, filepath.Join(dir, "data"), "SAJIN_UPLOAD_SWEEP_EVERY=2s", "SAJIN_UPLOAD_SWEEP_AGE=1s", "SAJIN_UPLOAD_ANSWER_WITHIN=1s")
	t.Cleanup(func() { _ = d.Stop() })
	v := faulty(t, d)
	v.canary(t)
	filler := filepath.Join(dir, "filler")
	for room := range int64(40) {
		leaveRoom(t, filler, room<<12)
		if status, code := v.outcome(t); status != http.StatusCreated && status < 500 {
			t.Errorf("with %d KiB left an upload was answered with %d %s", room<<2, status, code)
		}
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	v.recovers(t)
	v.sound(t, d)
}

// leaveRoom fills a disk up to so many bytes.
func leaveRoom(t *testing.T, filler string, room int64) {
	t.Helper()
	if err := os.WriteFile(filler, make([]byte, 64<<20), 0o600); err == nil {
		t.Fatal("the disk is larger than its filler")
	}
	info, err := os.Stat(filler)
	if err == nil {
		err = os.Truncate(filler, max(0, info.Size()-room))
	}
	if err != nil {
		t.Fatal(err)
	}
}
