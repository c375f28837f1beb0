package ingest_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"iter"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingesttest"
)

func TestMain(m *testing.M) {
	// Cloud Storage's library starts it, for as long as the process lives.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start"))
}

var discard = slog.New(slog.DiscardHandler)

const owner = "anna"

// A picture of these tests is a JPEG's magic number and a word for the imager.
const magic = "\xff\xd8\xff"

func picture(word string) string { return magic + word }

// world is a service and everything around it, in memory.
type world struct {
	*ingest.Service
	t        testing.TB
	cfg      ingest.Config
	faults   *ingesttest.Faults
	bucket   *ingesttest.Bucket
	sessions *ingesttest.Sessions // nil: the bucket serves none
	bus      *ingesttest.Bus
	imager   *imager
	clock    *clock
}

func newWorld(t testing.TB, change ...func(*ingest.Config)) *world {
	w := &world{t: t, cfg: ingest.Defaults(), faults: &ingesttest.Faults{}, imager: &imager{memory: 1 << 20}, clock: &clock{}}
	w.cfg.TempDir = t.TempDir()
	for _, c := range change {
		c(&w.cfg)
	}
	w.bucket = ingesttest.NewBucket(w.faults, w.clock.Now)
	w.bus = &ingesttest.Bus{Faults: w.faults}
	w.start()
	t.Cleanup(w.stop)
	return w
}

func (w *world) start() {
	began := w.clock.run()
	ports := ingest.Ports{
		Blob: w.bucket, Events: w.bus, Imager: w.imager, Metadata: metadata{}, Now: w.clock.Now,
		Uptime: func() time.Duration { return w.clock.run() - began },
		Log:    discard,
	}
	if w.sessions != nil {
		ports.Sessions = w.sessions
	}
	w.Service = ingest.New(w.cfg, ports)
}

func (w *world) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	w.Close(ctx)
	left, err := os.ReadDir(w.cfg.TempDir)
	if err != nil || len(left) > 0 {
		w.t.Errorf("temporary files are left: %v, %v", left, err)
	}
}

func (w *world) restart() {
	w.stop()
	w.start()
}

func (w *world) store(content string) ingest.Original {
	w.t.Helper()
	o, err := w.Store(w.t.Context(), owner, file("a.jpg", content))
	if err != nil {
		w.t.Fatalf("Store: %v", err)
	}
	return o
}

func (w *world) process(o ingest.Original) contract.Manifest {
	w.t.Helper()
	m, err := w.Process(w.t.Context(), o.Key)
	if err != nil {
		w.t.Fatalf("Process: %v", err)
	}
	return m
}

// settle does what time does: it delivers the bucket's notifications, again and
// to a new process, and sweeps.
func (w *world) settle() {
	w.t.Helper()
	w.restart()
	w.clock.Advance(w.cfg.LeaseLife)
	for _, key := range w.bucket.Finalized() {
		if err := w.HandleObjectFinalized(w.t.Context(), finalized(w.t, key)); err != nil {
			w.t.Errorf("the notification of %s is not taken: %v", key, err)
		}
	}
	w.clock.Advance(48 * time.Hour)
	if done, err := w.SweepBy(w.t.Context(), ingest.Order{Now: w.clock.Now()}); err != nil || done.Failed > 0 {
		w.t.Errorf("Sweep: %+v, %v", done, err)
	}
	w.noAttempts()
}

func (w *world) empty() {
	w.t.Helper()
	if keys := w.bucket.Keys(""); len(keys) > 0 {
		w.t.Errorf("the bucket holds %v, want nothing", keys)
	}
}

func file(name, content string) ingest.File {
	return ingest.File{Name: name, Body: strings.NewReader(content)}
}

func sequence(files ...ingest.File) iter.Seq2[ingest.File, error] {
	return func(yield func(ingest.File, error) bool) {
		for _, f := range files {
			if !yield(f, nil) {
				return
			}
		}
	}
}

func checksum(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

func code(err error) string {
	if err == nil {
		return ""
	}
	return fault.Public(err).Code
}

func finalized(t testing.TB, key string) event.Delivery {
	t.Helper()
	return delivery(t, contract.TypeObjectFinalized, contract.ObjectFinalized{Key: key, Generation: 1})
}

func delivery(t testing.TB, typ string, data any) event.Delivery {
	t.Helper()
	e, err := contract.New("e-1", contract.SourceBucket, typ, "", time.Now(), data)
	if err != nil {
		t.Fatal(err)
	}
	return event.Delivery{Event: e, Attempt: 1}
}

// clock stands still until it is moved, by time or by somebody's hand.
type clock struct {
	mu     sync.Mutex
	at     time.Duration
	passed time.Duration // of it
}

var epoch = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return epoch.Add(c.at)
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at += d
	c.passed += d
}

// Set sets the clock forward or back, while no time passes.
func (c *clock) Set(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at += d
}

func (c *clock) run() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.passed
}

// imager is told by a picture what to do with it, and watches how much is asked
// of it at one time.
type imager struct {
	memory int64         // of one picture
	gate   chan struct{} // where it is not nil, a derivation takes one
	// started hears of derivations; may be nil.
	started chan struct{}

	mu       sync.Mutex
	mended   bool // nothing is a defect any more
	probed   int
	derived  int
	at, most int // derivations at one time
}

func word(src ingest.Source) string {
	raw := make([]byte, min(src.Size, 64))
	_, _ = src.ReadAt(raw, 0)
	return strings.TrimPrefix(string(raw), magic)
}

func (m *imager) Probe(_ context.Context, src ingest.Source) (ingest.Probe, error) {
	p := ingest.Probe{
		Format: "jpeg", ContentType: "image/jpeg", Extension: ".jpg", Width: 40, Height: 30, Frames: 1, Orientation: 1, MemoryBytes: m.memory,
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.probed++
	switch w := word(src); {
	case w == "corrupt":
		return p, ingest.ErrCorrupt
	case w == "bomb":
		return p, ingest.ErrTooLarge
	case w == "raw":
		p.Unavailable, p.ContentType, p.Orientation = true, "image/x-adobe-dng", 6
		return p, nil
	case w == "live":
		p.Motion = ingest.Motion{Offset: 3, Length: 4, ContentType: "video/mp4"}
		return p, nil
	case w == "panic" && !m.mended:
		panic("a defect")
	default:
		return p, nil
	}
}

func (m *imager) mend() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mended = true
}

func (m *imager) probes() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.probed
}

func (m *imager) Derive(ctx context.Context, src ingest.Source, _ ingest.Probe, specs []ingest.Spec) (ingest.Derived, error) {
	m.enter(1)
	defer m.enter(-1)
	switch word(src) {
	case "endless":
		<-ctx.Done()
		return ingest.Derived{}, ctx.Err()
	case "rare":
		return ingest.Derived{}, ingest.ErrVariant
	}
	if m.started != nil {
		m.started <- struct{}{}
	}
	if m.gate != nil {
		select {
		case <-m.gate:
		case <-ctx.Done():
			return ingest.Derived{}, ctx.Err()
		}
	}
	out := ingest.Derived{Width: 30, Height: 40, Placeholder: []byte("hash")}
	for _, spec := range specs[:2] {
		out.Renditions = append(out.Renditions, ingest.Rendition{
			Name: spec.Name, Width: 3, Height: 4, ContentType: "image/jpeg", Extension: ".jpg", Data: []byte("small " + spec.Name),
		})
	}
	return out, nil
}

func (m *imager) enter(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at += n
	m.most = max(m.most, m.at)
	if n > 0 {
		m.derived++
	}
}

func (m *imager) count() (derived, most int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.derived, m.most
}

type metadata struct{}

func (metadata) Read(_ context.Context, src ingest.Source, _ ingest.Probe) (ingest.Metadata, error) {
	if word(src) == "bare" { // of a file that says nothing
		return ingest.Metadata{}, nil
	}
	taken := epoch.Add(-time.Hour)
	return ingest.Metadata{TakenAt: &taken, Camera: contract.Camera{Model: "Box"}, Warnings: []string{"metadata_unreadable"}}, nil
}

// brokenBody yields content and then fails.
func brokenBody(content string, err error) io.Reader {
	return io.MultiReader(bytes.NewReader([]byte(content)), failing{err})
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
