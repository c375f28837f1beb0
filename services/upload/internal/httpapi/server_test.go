package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sajin-gallery/sajin/pkg/blob/fileblob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/httpx/openapitest"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/upload/internal/goimaging"
	"github.com/sajin-gallery/sajin/services/upload/internal/httpapi"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingesttest"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // failures are provoked here by the dozen
	goleak.VerifyTestMain(m)
}

const owner = "anna"

// server is the service behind a real listener, over a bucket in memory and the
// real image engine. Its end is audited.
type server struct {
	t            testing.TB
	limits       httpapi.Limits
	faults       *ingesttest.Faults
	bucket       *ingesttest.Bucket
	bus          *ingesttest.Bus
	http         *httptest.Server
	client       *http.Client
	core         *ingest.Service
	partials     string       // their directory
	clock        atomic.Int64 // seconds ahead of the time
	setBy        atomic.Int64 // seconds that somebody set the clock by
	stop         func()
	acknowledged map[string]string
}

func defaultLimits() httpapi.Limits {
	return httpapi.Limits{
		RequestBytes: 64 << 20, Files: 1000, Parts: 2100, FieldBytes: 16 << 10, PartHeaderBytes: 16 << 10, IdleBody: 5 * time.Second,
	}
}

func newServer(t testing.TB, change ...func(*httpapi.Limits, *ingest.Config)) *server {
	s := &server{t: t, limits: defaultLimits(), faults: &ingesttest.Faults{}, acknowledged: map[string]string{}}
	cfg := ingest.Defaults()
	cfg.TempDir = t.TempDir()
	for _, c := range change {
		c(&s.limits, &cfg)
	}
	s.bucket = ingesttest.NewBucket(s.faults, s.now)
	s.bus = &ingesttest.Bus{Faults: s.faults}
	s.partials = t.TempDir()
	s.start(cfg)
	t.Cleanup(func() { s.end(cfg.TempDir) })
	return s
}

func (s *server) now() time.Time {
	return time.Now().Add(time.Duration(s.clock.Load()+s.setBy.Load()) * time.Second)
}

// start starts a process of the service: all it knows is in the bucket and in
// the directory of the partials.
func (s *server) start(cfg ingest.Config) {
	store, err := fileblob.Open(s.partials, fileblob.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		s.t.Fatal(err)
	}
	partials, err := store.Partials()
	if err != nil {
		s.t.Fatal(err)
	}
	cfg.DeriveTimeout = 10 * time.Minute // the machine may be busy
	began, setBy := s.now(), s.setBy.Load()
	s.core = ingest.New(cfg, ingest.Ports{
		Blob: s.bucket, Partials: ingesttest.Partials{Partials: partials, Faults: s.faults}, Events: s.bus, Metadata: noMetadata{},
		Imager: goimaging.New(goimaging.Limits{MaxMemoryBytes: cfg.DecodeMemory(), MaxDuration: cfg.DeriveTimeout}),
		Now:    s.now, Uptime: func() time.Duration { return s.now().Sub(began) - time.Duration(s.setBy.Load()-setBy)*time.Second }, Log: slog.New(slog.DiscardHandler),
	})
	routes := httpapi.New(s.core, s.limits, health())
	s.http = httptest.NewServer(httpx.Chain(routes, httpx.DiscardWithin(100*time.Millisecond), httpx.RequestIDs(true), httpx.Recover))
	s.client = &http.Client{Transport: openapitest.Transport(s.t, describedBy(s.t), s.http.Client().Transport)}
	s.stop = func() {
		s.http.Close()
		s.core.Close(context.Background())
		if err := store.Close(); err != nil {
			s.t.Error(err)
		}
	}
}

func health() *httpx.Health {
	h := &httpx.Health{}
	h.Started()
	return h
}

func describedBy(t testing.TB) []byte {
	t.Helper()
	file, err := os.ReadFile("../../api/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// end runs what every test must hold.
func (s *server) end(tempDir string) {
	s.stop()
	ingesttest.Audit(s.t, s.bucket, s.bus, s.acknowledged)
	if left, err := os.ReadDir(tempDir); err != nil || len(left) > 0 {
		s.t.Errorf("temporary files are left: %v, %v", left, err)
	}
}

type noMetadata struct{}

func (noMetadata) Read(context.Context, ingest.Source, ingest.Probe) (ingest.Metadata, error) {
	return ingest.Metadata{}, nil
}

// reply is an answer: results or a problem.
type reply struct {
	status  int
	header  http.Header
	closes  bool // the connection
	results []uploadapi.Result
	album   string
	problem problem.Details
}

func (s *server) request(contentType string, body io.Reader) *http.Request {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.http.URL+uploadapi.PathImages, body)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	req.Header.Set(identity.OwnerHeader, owner)
	return req
}

func (s *server) do(req *http.Request) reply {
	s.t.Helper()
	resp, err := s.client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	return s.read(resp)
}

func (s *server) read(resp *http.Response) reply {
	s.t.Helper()
	r := reply{status: resp.StatusCode, header: resp.Header, closes: resp.Close}
	var response uploadapi.UploadResponse
	target := any(&response)
	if resp.Header.Get("Content-Type") == problem.ContentType {
		target = &r.problem
	}
	if err := json.NewDecoder(resp.Body).Decode(target); err != nil {
		s.t.Fatalf("the answer %d cannot be read: %v", resp.StatusCode, err)
	}
	r.results, r.album = response.Results, response.Album
	for _, result := range r.results {
		if result.Stored != nil {
			s.acknowledged[result.ID] = result.Stored.SHA256
		}
	}
	return r
}

func (s *server) post(parts ...part) reply {
	s.t.Helper()
	return s.do(s.request(formType, strings.NewReader(form(parts...))))
}

// outcome says of each result what became of it.
func (r reply) outcomes() []string {
	var out []string
	for _, result := range r.results {
		if result.Problem != nil {
			out = append(out, fmt.Sprint(result.Problem.Status, " ", result.Problem.Code))
			continue
		}
		out = append(out, result.Status)
	}
	return out
}

func (r reply) expect(t testing.TB, status int, outcomes ...string) {
	t.Helper()
	if r.status != status || !slices.Equal(r.outcomes(), outcomes) {
		t.Errorf("answered %d %v %s, want %d %v", r.status, r.outcomes(), r.problem.Code, status, outcomes)
	}
}

func (r reply) expectProblem(t testing.TB, status int, code string) {
	t.Helper()
	if r.status != status || r.problem.Code != code || r.problem.Status != status {
		t.Errorf("answered %d %v %+v, want %d %s", r.status, r.outcomes(), r.problem, status, code)
	}
}

func (s *server) manifest(id string) contract.Manifest {
	s.t.Helper()
	var m contract.Manifest
	if err := json.Unmarshal(s.bucket.Data(contract.ManifestKey(id)), &m); err != nil {
		s.t.Fatalf("the manifest of %s cannot be read: %v", id, err)
	}
	return m
}

// empty says that nothing is left of what was sent.
func (s *server) empty() {
	s.t.Helper()
	if keys := s.bucket.Keys(""); len(keys) > 0 {
		s.t.Errorf("the bucket holds %v, want nothing", keys)
	}
}

const boundary, formType = "frontier", "multipart/form-data; boundary=frontier"

// part is one part of a form, its header as it is sent.
type part struct{ header, body string }

func filePart(name, content string) part {
	return part{`Content-Disposition: form-data; name="file_field"; filename="` + name + `"`, content}
}

func fieldPart(name, content string) part {
	return part{`Content-Disposition: form-data; name="` + name + `"`, content}
}

func form(parts ...part) string {
	var b strings.Builder
	for _, p := range parts {
		fmt.Fprintf(&b, "--%s\r\n%s\r\n\r\n%s\r\n", boundary, p.header, p.body)
	}
	b.WriteString("--" + boundary + "--\r\n")
	return b.String()
}
