// Package acceptance runs one table of scenarios, and the fault tests, against
// every deployment of Sajin: the all-in-one binary, and the split services with
// MariaDB, Pub/Sub and Cloud Storage engines on this machine. It knows Sajin
// only by its HTTP surface and its processes.
package acceptance

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/gormdb/mysqltest"
	"github.com/sajin-gallery/sajin/pkg/httpx/loopback"
	"github.com/sajin-gallery/sajin/pkg/httpx/openapitest"
	"github.com/sajin-gallery/sajin/services/sajin/internal/audit"
	"github.com/sajin-gallery/sajin/services/sajin/internal/stack"
	"github.com/sajin-gallery/sajin/services/web/api"
)

// deployment is a running Sajin.
type deployment interface {
	url() string
	// services names what can be killed.
	services() []string
	// kill ends one service as a crash would, and starts it again.
	kill(t *testing.T, service string)
	// stop stops everything in good order, and tells how long each took.
	stop(t *testing.T) []time.Duration
	// start starts everything again.
	start(t *testing.T)
	// places are where it keeps what it keeps.
	places() audit.Places
}

func httpClient(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 16}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// newClient makes a client whose every call of the API and of media is checked
// against the edge's OpenAPI file.
func newClient(t *testing.T, d deployment) client {
	t.Helper()
	page := httpClient(t)
	return client{
		base: d.url(),
		api:  &http.Client{Transport: openapitest.Transport(t, api.OpenAPI, page.Transport)},
		page: page,
	}
}

// binaries are built once for all tests.
var binaries string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "sajin-acceptance-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	// As the images are built: what is tested is what is deployed, and what is
	// compiled here need not be compiled again for them.
	for name, value := range map[string]string{"CGO_ENABLED": "0", "GOFLAGS": os.Getenv("GOFLAGS") + " -trimpath -tags=nodynamic,disable_grpc_modules,grpcnotrace"} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	all := append(stack.Services(), "github.com/sajin-gallery/sajin/services/sajin")
	if err := stack.Build(context.Background(), dir, all...); err != nil {
		panic(err)
	}
	binaries = dir
	return m.Run()
}

func TestAcceptance(t *testing.T) {
	for name, start := range map[string]func(*testing.T) deployment{"AllInOne": startAllInOne, "Split": startSplit} {
		t.Run(name, func(t *testing.T) {
			d := start(t)
			c := newClient(t, d)
			for _, s := range scenarios {
				t.Run(s.name, func(t *testing.T) { s.run(t, d, c) })
			}
		})
	}
}

// allInOne is the one binary on a data directory.
type allInOne struct {
	*stack.Process
	dir string // where it keeps everything
}

// startAt starts the all-in-one on a data directory.
func startAt(t testing.TB, dir string) allInOne {
	t.Helper()
	return startWith(t, dir)
}

// startWith starts it with more variables of ours.
func startWith(t testing.TB, dir string, env ...string) allInOne {
	t.Helper()
	addr, err := loopback.Free(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d := allInOne{stack.NewProcess("sajin", filepath.Join(binaries, "sajin"), addr, t.Output(), append(env, "SAJIN_DATA_DIR="+dir)...), dir}
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d
}

func startAllInOne(t *testing.T) deployment {
	t.Helper()
	return startAllInOneWith(t)
}

func startAllInOneWith(t *testing.T, env ...string) allInOne {
	t.Helper()
	d := startWith(t, filepath.Join(t.TempDir(), "data"), env...)
	t.Cleanup(func() {
		if err := d.Stop(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func (d allInOne) url() string        { return d.URL() }
func (d allInOne) services() []string { return []string{"sajin"} }

func (d allInOne) kill(t *testing.T, _ string) {
	t.Helper()
	if err := d.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (d allInOne) stop(t *testing.T) []time.Duration { t.Helper(); return stopAll(t, d.Process) }
func (d allInOne) start(t *testing.T)                { t.Helper(); startAll(t, d.Process) }

// stopAll sends SIGTERM to one after the other. A process that does not end with
// status 0 fails the test.
func stopAll(t *testing.T, processes ...*stack.Process) []time.Duration {
	t.Helper()
	var took []time.Duration
	for _, p := range processes {
		began := time.Now()
		if err := p.Stop(); err != nil {
			t.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	return took
}

func startAll(t *testing.T, processes ...*stack.Process) {
	t.Helper()
	for _, p := range processes {
		if err := p.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// split is the three services and their engines.
type split struct {
	*stack.Stack
	dir string // where the engines keep everything
}

func startSplit(t *testing.T) deployment {
	t.Helper()
	return startStack(t, stack.Options{})
}

// startMortal starts a stack whose services will be killed.
func startMortal(t *testing.T) deployment {
	t.Helper()
	return startStack(t, stack.Options{FakePubSub: true})
}

func startStack(t *testing.T, o stack.Options) deployment {
	t.Helper()
	out := []io.Writer{t.Output()}
	if o.Out != nil {
		out = append(out, o.Out)
	}
	o.Dir, o.Bin, o.Out = t.TempDir(), binaries, io.MultiWriter(out...)
	s, err := stack.Start(t.Context(), o)
	skipWithoutADatabase(t, err)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return split{s, o.Dir}
}

// skipWithoutADatabase judges the error of a start.
func skipWithoutADatabase(t *testing.T, err error) {
	t.Helper()
	if errors.Is(err, mysqltest.ErrNotInstalled) && !strings.Contains(os.Getenv(mysqltest.RequireEnv), "mysql") {
		t.Skip("no database is installed: MariaDB, or a MySQL in " + mysqltest.ProgramEnv)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func (d split) url() string        { return d.URL() }
func (d split) services() []string { return []string{"upload", "catalog", "web"} }

func (d split) kill(t *testing.T, service string) {
	t.Helper()
	if err := d.Process(service).Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (d split) stop(t *testing.T) []time.Duration { t.Helper(); return stopAll(t, d.processes()...) }
func (d split) start(t *testing.T)                { t.Helper(); startAll(t, d.processes()...) }

func (d split) processes() []*stack.Process {
	var out []*stack.Process
	for _, service := range d.services() {
		out = append(out, d.Process(service))
	}
	return out
}
