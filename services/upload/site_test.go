package upload_test

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/blob/fileblob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/event/natsevents"
	"github.com/sajin-gallery/sajin/pkg/event/natsevents/natsserver"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/httpx/openapitest"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/pkg/kitx"
	"github.com/sajin-gallery/sajin/services/upload"
	"github.com/sajin-gallery/sajin/services/upload/uploadclient"
)

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
	server, err := natsserver.Start(filepath.Join(dir, "events"))
	if err != nil {
		t.Fatal(err)
	}
	if s.bus, err = natsevents.Open(t.Context(), natsevents.Options{Server: server}); err != nil {
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

// What is put into the inbox is taken in by a service that looks there by
// itself, with its folder as its album.
func TestTheInboxIsWatched(t *testing.T) {
	s := newSite(t)
	s.listen("test")
	inbox := blob.InboxOf(s.bucket, contract.PrefixInbox, contract.PrefixInboxRefused)
	_, err := s.bucket.Put(t.Context(), contract.PrefixInbox+"anna/trip/a.jpg", bytes.NewReader(photograph(t, 8, 8)), blob.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, stop := s.run(func(_ *upload.Config, d *upload.Deps) { d.Inbox = inbox })
	e := s.heard("test", contract.TypeImageUploaded, 1)[0]
	said, err := contract.Decode[contract.ImageUploaded](e, contract.TypeImageUploaded)
	if err != nil || said.Manifest.Owner != "anna" || said.Manifest.Album != "trip" || said.Manifest.Name != "a.jpg" {
		t.Errorf("published %+v, %v", said, err)
	}
	stop() // which lets it finish
	if done, err := upload.Sweep(t.Context(), config(t), upload.Deps{Blob: s.bucket, Bus: s.bus}, upload.SweepOptions{}); err != nil || done.Failed > 0 {
		t.Errorf("Sweep: %+v, %v", done, err)
	}
	if left, _, err := inbox.Waiting(t.Context(), "", 10); err != nil || len(left) > 0 {
		t.Errorf("left in the inbox: %v, %v", left, err)
	}
}
