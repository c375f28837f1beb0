package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/pkg/platform"
)

// serving runs a gallery over a data folder until stop, with more variables.
func serving(t *testing.T, dir string, environ ...string) (h http.Handler, stop func()) {
	t.Helper()
	var c configuration
	if err := c.load(append([]string{"SAJIN_DATA_DIR=" + dir, "SAJIN_LOG_LEVEL=error"}, environ...)); err != nil {
		t.Fatal(err)
	}
	if err := platform.MakeDataDir(dir); err != nil {
		t.Fatal(err)
	}
	adapters, err := everything.Open(t.Context(), c.adapters, platform.Events|platform.Media|platform.Database)
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	g, err := compose(ctx, c, adapters, nil)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- g.Run(ctx) }()
	return g.Handler(), func() {
		end()
		if err := <-ended; err != nil {
			t.Errorf("the gallery ended with %v", err)
		}
		adapters.Close()
	}
}

// picture is a small JPEG, another for every n.
func picture(t *testing.T, n int) []byte {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, 16, 16))
	for i := range m.Pix {
		m.Pix[i] = uint8(n * i)
	}
	m.Set(n%16, n/16%16, color.White)
	var out bytes.Buffer
	if err := jpeg.Encode(&out, m, nil); err != nil {
		t.Fatal(err)
	}
	return fmt.Appendf(out.Bytes(), "%d", n)
}

func add(t *testing.T, h http.Handler, from, to int) {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for n := from; n < to; n++ {
		part, err := form.CreateFormFile("file", fmt.Sprintf("%d.jpg", n))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = part.Write(picture(t, n))
	}
	_ = form.Close()
	r := httptest.NewRequest(http.MethodPost, "http://127.0.0.1:8080/api/v1/images", &body)
	r.Header.Set("Content-Type", form.FormDataContentType())
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code >= 300 {
		t.Fatalf("adding pictures: %d %s", w.Code, w.Body)
	}
}

// listed waits until the gallery lists n pictures that are all ready, and
// returns them as they are listed.
func listed(t *testing.T, h http.Handler, n int) []map[string]any {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://127.0.0.1:8080/api/v1/images?limit=200", http.NoBody))
		var page struct{ Images []map[string]any }
		if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		waiting := slices.ContainsFunc(page.Images, func(i map[string]any) bool { return i["state"] != "ready" })
		if len(page.Images) == n && !waiting {
			return page.Images
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%d pictures are listed, want %d that are ready", len(page.Images), n)
		}
	}
}

// run runs a command as a person would.
func run(t *testing.T, args ...string) (out, problem string, code int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = sajin(args, &stdout, &stderr)
	return stdout.String(), stderr.String(), code
}

// The catalog is made again from what is in the store, as often as one likes.
func TestRebuild(t *testing.T) {
	dir := t.TempDir()
	h, stop := serving(t, dir)
	add(t, h, 0, 30)
	before := listed(t, h, 30)
	if _, problem, code := run(t, "rebuild", "-data", dir); code != 1 || !strings.Contains(problem, "the gallery is running") {
		t.Errorf("beside a gallery: %d %s", code, problem)
	}
	stop()
	for _, name := range []string{"catalog.db", "catalog.db-wal", "catalog.db-shm"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct{ flag, want string }{
		{"-dry-run", "30 manifests: 30 added, 0 known already"},
		{"--dry-run", "30 manifests: 30 added, 0 known already"},
		{"", "30 manifests: 30 added, 0 known already"},
		{"", "30 manifests: 0 added, 30 known already"},
	} {
		args := slices.DeleteFunc([]string{"rebuild", tt.flag, "-data", dir}, func(s string) bool { return s == "" })
		if out, problem, code := run(t, args...); code != 0 || !strings.Contains(out, tt.want) {
			t.Errorf("%v: %d %s%s, want %q", args, code, out, problem, tt.want)
		}
	}
	h, stop = serving(t, dir)
	defer stop()
	if diff := cmp.Diff(before, listed(t, h, 30)); diff != "" {
		t.Errorf("the list is another (-before +after):\n%s", diff)
	}
}

func inOrder(lines string) string {
	return strings.Join(slices.Sorted(strings.Lines(lines)), "")
}

// A dry run says exactly what the sweep then does, several at a time.
func TestSweepSaysWhatItDoes(t *testing.T) {
	t.Setenv("SAJIN_UPLOAD_SWEEP_AGE", "1ns")
	dir := t.TempDir()
	h, stop := serving(t, dir)
	add(t, h, 0, 2)
	listed(t, h, 2)
	stop()
	leave(t, dir, picture(t, 100))
	leave(t, dir, []byte("\xff\xd8\xffnothing"))
	dry, problem, code := run(t, "sweep", "-all", "--dry-run", "-data", dir)
	if code != 0 {
		t.Fatalf("%d %s%s", code, dry, problem)
	}
	again, _, _ := run(t, "sweep", "--all", "-dry-run", "-data", dir)
	did, problem, code := run(t, "sweep", "-all", "-data", dir)
	if said := strings.TrimSuffix(dry, "This was a dry run: nothing was changed.\n"); code != 0 || inOrder(said) != inOrder(did) || again != dry {
		t.Errorf("said\n%s\nand again\n%s\nand did\n%s%s", dry, again, did, problem)
	}
	if !strings.Contains(did, "2 processed") || !strings.Contains(did, "2 published again") || !strings.Contains(did, "process originals/20260102/") {
		t.Errorf("did\n%s", did)
	}
	h, stop = serving(t, dir)
	defer stop()
	listed(t, h, 3)
	if _, problem, code := run(t, "sweep", "-data", dir); code != 1 || !strings.Contains(problem, "the gallery is running") {
		t.Errorf("beside a gallery: %d %s", code, problem)
	}
}

// What is in the trash for too long is deleted for good, its files too.
func TestPurgeEmptiesTheTrash(t *testing.T) {
	dir := t.TempDir()
	h, stop := serving(t, dir)
	add(t, h, 0, 2)
	old, _ := listed(t, h, 2)[0]["id"].(string)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodDelete, "http://127.0.0.1:8080/api/v1/images/"+old, http.NoBody))
	if w.Code >= 300 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if _, problem, code := run(t, "purge", "-data", dir); code != 1 || !strings.Contains(problem, "the gallery is running") {
		t.Errorf("beside a gallery: %d %s", code, problem)
	}
	stop()
	if out, problem, code := run(t, "purge", "-data", dir); code != 0 || !strings.HasPrefix(out, "0 images purged") {
		t.Errorf("too early: %d %s%s", code, out, problem)
	}
	if err := age(dir, 31*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	if out, problem, code := run(t, "purge", "-data", dir); code != 0 || !strings.HasPrefix(out, "purge "+old+" ") || !strings.Contains(out, "\n1 images purged, 0 old changes and 0 old events forgotten, 1 messages passed on\n") {
		t.Errorf("%d %s%s", code, out, problem)
	}
	h, stop = serving(t, dir)
	defer stop()
	if left, _ := listed(t, h, 1)[0]["id"].(string); left == old {
		t.Error("the other picture was purged")
	}
	gone := func() bool {
		found, err := filepath.Glob(filepath.Join(dir, "media", "originals", "*", old+"*"))
		return err == nil && len(found) == 0
	}
	for deadline := time.Now().Add(30 * time.Second); !gone(); <-time.After(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the files of the purged picture are still there")
		}
	}
}

func TestMigrateSaysFromWhereToWhere(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct{ flag, want string }{
		{"-dry-run", `^catalog: at version 0, to be brought to [1-9]\d*\nThis was a dry run: nothing was changed\.\n$`},
		{"", `^catalog: brought from version 0 to [1-9]\d*\n$`},
		{"", `^catalog: up to date at version [1-9]\d*\n$`},
		{"-dry-run", `^catalog: up to date at version [1-9]\d*\nThis was a dry run`},
	} {
		args := slices.DeleteFunc([]string{"migrate", tt.flag, "-data", dir}, func(s string) bool { return s == "" })
		out, problem, code := run(t, args...)
		if code != 0 || !regexp.MustCompile(tt.want).MatchString(out) {
			t.Errorf("%v: %d %q %s, want %s", args, code, out, problem, tt.want)
		}
	}
	t.Setenv("SAJIN_AUTH", "password") // then there are accounts to keep
	if out, problem, code := run(t, "migrate", "-data", dir); code != 0 || !strings.Contains(out, "\nweb: brought from version 0 to ") {
		t.Errorf("with accounts: %d %s%s", code, out, problem)
	}
	t.Setenv("SAJIN_AUTH", "")
	_, stop := serving(t, dir) // beside a gallery it may run
	defer stop()
	if out, problem, code := run(t, "migrate", "-data", dir); code != 0 {
		t.Errorf("beside a gallery: %d %s%s", code, out, problem)
	}
}

// A job in a cluster is told of the databases alone, and has nothing to write to.
func TestMigrateNeedsNoDisk(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "no folder")
	if err := os.WriteFile(folder, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	databases := t.TempDir()
	t.Setenv("SAJIN_DATABASE_URL", "sqlite://"+filepath.Join(databases, "catalog.db"))
	t.Setenv("SAJIN_WEB_DATABASE_URL", "sqlite://"+filepath.Join(databases, "accounts.db"))
	if out, problem, code := run(t, "migrate", "-data", folder); code != 0 || !strings.Contains(out, "catalog: brought") || !strings.Contains(out, "web: brought") {
		t.Errorf("%d %s%s", code, out, problem)
	}
}

// leave stores an original as a process does that ends right after.
func leave(t *testing.T, dir string, content []byte) {
	t.Helper()
	var c platform.Config
	if err := c.Embedded(dir); err != nil {
		t.Fatal(err)
	}
	a, err := everything.Open(t.Context(), c, platform.Media)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	id := identity.NewImageID(at)
	_, err = a.Media.Put(t.Context(), contract.OriginalKey(id, at, ".jpg"), bytes.NewReader(content),
		blob.WriteOptions{ContentType: "image/jpeg", Metadata: map[string]string{"owner": "local", "name": "left.jpg"}})
	if err != nil {
		t.Fatal(err)
	}
}

func TestUpkeepTakesNoOtherWords(t *testing.T) {
	for _, command := range []string{"sweep", "rebuild", "purge", "migrate"} {
		if _, problem, code := run(t, command, "everything"); code != 2 || !strings.Contains(problem, "one word too many") {
			t.Errorf("%s: %d %s", command, code, problem)
		}
		if out, _, code := run(t, command, "-h"); code != 0 || !strings.Contains(out, "sajin "+command) {
			t.Errorf("%s -h: %d %s", command, code, out)
		}
	}
}
