package check

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/ko/pkg/build"
	"github.com/sigstore/cosign/v3/pkg/oci"
)

// nobody is the user that distroless calls nonroot.
const nobody = 65532

// TestImages builds every image as ko does, on nothing in place of the base,
// twice; and starts what came out. As root it does so with nothing else in
// sight, as a user who may do nothing.
func TestImages(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: the images are Linux's, and are built and started there")
	}
	t.Setenv("SOURCE_DATE_EPOCH", "0")
	for program := range programs {
		t.Run(program, func(t *testing.T) {
			image := buildImage(t, program)
			first, err := image.Digest()
			if err != nil {
				t.Fatal(err)
			}
			if again, err := buildImage(t, program).Digest(); err != nil || again != first {
				t.Errorf("built twice it is %s and %s (%v)", first, again, err)
			}
			checkBill(t, image)
			dir := t.TempDir()
			unpack(t, image, dir)
			tellSize(t, image, filepath.Join(dir, "ko-app", program))
			if program == "sajin" {
				startCommand(t, dir, "/ko-app/sajin", "version")
				return
			}
			startService(t, dir, program)
		})
	}
}

// buildImage builds a program with the flags of .ko.yaml.
func buildImage(t *testing.T, program string) oci.SignedImage {
	t.Helper()
	c := ko(t)
	base, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: "linux", Architecture: runtime.GOARCH})
	if err != nil {
		t.Fatal(err)
	}
	from := module + programs[program]
	builder, err := build.NewGo(t.Context(), root,
		build.WithBaseImages(func(context.Context, string) (name.Reference, build.Result, error) {
			return name.MustParseReference("nothing"), base, nil
		}),
		build.WithConfig(map[string]build.Config{from: {ID: program, Env: c.Env, Flags: c.Flags, Ldflags: c.Ldflags}}),
		build.WithCreationTime(v1.Time{Time: time.Unix(0, 0)}),
		build.WithPlatforms("linux/"+runtime.GOARCH), build.WithTrimpath(true), build.WithSPDX("test"),
	)
	if err != nil {
		t.Fatal(err)
	}
	result, err := builder.Build(t.Context(), build.StrictScheme+from)
	if err != nil {
		t.Fatal(err)
	}
	return result.(oci.SignedImage)
}

// checkBill looks for a dependency in the bill of materials.
func checkBill(t *testing.T, image oci.SignedImage) {
	t.Helper()
	file, err := image.Attachment("sbom")
	if err != nil {
		t.Fatal("no bill of materials:", err)
	}
	bill, err := file.Payload()
	if err != nil || !json.Valid(bill) || !bytes.Contains(bill, []byte("cloud.google.com/go/")) {
		t.Errorf("the bill of materials names no dependency (%v)", err)
	}
}

// tellSize logs how large a program is, and what is pulled of its image without
// the base.
func tellSize(t *testing.T, image v1.Image, program string) {
	t.Helper()
	info, err := os.Stat(program)
	if err != nil {
		t.Fatal(err)
	}
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	var pulled int64
	for _, layer := range layers {
		size, err := layer.Size()
		if err != nil {
			t.Fatal(err)
		}
		pulled += size
	}
	t.Logf("%s has %d MiB, compressed %d MiB", filepath.Base(program), info.Size()>>20, pulled>>20)
}

// unpack writes an image's files below dir, and the folder for temporary files
// that the base would have brought.
func unpack(t *testing.T, image v1.Image, dir string) {
	t.Helper()
	files := mutate.Extract(image)
	defer files.Close()
	for archive := tar.NewReader(files); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		at := filepath.Join(dir, filepath.FromSlash(header.Name))
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, content, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "tmp"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(dir, "tmp"), 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
}

// command is the program of an unpacked image: locked into it as nobody, where
// this process may do that.
func command(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	if os.Getuid() != 0 {
		t.Log("SKIPPED: locking the program into its image, which root may")
		return exec.CommandContext(t.Context(), filepath.Join(dir, args[0]), args[1:]...)
	}
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: dir, Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	return cmd
}

func startCommand(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := command(t, dir, args...)
	cmd.Env = []string{}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %v\n%s", args, err, out)
	}
}

// startService starts a service on its own, waits until it answers, and stops it.
// It is told of engines that are not there, as on Cloud Run: it listens all the
// same, and is not ready until they are.
func startService(t *testing.T, dir, program string) {
	t.Helper()
	cmd := command(t, dir, "/ko-app/"+program)
	cmd.Env = []string{
		"SAJIN_ADDR=127.0.0.1:0", "SAJIN_LOG_FORMAT=json",
		"SAJIN_MEDIA_URL=gs://media", "STORAGE_EMULATOR_HOST=127.0.0.1:1",
		"SAJIN_EVENTS_URL=pubsub://project", "PUBSUB_EMULATOR_HOST=127.0.0.1:1",
		"SAJIN_EVENTS_PUSH_AUDIENCE=https://here.example", "SAJIN_EVENTS_PUSH_ACCOUNT=push@project.iam.gserviceaccount.com",
		"SAJIN_DATABASE_URL=mysql://sajin@127.0.0.1:1/catalog",
		"SAJIN_CATALOG_URL=http://127.0.0.1:1", "SAJIN_UPLOAD_URL=http://127.0.0.1:1",
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	logs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(logs)
	at := listening(t, lines)
	go func() {
		for lines.Scan() { // so that it does not wait for a reader
		}
	}()
	answers(t, "http://"+at+"/healthz/live")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if state, err := cmd.Process.Wait(); err != nil || !state.Success() {
		t.Errorf("it ended with %v (%v)", state, err)
	}
}

// listening waits for the line that says where a service listens.
func listening(t *testing.T, lines *bufio.Scanner) string {
	t.Helper()
	var seen strings.Builder
	for lines.Scan() {
		var line struct{ Message, Addr string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Message == "listening" {
			return line.Addr
		}
		seen.WriteString(lines.Text() + "\n")
	}
	t.Fatalf("it did not start:\n%s", seen.String())
	return ""
}

func answers(t *testing.T, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("%s answers %s", url, response.Status)
	}
}
