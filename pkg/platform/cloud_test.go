//go:build !embedded

package platform_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/config"
	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/platform"
)

// Pages must be told where a bucket takes files itself; a directory does not.
func TestWhereSessionsAre(t *testing.T) {
	t.Setenv("STORAGE_EMULATOR_HOST", "127.0.0.1:4443")
	cloud, err := everything.Open(t.Context(), platform.Config{MediaURL: "gs://bucket"}, platform.Media)
	if err != nil {
		t.Fatal(err)
	}
	defer cloud.Close()
	if got := cloud.SessionOrigin(); cloud.Sessions == nil || cloud.Partials != nil || got != "http://127.0.0.1:4443" {
		t.Errorf("over a bucket: sessions at %q", got)
	}
	local := below(t, t.TempDir(), platform.Events|platform.Media)
	defer local.Close()
	if got := local.SessionOrigin(); local.Sessions != nil || local.Partials == nil || got != "" {
		t.Errorf("over a directory: sessions at %q", got)
	}
}

func TestADoorThatGoogleGuards(t *testing.T) {
	door := platform.CatalogDoor()
	if err := config.Load(guardedByGoogle, &door); err != nil {
		t.Fatal(err)
	}
	if g := door.Guard(); g == nil || g.Audience != "https://catalog.example" || len(g.Callers) != 1 {
		t.Errorf("the guard is %+v", g)
	}
}

// Where events are pushed, there is a door for each subscription, and it asks for
// a token; elsewhere there is none.
func TestThePushDoorIsThereWhenItIsAskedFor(t *testing.T) {
	t.Setenv("PUBSUB_EMULATOR_HOST", "127.0.0.1:1") // nobody is called
	for _, account := range []string{"", "push@p.example"} {
		c := platform.Config{EventsURL: "pubsub://p", PushAccount: account}
		if account != "" {
			c.PushAudience = "https://upload.example"
		}
		a, err := everything.Open(t.Context(), c, platform.Events)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		if (a.Push != nil) != (account != "") {
			t.Fatalf("with the account %q there is a door: %v", account, a.Push != nil)
		}
		if a.Push == nil {
			continue
		}
		door, err := a.Push(event.Subscription{Name: "s", Topic: "t"}, func(context.Context, event.Delivery) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		if door.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/events/s", http.NoBody)); w.Code != http.StatusUnauthorized {
			t.Errorf("without a token: %d", w.Code)
		}
	}
}
