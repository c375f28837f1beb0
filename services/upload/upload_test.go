package upload_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/event/natsevents"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx/openapitest"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/upload"
)

func TestMain(m *testing.M) {
	upload.ImageWorker()
	slog.SetDefault(slog.New(slog.DiscardHandler))
	// OpenCensus, below Google's SDKs, starts a worker when it is imported.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start"))
}

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
			_, stop := s.run(func(c *upload.Config, _ *upload.Deps) {
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

// busless is a bus that cannot be reached until it is up: it is silent, then it
// refuses, and so on.
type busless struct {
	*natsevents.Bus
	up    atomic.Bool
	asked atomic.Int32
}

func (b *busless) Ensure(ctx context.Context, s event.Subscription) error {
	switch {
	case b.up.Load():
		return b.Bus.Ensure(ctx, s)
	case b.asked.Add(1)%2 == 1:
		return fault.Wrap("bus.Ensure", context.DeadlineExceeded)
	default:
		return fault.New(fault.Unavailable, "bus_down", "")
	}
}

// refused waits until it was silent once and refused once.
func (b *busless) refused(t *testing.T) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(20 * time.Second); b.asked.Load() < 2; <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("the bus is not asked again")
		}
	}
}

// F40: a bus that comes up later is waited for, whether it refuses or is silent.
func TestF40_StartsBeforeTheBus(t *testing.T) {
	s := newSite(t)
	s.listen("test")
	bus := &busless{Bus: s.bus}
	svc, stop := s.run(func(_ *upload.Config, d *upload.Deps) { d.Bus = bus })
	defer stop()
	bus.refused(t)
	if err := svc.Ready(t.Context()); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("Ready without a bus: %v", err)
	}
	bus.up.Store(true)
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
		d.Push = func(sub event.Subscription, h event.Handler) (http.Handler, error) {
			pushed[sub.Name] = h
			return http.NotFoundHandler(), nil
		}
	})
	defer stop()
	if len(pushed) != 2 || !slices.Contains(svc.Routes(), "POST /events/upload-purges") {
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
	_, err := upload.New(t.Context(), upload.Config{FileBytes: 2, RequestBytes: 1, SweepEvery: -1}, upload.Deps{Blob: s.bucket, Bus: s.bus})
	for _, name := range []string{
		"REQUEST_BYTES", "FILES_PER_REQUEST", "IDLE_BODY", "MEMORY_BYTES", "TEMP_BYTES", "MAX_PIXELS",
		"DERIVE_TIMEOUT", "ANSWER_WITHIN", "SWEEP_EVERY", "SWEEP_AGE", "EVENTS_AT_ONCE",
	} {
		if err == nil || !strings.Contains(err.Error(), "SAJIN_UPLOAD_"+name+" ") {
			t.Errorf("New: %v, want it to name %s", err, name)
		}
	}
}

func TestRoutesAreDescribed(t *testing.T) {
	s := newSite(t)
	svc, stop := s.run(func(_ *upload.Config, d *upload.Deps) {
		d.Push = func(event.Subscription, event.Handler) (http.Handler, error) { return http.NotFoundHandler(), nil }
	})
	defer stop()
	openapitest.Routes(t, svc, upload.OpenAPI)
}
