package gcsblob_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/blob/gcsblob"
)

// The emulator knows no rules and no notifications, so that the answers are those
// of the API's reference.
// https://cloud.google.com/storage/docs/json_api/v1/buckets
func TestSetupIsReadFromTheAPI(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if strings.HasSuffix(r.URL.Path, "/b/media/notificationConfigs") {
			_, _ = io.WriteString(w, `{"kind": "storage#notifications", "items": [{"kind": "storage#notification", "id": "1",
				"topic": "//pubsub.googleapis.com/projects/photos/topics/sajin-objects", "event_types": ["OBJECT_FINALIZE"],
				"object_name_prefix": "originals/", "payload_format": "JSON_API_V1"}]}`)
			return
		}
		_, _ = io.WriteString(w, `{"kind": "storage#bucket", "name": "media",
			"iamConfiguration": {"uniformBucketLevelAccess": {"enabled": true}, "publicAccessPrevention": "enforced"},
			"cors": [{"origin": ["https://photos.example"], "method": ["PUT", "DELETE"], "maxAgeSeconds": 3600}]}`)
	}))
	defer server.Close()
	store, err := gcsblob.Open(t.Context(), "media", gcsblob.Options{Endpoint: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	got, err := store.Setup(t.Context())
	want := blob.Setup{
		PublicPrevented: true, UniformAccess: true,
		CORS:          []blob.CORS{{Origins: []string{"https://photos.example"}, Methods: []string{"PUT", "DELETE"}}},
		Notifications: []blob.Notification{{Topic: "sajin-objects", Events: []string{"OBJECT_FINALIZE"}, Prefix: "originals/"}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Setup = %+v, %v", got, err)
	}
}
