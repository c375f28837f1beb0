package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/sajin-gallery/sajin/pkg/gormdb"
	"github.com/sajin-gallery/sajin/pkg/gormdb/mysqltest"
	"github.com/sajin-gallery/sajin/pkg/httpx/loopback"
	"github.com/sajin-gallery/sajin/services/sajin/internal/stack"
	"github.com/sajin-gallery/sajin/services/upload"
)

func TestMain(m *testing.M) {
	upload.ImageWorker()
	testscript.Main(m, map[string]func(){
		"sajin": func() { os.Exit(sajin(os.Args[1:], os.Stdout, os.Stderr)) },
	})
}

// TestScripts runs the command line as a person would.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			addr, err := loopback.Free(t.Context())
			env.Setenv("FREE_ADDR", addr)
			return err
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"ready": ready, "photos": photos, "exec-status": execStatus, "corrupt": corrupt, "grep-in": grepIn, "albums": albums, "django": django,
			"status": status, "signin": signIn, "token": makeToken, "trash": trash, "aged": aged, "set-aside": setAside,
		},
	})
}

// photos writes photographs that differ from each other; "a.jpg=b.jpg" makes a
// copy of another one.
func photos(ts *testscript.TestScript, _ bool, args []string) {
	for i, arg := range args {
		name, from, twin := strings.Cut(arg, "=")
		path := ts.MkAbs(name)
		ts.Check(os.MkdirAll(filepath.Dir(path), 0o700))
		if twin {
			ts.Check(os.WriteFile(path, []byte(ts.ReadFile(from)), 0o600))
			continue
		}
		img := image.NewGray(image.Rect(0, 0, 64+i, 48))
		for at := range img.Pix {
			img.Pix[at] = byte(at * (i + 3))
		}
		var out bytes.Buffer
		ts.Check(jpeg.Encode(&out, img, nil))
		ts.Check(os.WriteFile(path, out.Bytes(), 0o600))
	}
}

// corrupt flips a bit in the first file below a folder.
func corrupt(ts *testscript.TestScript, _ bool, args []string) {
	done := errors.New("done")
	err := filepath.WalkDir(ts.MkAbs(args[0]), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		ts.Check(err)
		raw[len(raw)/3] ^= 1
		ts.Check(os.WriteFile(path, raw, 0o600))
		return done
	})
	if !errors.Is(err, done) {
		ts.Fatalf("nothing was corrupted: %v", err)
	}
}

// grepIn finds a pattern in some file below a folder.
func grepIn(ts *testscript.TestScript, _ bool, args []string) {
	pattern, found := regexp.MustCompile(args[1]), false
	ts.Check(filepath.WalkDir(ts.MkAbs(args[0]), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		found = found || pattern.Match(raw)
		return err
	}))
	if !found {
		ts.Fatalf("no file below %s has %s", args[0], args[1])
	}
}

// django makes a table of pictures as Django does, of the paths given, in a
// database whose address is then in $DSN.
func django(ts *testscript.TestScript, _ bool, args []string) {
	dir, err := os.MkdirTemp("", "sajin-db-") // a socket's path must be short
	ts.Check(err)
	ts.Defer(func() { _ = os.RemoveAll(dir) })
	server, err := mysqltest.Start(context.Background(), dir)
	ts.Check(err)
	ts.Defer(func() { _ = server.Close() })
	address, err := server.CreateDatabase(context.Background(), "photos")
	ts.Check(err)
	ts.Setenv("DSN", address)
	db, err := gormdb.Open(context.Background(), address, gormdb.Options{})
	ts.Check(err)
	ts.Check(db.Exec("CREATE TABLE t_images (id int AUTO_INCREMENT PRIMARY KEY, image varchar(100) NOT NULL, creation_date datetime(6) NOT NULL)").Error)
	for _, path := range args {
		ts.Check(db.Exec("INSERT INTO t_images (image, creation_date) VALUES (?, '2019-05-04 01:02:03')", path).Error)
	}
	pool, err := db.DB()
	ts.Check(err)
	ts.Check(pool.Close())
}

// albums waits until the gallery at $FREE_ADDR has these albums, each with so many
// pictures, and no others: it learns of them when the pictures are processed.
func albums(ts *testscript.TestScript, _ bool, args []string) {
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		got := albumsOf(ts)
		if slices.Equal(got, args) {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("the albums are %v, want %v", got, args)
		}
	}
}

func albumsOf(ts *testscript.TestScript) (out []string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+ts.Getenv("FREE_ADDR")+"/api/v1/albums", nil)
	ts.Check(err)
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer func() { _ = resp.Body.Close() }()
	var answer struct {
		Albums []struct {
			Path   string
			Images int
		}
	}
	ts.Check(json.NewDecoder(resp.Body).Decode(&answer))
	for _, a := range answer.Albums {
		out = append(out, fmt.Sprintf("%s=%d", a.Path, a.Images))
	}
	return out
}

// execStatus is exec with the exit status that must come of it.
func execStatus(ts *testscript.TestScript, _ bool, args []string) {
	err := ts.Exec(args[1], args[2:]...)
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || strconv.Itoa(exit.ExitCode()) != args[0] {
		ts.Fatalf("%v, want the status %s", err, args[0])
	}
}

// ready waits until the gallery at $FREE_ADDR is ready.
func ready(ts *testscript.TestScript, _ bool, _ []string) {
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !stack.Answers(context.Background(), "http://"+ts.Getenv("FREE_ADDR")+"/healthz/ready") {
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("the gallery was not ready in time")
		}
	}
}

// Who mistypes is told so, and not that a configuration were wrong.
func TestACommandLineThatCannotBeMeant(t *testing.T) {
	for _, args := range [][]string{{"nonsense"}, {"-nonsense"}, {"serve", "x"}, {"sweep", "x"}, {"upload"}, {"upload", "-nonsense"}, {"createuser"}} {
		_, said, code := run(t, args...)
		if code != 2 || strings.Contains(said, "configuration") || !strings.HasSuffix(said, "; sajin help says how\n") {
			t.Errorf("%q ends with %d: %s", args, code, said)
		}
	}
}
