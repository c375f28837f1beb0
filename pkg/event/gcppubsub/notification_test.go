package gcppubsub

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/event"
)

const objectJSON = `{"kind":"storage#object","id":"media/inbox/local/제주.jpg/1795339800123456","selfLink":"https://x",` +
	`"name":"inbox/local/제주.jpg","bucket":"media","generation":"1795339800123456","metageneration":"1","contentType":"image/jpeg",` +
	`"timeCreated":"2026-11-22T17:30:00.123+09:00","size":"8123456","crc32c":"yZRlqg==","etag":"x"}`

func notification() map[string]string {
	return map[string]string{
		"eventType": "OBJECT_FINALIZE", "payloadFormat": "JSON_API_V1", "bucketId": "media",
		"objectId": "inbox/local/제주.jpg", "objectGeneration": "1795339800123456", "notificationConfig": "x",
	}
}

func TestANotificationBecomesAnEvent(t *testing.T) {
	for _, bucket := range []string{"", "media"} {
		body, ignored := (&Bus{bucket: bucket}).translate(notification(), []byte(objectJSON))
		if ignored {
			t.Fatal("ignored")
		}
		e, err := event.Decode(body)
		if err != nil {
			t.Fatal(err)
		}
		if want := "media/inbox/local/제주.jpg/1795339800123456"; e.ID != want || e.Source != contract.SourceBucket || e.Subject != "inbox/local/제주.jpg" {
			t.Errorf("event %q of %q about %q, want %q", e.ID, e.Source, e.Subject, want)
		}
		got, err := contract.Decode[contract.ObjectFinalized](e, contract.TypeObjectFinalized)
		if err != nil {
			t.Fatal(err)
		}
		want := contract.ObjectFinalized{
			Key: "inbox/local/제주.jpg", Generation: 1795339800123456, Size: 8123456, ContentType: "image/jpeg",
			CreatedAt: time.Date(2026, 11, 22, 8, 30, 0, 123e6, time.UTC),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// The trace goes on that the object names, which its sender may have made up.
func TestANotificationGoesOnWithTheTraceOfItsObject(t *testing.T) {
	const place = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for metadata, want := range map[string]string{
		`{"owner":"local","traceparent":"` + place + `"}`: place,
		`{"owner":"local"}`:                   "",
		`null`:                                "",
		`{"traceparent":"` + place + `-x"}`:   "",
		`{"traceparent":"` + place[1:] + `"}`: "",
		`{"traceparent":""}`:                  "",
	} {
		body, ignored := new(Bus).translate(notification(), []byte(strings.Replace(objectJSON, "{", `{"metadata":`+metadata+",", 1)))
		e, err := event.Decode(body)
		if err != nil || ignored || e.TraceParent != want {
			t.Errorf("%s: the trace goes on as %q, %v, want %q", metadata, e.TraceParent, err, want)
		}
	}
}

func TestOtherNotificationsAreIgnored(t *testing.T) {
	for _, kind := range []string{"OBJECT_METADATA_UPDATE", "OBJECT_DELETE", "OBJECT_ARCHIVE", "OBJECT_OF_THE_FUTURE", ""} {
		attributes := notification()
		attributes["eventType"] = kind
		if _, ignored := new(Bus).translate(attributes, []byte(objectJSON)); !ignored {
			t.Errorf("%q is not ignored", kind)
		}
	}
}

func TestWhatIsNoNotificationIsLeftAlone(t *testing.T) {
	body, ignored := new(Bus).translate(map[string]string{"ce-type": "x"}, []byte("data"))
	if ignored || string(body) != "data" {
		t.Errorf("translate = %q, %v", body, ignored)
	}
}

// TestAWrongNotificationIsPassedOnAsItIs, and is no event, so that it is set
// aside as malformed.
func TestAWrongNotificationIsPassedOnAsItIs(t *testing.T) {
	for name, test := range map[string]struct {
		bucket     string
		attributes map[string]string
		data       string
	}{
		"no payload":         {data: ``},
		"no JSON":            {data: `{"name":`},
		"no object":          {data: `{}`},
		"numbers as numbers": {data: `{"name":"a","bucket":"media","generation":1,"size":1}`},
		"other bucket":       {bucket: "ours", data: objectJSON},
		"bucket disagrees":   {attributes: map[string]string{"bucketId": "other"}, data: objectJSON},
		"name disagrees":     {attributes: map[string]string{"objectId": "../x"}, data: objectJSON},
		"version disagrees":  {attributes: map[string]string{"objectGeneration": "2"}, data: objectJSON},
		"no generation":      {attributes: map[string]string{"objectGeneration": "0", "objectId": "a"}, data: `{"name":"a","bucket":"media","generation":"0","size":"1","timeCreated":"2026-11-22T08:30:00Z"}`},
		"negative size":      {attributes: map[string]string{"objectGeneration": "1", "objectId": "a"}, data: `{"name":"a","bucket":"media","generation":"1","size":"-1","timeCreated":"2026-11-22T08:30:00Z"}`},
		"control character":  {attributes: map[string]string{"objectGeneration": "1", "objectId": "a\u0001"}, data: `{"name":"a\u0001","bucket":"media","generation":"1","size":"1","timeCreated":"2026-11-22T08:30:00Z"}`},
	} {
		attributes := notification()
		maps.Copy(attributes, test.attributes)
		body, ignored := (&Bus{bucket: test.bucket}).translate(attributes, []byte(test.data))
		if ignored || string(body) != test.data {
			t.Errorf("%s: translate = %q, %v", name, body, ignored)
		}
		if _, err := event.Decode(body); err == nil {
			t.Errorf("%s: is taken for an event", name)
		}
	}
}
