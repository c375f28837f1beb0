//go:build unix

package imageworker

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sajin-gallery/sajin/services/upload/internal/goimaging"
	"github.com/sajin-gallery/sajin/services/upload/internal/imagemetadata"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

func TestMain(m *testing.M) {
	Main(testEngine)
	if dir := os.Getenv("SAJIN_TEST_PARENT"); dir != "" {
		beParent(dir)
	}
	goleak.VerifyTestMain(m)
}

// testEngine is the real engine, and does with some images what a test tells it
// to.
func testEngine(config json.RawMessage) (ingest.Imager, ingest.MetadataReader, error) {
	var limits goimaging.Limits
	if err := json.Unmarshal(config, &limits); err != nil {
		return nil, nil, err
	}
	return puppet{goimaging.New(limits)}, imagemetadata.New(time.Now), nil
}

// strings precede, in an image of these tests, the socket of the test that pulls
// them.
const puppetMagic = "puppet "

// puppet is an imager that a test plays with.
type puppet struct{ ingest.Imager }

func (p puppet) Derive(ctx context.Context, src ingest.Source, probe ingest.Probe, specs []ingest.Spec) (ingest.Derived, error) {
	head := make([]byte, min(src.Size, 200))
	if _, err := src.ReadAt(head, 0); err != nil || !bytes.HasPrefix(head, []byte(puppetMagic)) {
		return p.Imager.Derive(ctx, src, probe, specs)
	}
	conn, err := net.Dial("unix", string(head[len(puppetMagic):]))
	if err != nil {
		return ingest.Derived{}, err
	}
	if _, err := fmt.Fprintln(conn, os.Getpid()); err != nil {
		return ingest.Derived{}, err
	}
	word, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return ingest.Derived{}, err
	}
	return act(strings.TrimSpace(word))
}

var sink [][]byte

func act(word string) (ingest.Derived, error) {
	fine := ingest.Derived{Width: 1, Height: 1, Placeholder: []byte{1}}
	switch word {
	case "hang":
		for {
			runtime.KeepAlive(word)
		}
	case "panic":
		go panic("in a goroutine, where nobody recovers")
		select {}
	case "eat":
		for {
			meal := make([]byte, 4<<20)
			for i := range meal {
				meal[i] = 1
			}
			sink = append(sink, meal)
		}
	case "write":
		return fine, os.WriteFile("/tmp/sajin-image-worker", []byte("it can write files"), 0o600)
	case "environ":
		return fine, fmt.Errorf("%s", strings.Join(os.Environ(), " "))
	case "garbage":
		_, _ = os.NewFile(socketOf(), "socket").Write(bytes.Repeat([]byte{0xff}, 100))
		select {}
	case "lie":
		return ingest.Derived{Width: 1, Height: 1, Renditions: []ingest.Rendition{
			{Name: "w320", Width: 1, Height: 1, ContentType: "text/html", Extension: ".html", Data: []byte("<script>")},
		}}, nil
	case "flood":
		fine.Renditions = []ingest.Rendition{{Name: "w320", Data: make([]byte, 32<<20)}}
		return fine, nil
	}
	return fine, nil
}

// socketOf is the descriptor of the worker's socket to its parent: the one that
// was there first.
func socketOf() uintptr {
	for fd := range uintptr(32) {
		if to, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd)); err == nil && strings.HasPrefix(to, "socket:") {
			return fd
		}
	}
	panic("no socket")
}

// stage is a pool, and a socket on which its workers report.
type stage struct {
	*Pool
	t        *testing.T
	listener net.Listener
	probe    ingest.Probe
	log      *bytes.Buffer
}

func newStage(t *testing.T, change ...func(*Config)) *stage {
	t.Helper()
	dir, err := os.MkdirTemp("", "sajin") //nolint:usetesting // a socket's name may have a hundred characters
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &stage{t: t, log: &bytes.Buffer{}, probe: ingest.Probe{Format: "jpeg", Width: 1, Height: 1, Orientation: 1, Frames: 1, MemoryBytes: 1 << 20}}
	if s.listener, err = net.Listen("unix", filepath.Join(dir, "s")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.listener.Close() })
	s.Pool = newPool(t, append([]func(*Config){func(c *Config) { c.Log = slog.New(slog.NewTextHandler(s.log, nil)) }}, change...)...)
	return s
}

// unhurried are the limits, without the one that a slow or busy machine reaches.
var unhurried = goimaging.Limits{MaxDuration: 10 * time.Minute}

func newPool(t testing.TB, change ...func(*Config)) *Pool {
	t.Helper()
	cfg := Config{
		Engine: unhurried, AtOnce: 2, Timeout: unhurried.MaxDuration, Memory: 280 << 20,
		Log: slog.New(slog.DiscardHandler),
	}
	for _, c := range change {
		c(&cfg)
	}
	p, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func (s *stage) image() ingest.Source {
	data := puppetMagic + s.listener.Addr().String()
	return ingest.Source{ReaderAt: strings.NewReader(data), Size: int64(len(data))}
}

// result is what Derive gives.
type result struct {
	derived ingest.Derived
	err     error
}

// derive begins to derive an image that waits for words.
func (s *stage) derive(ctx context.Context) <-chan result {
	done := make(chan result, 1)
	go func() {
		d, err := s.Derive(ctx, s.image(), s.probe, ingest.Defaults().Specs)
		done <- result{d, err}
	}()
	return done
}

// actor is a worker in the middle of an image.
type actor struct {
	net.Conn
	t   *testing.T
	pid int
}

// enter waits for the next worker to come to the middle of an image.
func (s *stage) enter() actor {
	s.t.Helper()
	_ = s.listener.(*net.UnixListener).SetDeadline(time.Now().Add(30 * time.Second))
	conn, err := s.listener.Accept()
	if err != nil {
		s.t.Fatalf("no worker came: %v", err)
	}
	a := actor{Conn: conn, t: s.t}
	s.t.Cleanup(func() { _ = conn.Close() })
	if _, err := fmt.Fscanln(conn, &a.pid); err != nil {
		s.t.Fatal(err)
	}
	return a
}

func (a actor) told(word string) {
	if _, err := io.WriteString(a, word+"\n"); err != nil {
		a.t.Errorf("%s: %v", word, err)
	}
}

// gone waits until the worker has ended, which closes its sockets.
func (a actor) gone() {
	a.t.Helper()
	_ = a.SetReadDeadline(time.Now().Add(30 * time.Second))
	if _, err := a.Read(make([]byte, 1)); os.IsTimeout(err) {
		a.t.Errorf("worker %d is still there", a.pid)
	}
}

func (s *stage) end(done <-chan result) result {
	s.t.Helper()
	select {
	case r := <-done:
		return r
	case <-time.After(30 * time.Second):
		s.t.Fatal("Derive does not return")
		return result{}
	}
}
