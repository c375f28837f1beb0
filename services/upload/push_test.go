package upload_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/event/gcppubsub"
	"github.com/sajin-gallery/sajin/pkg/event/gcppubsub/pubsubtest"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/pkg/serviceauth"
	"github.com/sajin-gallery/sajin/pkg/serviceauth/googletokens"
	"github.com/sajin-gallery/sajin/pkg/serviceauth/googletokens/googletest"
	"github.com/sajin-gallery/sajin/services/upload"
)

const (
	ownAddress  = "https://upload.example"
	pushAccount = "push@sajin.iam.gserviceaccount.com"
)

// pushedTo is a service to which Pub/Sub pushes, with Google's tokens.
func pushedTo(t *testing.T, s *site) *upload.Service {
	t.Helper()
	server, err := pubsubtest.LaunchFake(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	bus, err := gcppubsub.Open(t.Context(), gcppubsub.Options{Project: "p", Emulator: server.Addr, Create: true})
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := googletokens.NewVerifier(ownAddress, googletest.New())
	if err != nil {
		t.Fatal(err)
	}
	svc, stop := s.run(func(c *upload.Config, d *upload.Deps) {
		c.SweepAge = time.Hour // so that only what is pushed counts
		d.Push = func(s event.Subscription, h event.Handler) (http.Handler, error) {
			return bus.PushHandler(s, h, serviceauth.Of(verifier, pushAccount))
		}
	})
	t.Cleanup(func() {
		stop()
		if err := bus.Close(); err != nil {
			t.Error(err)
		}
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return svc
}

// A bucket's own notification, pushed, makes an image of what is in the bucket:
// once, however often it comes.
func TestABucketsNotificationIsPushed(t *testing.T) {
	s := newSite(t)
	s.listen("test")
	svc := pushedTo(t, s)
	now := time.Now()
	id := identity.NewImageID(now)
	info, err := s.bucket.Put(t.Context(), contract.OriginalKey(id, now, ".jpg"), bytes.NewReader(photograph(t, 8, 8)),
		blob.WriteOptions{ContentType: "image/jpeg", Metadata: map[string]string{"owner": "anna", "name": "a.jpg"}})
	if err != nil {
		t.Fatal(err)
	}
	for delivery := range 3 {
		for _, account := range []string{"other@sajin.iam.gserviceaccount.com", pushAccount} {
			r := httptest.NewRequest(http.MethodPost, "/events/upload-objects", bytes.NewReader(notification(t, delivery, info)))
			r.Header.Set("Authorization", "Bearer "+googletest.Token(t, googletest.Claims(account, ownAddress)))
			w := httptest.NewRecorder()
			svc.Handler().ServeHTTP(w, r)
			if want := map[bool]int{true: http.StatusNoContent, false: http.StatusUnauthorized}[account == pushAccount]; w.Code != want {
				t.Errorf("delivery %d of %s: %d %s", delivery, account, w.Code, w.Body)
			}
		}
	}
	if _, err := s.bucket.Stat(t.Context(), contract.ManifestKey(id)); err != nil {
		t.Errorf("its manifest: %v", err)
	}
	if e := s.heard("test", contract.TypeImageUploaded, 1)[0]; e.Subject != id {
		t.Errorf("published %s, want %s", e.Subject, id)
	}
}

// notification is what Cloud Storage says of an object, as Pub/Sub pushes it.
func notification(t *testing.T, delivery int, info blob.Info) []byte {
	t.Helper()
	generation := fmt.Sprint(info.Generation)
	object, err := json.Marshal(map[string]any{
		"kind": "storage#object", "bucket": "media", "name": info.Key, "generation": generation, "size": fmt.Sprint(info.Size),
		"contentType": info.ContentType, "timeCreated": info.CreatedAt.Format(time.RFC3339Nano),
	})
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(map[string]any{
		"subscription": "projects/p/subscriptions/upload-objects",
		"message": map[string]any{"messageId": fmt.Sprint(delivery), "data": object, "attributes": map[string]string{
			"eventType": "OBJECT_FINALIZE", "bucketId": "media", "objectId": info.Key, "objectGeneration": generation, "payloadFormat": "JSON_API_V1",
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return body
}
