package upload_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"image"
	"image/jpeg"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caarlos0/env/v11"
	"go.uber.org/goleak"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/blob/fileblob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/event/natsevents"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/httpx/openapitest"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/pkg/kitx"
	"github.com/sajin-gallery/sajin/services/upload"
	"github.com/sajin-gallery/sajin/services/upload/uploadclient"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	goleak.VerifyTestMain(m)
}

// site is where a service runs: a real bucket and a real bus in a directory,
// with the bucket's notifications on the bus.
type site struct {
	t      *testing.T
	bucket *fileblob.Store
	bus    *natsevents.Bus
}

func newSite(t *testing.T) *site {
	s := &site{t: t}
	dir := t.TempDir()
	var err error
	if s.bus, err = natsevents.Open(t.Context(), natsevents.Options{Dir: filepath.Join(dir, "events")}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.bus.Close() })
	s.bucket, err = fileblob.Open(filepath.Join(dir, "media"), fileblob.Options{
		FinalizePrefixes: []string{contract.PrefixOriginals}, OnFinalize: s.announce,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.bucket.Close() })
	return s
}

func (s *site) announce(ctx context.Context, info blob.Info) error {
	e, err := contract.New(info.Key, contract.SourceBucket, contract.TypeObjectFinalized, info.Key, info.CreatedAt,
		contract.ObjectFinalized{Key: info.Key, Generation: info.Generation, Size: info.Size})
	if err != nil {
		return err
	}
	return s.bus.Publish(ctx, contract.TopicObjects, e)
}

func config(t *testing.T) upload.Config {
	t.Helper()
	cfg, err := env.ParseAsWithOptions[upload.Config](env.Options{Environment: map[string]string{}})
	if err != nil {
		t.Fatal(err)
	}
	cfg.TempDir = t.TempDir()
	return cfg
}

// run runs a service until the returned function is called.
func (s *site) run(change ...func(*upload.Config, *upload.Deps)) (svc *upload.Service, stop func()) {
	s.t.Helper()
	cfg, deps := config(s.t), upload.Deps{Blob: s.bucket, Bus: s.bus}
	for _, c := range change {
		c(&cfg, &deps)
	}
	svc, err := upload.New(s.t.Context(), cfg, deps)
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- svc.Run(ctx) }()
	return svc, func() {
		cancel()
		if err := <-ended; err != nil {
			s.t.Errorf("Run: %v", err)
		}
	}
}

// heard collects the events of a topic until n of the type have come.
func (s *site) heard(name, typ string, n int) []event.Event {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	var out []event.Event
	err := s.bus.Receive(ctx, event.Subscription{Name: name, Topic: contract.TopicImages}, func(_ context.Context, d event.Delivery) error {
		if d.Event.Type == typ && len(out) < n {
			out = append(out, d.Event)
		}
		if len(out) == n {
			cancel()
		}
		return nil
	})
	if err != nil || len(out) != n {
		s.t.Fatalf("%d of %d events of %s came: %v", len(out), n, typ, err)
	}
	return out
}

func (s *site) listen(name string) {
	s.t.Helper()
	if err := s.bus.Ensure(s.t.Context(), event.Subscription{Name: name, Topic: contract.TopicImages}); err != nil {
		s.t.Fatal(err)
	}
}

// client calls svc in this process, and holds it to its OpenAPI file.
func client(t *testing.T, h http.Handler) *uploadclient.Client {
	t.Helper()
	base, err := url.Parse("http://upload.invalid/")
	if err != nil {
		t.Fatal(err)
	}
	return uploadclient.New(kitx.Target{Base: base, HTTP: kitx.NoRedirects(openapitest.Transport(t, upload.OpenAPI, httpx.InProcess{Handler: h}))})
}

func photograph(t *testing.T, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, w, h)), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// formOf streams a form of the given files.
func formOf(files ...[]byte) (contentType string, body io.Reader) {
	r, w := io.Pipe()
	form := multipart.NewWriter(w)
	go func() {
		for _, content := range files {
			part, err := form.CreateFormFile("file_field", "photo.jpg")
			if err == nil {
				_, err = part.Write(content)
			}
			if err != nil {
				_ = w.CloseWithError(err)
				return
			}
		}
		_ = w.CloseWithError(form.Close())
	}()
	return form.FormDataContentType(), r
}

func asAnna(ctx context.Context) context.Context { return identity.WithOwner(ctx, "anna") }

// The whole way: a form in, a manifest in the bucket, an event on the bus.
func TestUpload(t *testing.T) {
	s := newSite(t)
	s.listen("test")
	svc, stop := s.run()
	defer stop()
	photo := photograph(t, 800, 600)
	contentType, body := formOf(photo, []byte("text"))
	got, err := client(t, svc.Handler()).Upload(asAnna(t.Context()), contentType, -1, body)
	if err != nil || len(got.Results) != 2 || got.Results[0].Status != uploadapi.StatusStored || got.Results[1].Status != uploadapi.StatusRefused {
		t.Fatalf("Upload: %+v, %v", got, err)
	}
	e := s.heard("test", contract.TypeImageUploaded, 1)[0]
	said, err := contract.Decode[contract.ImageUploaded](e, contract.TypeImageUploaded)
	if err != nil {
		t.Fatal(err)
	}
	m, sum := said.Manifest, sha256.Sum256(photo)
	if m.ID != got.Results[0].ID || m.Owner != "anna" || m.Width != 800 || m.Height != 600 || m.SHA256 != hex.EncodeToString(sum[:]) {
		t.Errorf("published %+v of %+v", m, got.Results[0])
	}
	for _, key := range []string{m.Key, contract.ManifestKey(m.ID), m.Renditions[0].Key, m.Renditions[1].Key} {
		if _, err := s.bucket.Stat(t.Context(), key); err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
	if err := svc.Ready(t.Context()); err != nil {
		t.Errorf("Ready: %v", err)
	}
}

// What another process stored and did not finish is finished: by the bucket's
// notification, or without one by the sweep.
func TestLeftWorkIsTakenUp(t *testing.T) {
	for _, door := range []string{"notification", "sweep"} {
		t.Run(door, func(t *testing.T) {
			s := newSite(t)
			s.listen("test")
			if door == "notification" {
				if err := s.bus.Ensure(t.Context(), event.Subscription{Name: "upload-objects", Topic: contract.TopicObjects}); err != nil {
					t.Fatal(err)
				}
			}
			now := time.Now()
			id := identity.NewImageID(now)
			_, err := s.bucket.Put(t.Context(), contract.OriginalKey(id, now, ".jpg"), bytes.NewReader(photograph(t, 8, 8)),
				blob.WriteOptions{ContentType: "image/jpeg", Metadata: map[string]string{"owner": "anna", "name": "a.jpg"}})
			if err != nil {
				t.Fatal(err)
			}
			_, stop := s.run(func(c *upload.Config, d *upload.Deps) {
				if c.SweepAge = time.Nanosecond; door == "notification" {
					c.SweepAge = time.Hour
				}
			})
			defer stop()
			if e := s.heard("test", contract.TypeImageUploaded, 1)[0]; e.Subject != id {
				t.Errorf("published %s, want %s", e.Subject, id)
			}
		})
	}
}

func TestPurge(t *testing.T) {
	s := newSite(t)
	s.listen("test")
	svc, stop := s.run()
	defer stop()
	contentType, body := formOf(photograph(t, 8, 8))
	got, err := client(t, svc.Handler()).Upload(asAnna(t.Context()), contentType, -1, body)
	if err != nil {
		t.Fatal(err)
	}
	image := got.Results[0]
	s.heard("test", contract.TypeImageUploaded, 1)
	e, err := contract.New(image.ID+".purged", contract.SourceCatalog, contract.TypeImagePurged, image.ID, time.Now(),
		contract.ImagePurged{ID: image.ID, Owner: "anna", Key: image.Stored.Key})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.bus.Publish(t.Context(), contract.TopicPurges, e); err != nil {
		t.Fatal(err)
	}
	s.eventuallyEmpty()
}

func (s *site) eventuallyEmpty() {
	s.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); ; <-tick.C {
		left, err := s.bucket.List(s.t.Context(), "", "", 10)
		if err == nil && len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("the bucket still holds %v, %v", left, err)
		}
	}
}

// busless is a bus that cannot be reached at first.
type busless struct {
	*natsevents.Bus
	failures int
}

func (b *busless) Ensure(ctx context.Context, s event.Subscription) error {
	if b.failures > 0 {
		b.failures--
		return fault.New(fault.Unavailable, "bus_down", "")
	}
	return b.Bus.Ensure(ctx, s)
}

// F40: a bus that comes up later is waited for.
func TestF40_StartsBeforeTheBus(t *testing.T) {
	s := newSite(t)
	s.listen("test")
	svc, stop := s.run(func(_ *upload.Config, d *upload.Deps) { d.Bus = &busless{s.bus, 2} })
	defer stop()
	if err := svc.Ready(t.Context()); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("Ready without a bus: %v", err)
	}
	contentType, body := formOf(photograph(t, 8, 8))
	if _, err := client(t, svc.Handler()).Upload(asAnna(t.Context()), contentType, -1, body); err != nil {
		t.Errorf("Upload: %v", err)
	}
	s.heard("test", contract.TypeImageUploaded, 1)
}

func TestPushedEvents(t *testing.T) {
	s := newSite(t)
	pushed := map[string]event.Handler{}
	svc, stop := s.run(func(_ *upload.Config, d *upload.Deps) {
		d.Push = func(sub event.Subscription, h event.Handler) http.Handler {
			pushed[sub.Name] = h
			return http.NotFoundHandler()
		}
	})
	defer stop()
	if len(pushed) != 2 || !slices.Contains(svc.Routes(), "POST /v1/push/upload-purges") {
		t.Errorf("the push doors are %v of %v", svc.Routes(), pushed)
	}
	e, err := contract.New("1", contract.SourceBucket, contract.TypeObjectFinalized, "", time.Now(), contract.ObjectFinalized{Key: "originals/x"})
	if err != nil {
		t.Fatal(err)
	}
	if err := pushed["upload-objects"](t.Context(), event.Delivery{Event: e, Attempt: 1}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a pushed event: %v", err)
	}
}

func TestConfigNamesEveryMistake(t *testing.T) {
	s := newSite(t)
	_, err := upload.New(t.Context(), upload.Config{FileBytes: 2, RequestBytes: 1}, upload.Deps{Blob: s.bucket, Bus: s.bus})
	for _, name := range []string{"REQUEST_BYTES", "FILES_PER_REQUEST", "IDLE_BODY", "MEMORY_BYTES", "TEMP_BYTES", "MAX_PIXELS",
		"DERIVE_TIMEOUT", "ANSWER_WITHIN", "SWEEP_EVERY", "SWEEP_AGE", "EVENTS_AT_ONCE"} {
		if err == nil || !strings.Contains(err.Error(), "SAJIN_UPLOAD_"+name+" ") {
			t.Errorf("New: %v, want it to name %s", err, name)
		}
	}
}

// The client over a real connection: what the body's failure and the service's
// refusal come back as.
func TestClient(t *testing.T) {
	s := newSite(t)
	svc, stop := s.run(func(c *upload.Config, _ *upload.Deps) { c.FileBytes, c.RequestBytes = 1<<20, 1<<20 })
	defer stop()
	server := httptest.NewServer(svc.Handler())
	defer server.Close()
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{ExpectContinueTimeout: 20 * time.Second}
	defer transport.CloseIdleConnections()
	c := uploadclient.New(kitx.Target{Base: base, HTTP: kitx.NoRedirects(transport)})
	contentType, body := formOf([]byte("text"))
	got, err := c.Upload(asAnna(t.Context()), contentType, -1, body)
	if err != nil || len(got.Results) != 1 || got.Results[0].Problem == nil || got.Results[0].Problem.Code != "unsupported_media_type" {
		t.Errorf("nothing stored: %+v, %v", got, err)
	}
	if _, err := c.Upload(t.Context(), contentType, 0, http.NoBody); fault.Public(err).Code != "owner_missing" {
		t.Errorf("without an owner: %v", err)
	}
	if _, err := c.Upload(asAnna(t.Context()), contentType, 1<<20+1, bytes.NewReader(make([]byte, 1<<20+1))); fault.Public(err).Code != "request_too_large" {
		t.Errorf("too large: %v", err)
	}
	cut := io.MultiReader(strings.NewReader("--x\r\n"), brokenPipe{})
	if _, err := c.Upload(asAnna(t.Context()), "multipart/form-data; boundary=x", -1, cut); fault.Public(err).Code != "body_incomplete" {
		t.Errorf("a body that fails: %v", err)
	}
	canceled, cancel := context.WithCancel(asAnna(t.Context()))
	cancel()
	if _, err := c.Upload(canceled, contentType, 0, http.NoBody); fault.KindOf(err) != fault.Canceled {
		t.Errorf("canceled: %v", err)
	}
	server.Close()
	if _, err := c.Upload(asAnna(t.Context()), contentType, 0, http.NoBody); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("nobody there: %v", err)
	}
}

type brokenPipe struct{}

func (brokenPipe) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }

// A service that takes the body and does not answer is given up.
func TestClientWaitsForTheAnswerOnlySoLong(t *testing.T) {
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	base, err := url.Parse("http://upload.invalid")
	if err != nil {
		t.Fatal(err)
	}
	c := uploadclient.New(kitx.Target{Base: base, HTTP: kitx.NoRedirects(httpx.InProcess{Handler: h})}, uploadclient.AnswerWithin(10*time.Millisecond))
	contentType, body := formOf([]byte("text"))
	if _, err := c.Upload(asAnna(t.Context()), contentType, -1, body); fault.KindOf(err) != fault.Timeout {
		t.Errorf("Upload: %v, want a timeout", err)
	}
}

func TestRoutesAreDescribed(t *testing.T) {
	s := newSite(t)
	svc, stop := s.run(func(_ *upload.Config, d *upload.Deps) {
		d.Push = func(event.Subscription, event.Handler) http.Handler { return http.NotFoundHandler() }
	})
	defer stop()
	openapitest.Routes(t, svc, upload.OpenAPI)
}
