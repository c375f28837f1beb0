package platform_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/gormdb"
	"github.com/sajin-gallery/sajin/pkg/platform"
	"github.com/sajin-gallery/sajin/pkg/platform/databases"
	"github.com/sajin-gallery/sajin/pkg/platform/embedded"
	"github.com/sajin-gallery/sajin/pkg/platform/stores"
)

func TestMain(m *testing.M) {
	// Linking Google's SDKs starts it, for as long as the process lives.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start"))
}

// everything is what the all-in-one can open.
var everything = platform.Kit{Events: embedded.OpenBus, Media: stores.Open, Database: databases.Open}

// below opens what is needed below dir.
func below(t *testing.T, dir string, need platform.Need) *platform.Adapters {
	t.Helper()
	var c platform.Config
	if err := c.Embedded(dir); err != nil {
		t.Fatal(err)
	}
	a, err := everything.Open(t.Context(), c, need)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestOnlyWhatIsNeededIsOpened(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	a := below(t, dir, platform.Events|platform.Media|platform.Database)
	if err := gormdb.Ping(t.Context(), a.DB); err != nil {
		t.Errorf("the database: %v", err)
	}
	for _, name := range []string{"events", "media", "catalog.db"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	a.Close()
	a = below(t, dir, platform.Media) // again, so Close has let go of it
	defer a.Close()
	if a.Media == nil || a.Bus != nil || a.DB != nil {
		t.Errorf("media alone gave %+v", a)
	}
}

func TestWhatIsMissingOpensNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "events")
	_, err := everything.Open(t.Context(), platform.Config{EventsURL: "nats+embedded://" + filepath.ToSlash(dir)}, platform.Events|platform.Media|platform.Database)
	for _, variable := range []string{"SAJIN_MEDIA_URL", "SAJIN_DATABASE_URL"} {
		if err == nil || !strings.Contains(err.Error(), variable) {
			t.Errorf("Open: %v, want it to name %s", err, variable)
		}
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the bus was opened: %v", err)
	}
}

// What fails late closes what was opened before: the folder can be used again.
func TestAFailedOpenLetsGo(t *testing.T) {
	dir := t.TempDir()
	c := platform.Config{DatabaseURL: "mysql://user@/no-place"}
	if err := c.Embedded(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := everything.Open(t.Context(), c, platform.Events|platform.Media|platform.Database); err == nil {
		t.Fatal("a database without a place was opened")
	}
	below(t, dir, platform.Events|platform.Media|platform.Database).Close()
}

// A directory tells the bus of originals, as a bucket's notifications would,
// and of nothing else.
func TestADirectoryAnnouncesItsOriginals(t *testing.T) {
	a := below(t, t.TempDir(), platform.Events|platform.Media)
	defer a.Close()
	sub := event.Subscription{Name: "test", Topic: contract.TopicObjects}
	if err := a.Bus.Ensure(t.Context(), sub); err != nil {
		t.Fatal(err)
	}
	var last blob.Info
	for _, key := range []string{"renditions/a/w320.jpg", "manifests/a.json", "originals/20261122/a.jpg"} {
		var err error
		if last, err = a.Media.Put(t.Context(), key, strings.NewReader("bytes"), blob.WriteOptions{ContentType: "image/jpeg"}); err != nil {
			t.Fatal(err)
		}
	}
	heard := first(t, a.Bus, sub)
	got, err := contract.Decode[contract.ObjectFinalized](heard, contract.TypeObjectFinalized)
	want := contract.ObjectFinalized{
		Key: last.Key, Generation: last.Generation, Size: 5, ContentType: "image/jpeg", CreatedAt: last.CreatedAt,
	}
	if !got.CreatedAt.Equal(want.CreatedAt) {
		t.Errorf("created at %v, want %v", got.CreatedAt, want.CreatedAt)
	}
	got.CreatedAt = want.CreatedAt
	if err != nil || got != want || heard.Source != contract.SourceBucket || heard.Subject != last.Key {
		t.Errorf("heard %+v of %+v, %v", got, heard, err)
	}
}

// first is the first event that the subscription receives.
func first(t *testing.T, bus event.Bus, sub event.Subscription) event.Event {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	heard, done := make(chan event.Event, 1), make(chan error, 1)
	go func() {
		done <- bus.Receive(ctx, sub, func(_ context.Context, d event.Delivery) error {
			select {
			case heard <- d.Event:
			default:
			}
			return nil
		})
	}()
	defer func() { stop(); <-done }()
	select {
	case e := <-heard:
		return e
	case <-ctx.Done():
		t.Fatal("nothing was announced")
		return event.Event{}
	}
}

func TestALocalServiceIsCalledWithoutANetwork(t *testing.T) {
	target := platform.Local("catalog", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Host+r.URL.Path)
	}))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target.Base.JoinPath("v1").String(), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := target.HTTP.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if text, err := io.ReadAll(resp.Body); err != nil || string(text) != "catalog/v1" {
		t.Errorf("%q, %v", text, err)
	}
}
