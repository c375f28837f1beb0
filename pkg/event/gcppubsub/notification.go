package gcppubsub

import (
	"encoding/json"
	"errors"
	"log/slog"
	"strconv"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/event"
)

// https://cloud.google.com/storage/docs/pubsub-notifications#attributes
const (
	attributeEventType  = "eventType"
	attributeBucket     = "bucketId"
	attributeObject     = "objectId"
	attributeGeneration = "objectGeneration"
	objectFinalized     = "OBJECT_FINALIZE"
)

// object is the part that is needed of a notification's data, an object of the
// JSON API. Its numbers are strings.
// https://cloud.google.com/storage/docs/json_api/v1/objects#resource
type object struct {
	Bucket      string    `json:"bucket"`
	Name        string    `json:"name"`
	Generation  int64     `json:"generation,string"`
	Size        int64     `json:"size,string"`
	ContentType string    `json:"contentType"`
	TimeCreated time.Time `json:"timeCreated"`
	Metadata    metadata  `json:"metadata"`
}

// metadata is what an object says of itself: a notification names no trace, but
// one of ours may.
type metadata map[string]string

func (m metadata) traceParent() string {
	if place := m[contract.MetadataTraceParent]; event.ValidTraceParent(place) {
		return place
	}
	return "" // anybody may have put the object there
}

// translate gives the encoded event that a message carries. A bucket's
// notification that an object was finalized becomes one of ours; its other
// notifications are ignored. What cannot be translated is passed on as it is,
// to be judged as malformed.
func (b *Bus) translate(attributes map[string]string, data []byte) (body []byte, ignored bool) {
	kind, notification := attributes[attributeEventType]
	switch {
	case !notification:
		return data, false
	case kind != objectFinalized:
		return nil, true
	}
	e, err := b.finalized(attributes, data)
	if err == nil {
		body, err = event.Encode(e)
	}
	if err != nil {
		slog.Warn("bucket notification not understood", "err", err)
		return data, false
	}
	return body, false
}

func (b *Bus) finalized(attributes map[string]string, data []byte) (event.Event, error) {
	var o object
	if err := json.Unmarshal(data, &o); err != nil {
		return event.Event{}, err
	}
	generation := strconv.FormatInt(o.Generation, 10)
	switch {
	case o.Bucket != attributes[attributeBucket] || o.Name != attributes[attributeObject] || generation != attributes[attributeGeneration]:
		return event.Event{}, errors.New("the attributes disagree with the data")
	case o.Name == "" || o.Generation <= 0 || o.Size < 0:
		return event.Event{}, errors.New("the object has no name, generation or size")
	case b.bucket != "" && o.Bucket != b.bucket:
		return event.Event{}, errors.New("the object is in another bucket")
	}
	e, err := contract.New(o.Bucket+"/"+o.Name+"/"+generation, contract.SourceBucket, contract.TypeObjectFinalized, o.Name, o.TimeCreated,
		contract.ObjectFinalized{Key: o.Name, Generation: o.Generation, Size: o.Size, ContentType: o.ContentType, CreatedAt: o.TimeCreated.UTC()})
	e.TraceParent = o.Metadata.traceParent()
	return e, err
}
