package acceptance

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/gormdb"
	"github.com/sajin-gallery/sajin/pkg/httpx/loopback"
	"github.com/sajin-gallery/sajin/services/sajin/internal/stack"
)

// memoryLimit: eight photographs of 40 megapixels at once in a process that may
// have 512 MiB. They are taken, or refused for the time being; it lives.
func memoryLimit(t *testing.T) {
	t.Run("AllInOne", func(t *testing.T) {
		d := startAllInOneWith(t, patientDecoder)
		squeeze(t, d, d.Process)
	})
	t.Run("Split", func(t *testing.T) {
		d := startStack(t, stack.Options{FakePubSub: true, Upload: []string{patientDecoder}}).(split)
		squeeze(t, d, d.Process("upload"))
	})
}

// patientDecoder keeps a machine that does much else from taking a large
// photograph for one that cannot be decoded.
const patientDecoder = "SAJIN_UPLOAD_DERIVE_TIMEOUT=3m"

// squeeze does it to the process of a gallery that decodes.
func squeeze(t *testing.T, d deployment, p *stack.Process) {
	t.Helper()
	pid, v := p.PID(), faulty(t, d)
	limitMemory(t, pid, maxBusyMiB<<20)
	base := photo(t, v.seed, shot{width: 7680, height: 5216}).data
	var mu sync.Mutex
	var clients sync.WaitGroup
	for i := range uint64(8) {
		f := file{name: "large.jpg", data: withComment(base, v.seed+i)}
		clients.Go(func() {
			_, results, err := v.tryUpload(t.Context(), f)
			switch {
			case err != nil || len(results) != 1:
				t.Errorf("photograph %d: %+v %v", i, results, err)
			case results[0].ID != "":
				mu.Lock()
				defer mu.Unlock()
				v.acknowledged[results[0].ID] = f.sha256()
			case results[0].Problem == nil || results[0].Problem.Status != http.StatusServiceUnavailable:
				t.Errorf("photograph %d: %+v", i, results[0].Problem)
			}
		})
	}
	clients.Wait()
	t.Logf("%d of 8 taken, %d MiB at most", len(v.acknowledged), memory(t, pid, "VmHWM"))
	for id := range v.acknowledged {
		v.ready(t, id)
	}
	select {
	case <-p.Exited():
		t.Error("the process is gone")
	default:
	}
	v.sound(t, d)
}

// limitMemory puts a process into a group that may have so many bytes.
func limitMemory(t *testing.T, pid int, limit int64) {
	t.Helper()
	group := filepath.Join("/sys/fs/cgroup/memory", fmt.Sprint("sajin-test-", pid))
	if err := os.Mkdir(group, 0o755); err != nil {
		t.Skipf("the memory of a process cannot be limited here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Rmdir(group) })
	for name, value := range map[string]int64{"memory.limit_in_bytes": limit, "cgroup.procs": int64(pid)} {
		if err := os.WriteFile(filepath.Join(group, name), strconv.AppendInt(nil, value, 10), 0o600); err != nil {
			t.Skipf("the memory of a process cannot be limited here: %v", err)
		}
	}
}

// fewFiles: with hardly a file left to open, what cannot be done is refused or
// cut off; then it goes on. What could not be removed of a refused upload is left
// to the sweep.
func fewFiles(t *testing.T) {
	d := startAllInOneWith(t, "SAJIN_UPLOAD_SWEEP_EVERY=2s", "SAJIN_UPLOAD_SWEEP_AGE=1s")
	v := faulty(t, d)
	v.canary(t)
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", d.PID()))
	if err != nil {
		t.Skip("open files are counted in /proc, which is not here")
	}
	limit := max(64, len(open)+12)
	if out, err := exec.CommandContext(t.Context(), "prlimit", "--pid", strconv.Itoa(d.PID()), fmt.Sprintf("--nofile=%d:%d", limit, limit)).CombinedOutput(); err != nil {
		t.Skipf("open files cannot be limited here: %v %s", err, out)
	}
	var clients sync.WaitGroup
	var mu sync.Mutex
	for i := range uint64(2 * limit) {
		f := photo(t, v.seed+500+i, shot{width: 64, height: 48})
		clients.Go(func() {
			ctx := t.Context()
			_, results, err := v.tryUpload(ctx, f)
			if err == nil && len(results) == 1 && results[0].ID != "" {
				mu.Lock()
				defer mu.Unlock()
				v.acknowledged[results[0].ID] = f.sha256()
			}
		})
	}
	clients.Wait()
	t.Logf("with %d files at most, %d of %d uploads were taken", limit, len(v.acknowledged), 2*limit)
	v.page.CloseIdleConnections()
	v.recovers(t)
	v.sound(t, d)
}

// refusesToStart starts a second program and gives what it says when it ends.
func refusesToStart(t *testing.T, dir string) string {
	t.Helper()
	addr, err := loopback.Free(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	p := stack.NewProcess("sajin", filepath.Join(binaries, "sajin"), addr, &said, "SAJIN_DATA_DIR="+dir)
	t.Cleanup(func() { _ = p.Kill() })
	if err := p.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "exit status 1") {
		t.Fatalf("it started, or did not say why: %v, %s", err, said.String())
	}
	return said.String()
}

// readOnly: on a folder where nothing can be written it does not start, and says
// so.
func readOnly(t *testing.T) {
	dir := smallDisk(t, "size=1m")
	if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Skipf("a disk cannot be made read-only here: %v", err)
	}
	if said := refusesToStart(t, filepath.Join(dir, "data")); !strings.Contains(said, "read-only") {
		t.Errorf("it said %s", said)
	}
}

// twoProcesses: the second on a folder ends with the reason, the first goes on.
func twoProcesses(t *testing.T) {
	d := startAllInOneWith(t)
	v := faulty(t, d)
	if said := refusesToStart(t, d.dir); !strings.Contains(said, "Another process is using") {
		t.Errorf("it said %s", said)
	}
	v.sound(t, d)
}

// laterData: a program does not touch what a later one has arranged. In the
// split deployment that is the catalog's alone; the others go on without it.
func laterData(t *testing.T) {
	t.Run("AllInOne", func(t *testing.T) {
		d := startAllInOneWith(t)
		arrangedLater(t, d, func() {
			d.stop(t)
			defer d.start(t)
			arrange(t, d, later)
			defer arrange(t, d, notLater)
			if said := refusesToStart(t, d.dir); !strings.Contains(said, "later version") {
				t.Errorf("it said %s", said)
			}
		})
	})
	t.Run("Split", func(t *testing.T) {
		d := startMortal(t).(split)
		arrangedLater(t, d, func() {
			catalog := d.Process("catalog")
			stopAll(t, catalog)
			defer startAll(t, catalog)
			arrange(t, d, later)
			defer arrange(t, d, notLater)
			if err := catalog.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "exit status 1") {
				t.Errorf("the older catalog started, or did not end: %v", err)
			}
		})
	})
}

// What a later program does to the catalog's database, and back.
const (
	later    = "INSERT INTO catalog_migrations (version_id, is_applied) VALUES (99999, 1)"
	notLater = "DELETE FROM catalog_migrations WHERE version_id = 99999"
)

// arrangedLater holds a gallery to have kept everything when it was later.
func arrangedLater(t *testing.T, d deployment, meanwhile func()) {
	t.Helper()
	v := faulty(t, d)
	v.canary(t)
	meanwhile()
	v.sound(t, d)
}

// arrange changes a gallery's database behind its back.
func arrange(t *testing.T, d deployment, statement string) {
	t.Helper()
	db, err := gormdb.Open(t.Context(), d.places().Database, gormdb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer gormdb.Close(db)
	if err := db.Exec(statement).Error; err != nil {
		t.Fatal(err)
	}
}
