package gcsblob_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/fsouza/fake-gcs-server/fakestorage"
	"go.uber.org/goleak"

	"github.com/sajin-gallery/sajin/pkg/blob/blobtest"
	"github.com/sajin-gallery/sajin/pkg/blob/gcsblob"
)

// serveEnv makes the test binary be the emulator.
const serveEnv = "GCSBLOB_TEST_SERVE"

func TestMain(m *testing.M) {
	if os.Getenv(serveEnv) != "" {
		os.Exit(serveEmulator())
	}
	// opencensus, a dependency of the client library, starts a worker for good.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start"))
}

// serveEmulator runs fake-gcs-server until standard input ends.
func serveEmulator() int {
	server, err := fakestorage.NewServerWithOptions(fakestorage.Options{Scheme: "http", Host: "127.0.0.1", Port: 0, Writer: io.Discard})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer server.Stop()
	fmt.Println(server.URL())
	_, _ = io.Copy(io.Discard, os.Stdin)
	return 0
}

// startEmulator gives the URL of an emulator in a process of its own, so that
// the memory of this one is the adapter's.
func startEmulator(t *testing.T) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), serveEnv+"=1")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
		cancel()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the emulator did not start: %v", err)
	}
	return strings.TrimSpace(line)
}

func createBucket(t *testing.T, url, name string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/storage/v1/b?project=test",
		strings.NewReader(fmt.Sprintf(`{"name":%q}`, name)))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("creating bucket %s: %s", name, res.Status)
	}
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
}

func mustOpen(t *testing.T, bucket string, opts gcsblob.Options) *gcsblob.Store {
	t.Helper()
	s, err := gcsblob.Open(t.Context(), bucket, opts)
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

func TestConformance(t *testing.T) {
	url := startEmulator(t)
	t.Setenv("STORAGE_EMULATOR_HOST", strings.TrimPrefix(url, "http://"))
	buckets := 0
	blobtest.RunConformance(t, func(t *testing.T) blobtest.Harness {
		buckets++
		name := fmt.Sprintf("bucket-%d", buckets)
		createBucket(t, url, name)
		// The emulator hashes the whole object again with every chunk: few chunks.
		return blobtest.Harness{Store: mustOpen(t, name, gcsblob.Options{ChunkBytes: 8 << 20})}
	})
}
