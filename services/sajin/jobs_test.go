//go:build !embedded

package main

import (
	"bytes"
	"context"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fsouza/fake-gcs-server/fakestorage"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/blob/gcsblob/gcstest"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/event/gcppubsub/pubsubtest"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/pkg/platform"
	"github.com/sajin-gallery/sajin/pkg/telemetry/telemetrytest"
	"github.com/sajin-gallery/sajin/services/catalog"
	"github.com/sajin-gallery/sajin/services/upload"
)

// cloud is where a job works that runs in the cloud: a bucket, Pub/Sub and a
// database elsewhere, and nothing in its own folder.
func cloud(t *testing.T) *platform.Adapters {
	t.Helper()
	events, err := pubsubtest.LaunchFake(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	fake, err := fakestorage.NewServerWithOptions(fakestorage.Options{NoListener: true, Writer: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Stop)
	fake.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: "media"})
	server := httptest.NewServer(gcstest.New(fake.HTTPHandler()))
	t.Cleanup(server.Close)
	for name, value := range map[string]string{
		"STORAGE_EMULATOR_HOST": server.URL, "PUBSUB_EMULATOR_HOST": events.Addr, "SAJIN_UPLOAD_SWEEP_AGE": "1ns", "SAJIN_LOG_LEVEL": "error",
		"SAJIN_MEDIA_URL": "gs://media", "SAJIN_EVENTS_URL": "pubsub://project", "SAJIN_DATABASE_URL": "sqlite://" + filepath.Join(t.TempDir(), "catalog.db"),
	} {
		t.Setenv(name, value)
	}
	t.Chdir(t.TempDir())
	a, err := everything.Open(t.Context(), platform.Config{MediaURL: "gs://media", EventsURL: "pubsub://project"}, platform.Events|platform.Media)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

// The jobs of a deployment on Cloud Run do what the services' clocks do
// elsewhere, with what they are told by URL and nothing on disk.
func TestJobsWorkInTheCloud(t *testing.T) {
	a := cloud(t)
	heard := make(chan event.Event, 10)
	images := event.Subscription{Name: "watcher", Topic: contract.TopicImages}
	if err := a.Bus.Ensure(t.Context(), images); err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-time.Hour).UTC()
	id := identity.NewImageID(at)
	_, err := a.Media.Put(t.Context(), contract.OriginalKey(id, at, ".jpg"), bytes.NewReader(picture(t, 7)),
		blob.WriteOptions{ContentType: "image/jpeg", Metadata: map[string]string{"owner": "local", "name": "left.jpg"}})
	if err != nil {
		t.Fatal(err)
	}
	spans := exported(t)
	for _, tt := range []struct{ command, want string }{
		{"migrate", "catalog: brought from version 0"},
		{"sweep", "1 processed"},
		{"purge", "0 images purged"},
	} {
		if out, problem, code := run(t, tt.command); code != 0 || !strings.Contains(out, tt.want) {
			t.Errorf("%s: %d %s%s, want %q", tt.command, code, out, problem, tt.want)
		}
	}
	if _, err := a.Media.Stat(t.Context(), contract.ManifestKey(id)); err != nil {
		t.Errorf("the sweep left no manifest: %v", err)
	}
	if names := spans(); !slices.Contains(names, "process image") || !slices.Contains(names, "send sajin-images") {
		t.Errorf("the jobs ended and had exported %q", names)
	}
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	received := make(chan error, 1)
	go func() {
		received <- a.Bus.Receive(ctx, images, func(_ context.Context, d event.Delivery) error { heard <- d.Event; return nil })
	}()
	select {
	case e := <-heard:
		if e.Type != contract.TypeImageUploaded || e.Subject != id {
			t.Errorf("published %s of %s", e.Type, e.Subject)
		}
	case <-ctx.Done():
		t.Error("nothing was published")
	}
	stop()
	if err := <-received; err != nil {
		t.Errorf("receive: %v", err)
	}
	if left, err := os.ReadDir("."); err != nil || len(left) != 0 {
		t.Errorf("the jobs wrote %v to their folder (%v)", left, err)
	}
}

// exported begins to take the spans of commands, which send them at their end and
// not before.
func exported(t *testing.T) (names func() []string) {
	t.Helper()
	c := telemetrytest.Collect(t)
	for _, variable := range append(c.Environment(), "OTEL_BSP_SCHEDULE_DELAY=3600000") { // milliseconds
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	return func() (out []string) {
		for _, s := range c.Spans() {
			out = append(out, s.Name)
		}
		return out
	}
}

// What Pub/Sub and the database lack is named, each with the command that makes
// it; when all is there, doctor is content.
func TestDoctorKnowsWhatTheCloudLacks(t *testing.T) {
	a := cloud(t)
	out, problem, code := run(t, "doctor")
	for _, want := range []string{
		"ok       media: objects can be written", "problem  events: topic sajin-images is not there", "> gcloud pubsub topics create sajin-images",
		"problem  events: subscription catalog-images is not there", "> gcloud pubsub subscriptions create catalog-images --topic=sajin-images",
		"problem  events: topic upload-purges-dead is not there", "problem  schema of catalog", "> sajin migrate",
	} {
		if code != 1 || !strings.Contains(out, want) {
			t.Errorf("no %q in %d\n%s%s", want, code, out, problem)
		}
	}
	if err := upload.Subscribe(t.Context(), a.Bus, upload.Config{Concurrency: 1}); err != nil {
		t.Fatal(err)
	}
	if err := catalog.Subscribe(t.Context(), a.Bus, catalog.Config{EventWorkers: 1}); err != nil {
		t.Fatal(err)
	}
	if out, problem, code := run(t, "migrate"); code != 0 {
		t.Fatalf("%d %s%s", code, out, problem)
	}
	out, problem, _ = run(t, "doctor")
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, "problem") && !strings.Contains(line, "notification") { // the emulator has none to show
			t.Errorf("%s%s", line, problem)
		}
	}
	if !strings.Contains(out, "ok       events: upload-objects is subscribed to sajin-objects, pulled") {
		t.Errorf("%s", out)
	}
	t.Setenv("SAJIN_EVENTS_PUSH_AUDIENCE", "https://upload.example")
	t.Setenv("SAJIN_EVENTS_PUSH_ACCOUNT", "push@project.example")
	if out, _, code := run(t, "doctor"); code != 1 || !strings.Contains(out, "problem  events: subscription upload-objects is pulled by nobody") ||
		!strings.Contains(out, "> gcloud pubsub subscriptions modify-push-config upload-objects --push-endpoint=ADDRESS/events/upload-objects --push-auth-service-account=push@project.example") {
		t.Errorf("%d %s", code, out)
	}
}

// A job of Cloud Run is told of what it uses itself, and has no data folder: doctor
// looks at that, and says what it was not told of.
func TestDoctorLooksAtWhatAJobUses(t *testing.T) {
	cloud(t)
	t.Setenv("SAJIN_DATABASE_URL", "")
	t.Setenv("SAJIN_WEB_DATABASE_URL", "sqlite://"+filepath.Join(t.TempDir(), "accounts.db"))
	out, problem, code := run(t, "doctor")
	for _, want := range []string{
		"warning  data folder: sajin-data is not there yet", "set SAJIN_DATABASE_URL\n", "ok       media: objects can be written",
		"problem  events: topic sajin-images is not there", "problem  schema of web: it is at version 0",
	} {
		if code != 1 || !strings.Contains(out, want) {
			t.Errorf("no %q in %d\n%s%s", want, code, out, problem)
		}
	}
	if strings.Index(out, "topic upload-objects-dead is not there") > strings.Index(out, "subscription upload-objects is not there") {
		t.Errorf("a subscription comes before what it needs:\n%s", out)
	}
}
