// Package contract holds what the services say to each other: the events, as
// versioned structs with golden files. The wire types of the HTTP APIs are in
// catalogapi and uploadapi beside it.
//
// A consumer ignores fields that it does not know; a field is never removed or
// given another meaning within a version. The package has no behaviour beyond
// encoding and checking.
package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

// The topics.
const (
	// TopicObjects carries the bucket's own notifications: an object is there.
	TopicObjects event.Topic = "sajin-objects"
	// TopicImages carries ImageUploaded and ImageRejected, from upload.
	TopicImages event.Topic = "sajin-images"
	// TopicPurges carries ImagePurged, from catalog.
	TopicPurges event.Topic = "sajin-purges"
)

// PathEvents is where a service takes the events of a subscription that the bus
// pushes, with the subscription's name behind it.
const PathEvents = "/events/"

// The event types.
const (
	TypeObjectFinalized = "object.finalized.v1"
	TypeImageUploaded   = "image.uploaded.v1"
	TypeImageRejected   = "image.rejected.v1"
	TypeImagePurged     = "image.purged.v1"
)

// The sources.
const (
	SourceUpload  = "/services/upload"
	SourceCatalog = "/services/catalog"
	SourceBucket  = "/bucket"
)

// ObjectFinalized says that an object was stored completely. It is made from a
// Cloud Storage notification, or by fileblob.
type ObjectFinalized struct {
	Key         string    `json:"key"`
	Generation  int64     `json:"generation,string"`
	Size        int64     `json:"size,string"`
	ContentType string    `json:"content_type,omitempty"`
	CreatedAt   time.Time `json:"created_at"`
}

// Manifest is everything that is known about a stored image. It is written to
// the bucket as manifests/<id>.json and carried by ImageUploaded, so that the
// catalog can be rebuilt from the bucket alone.
type Manifest struct {
	Version     int        `json:"version"` // 1
	ID          string     `json:"id"`
	Owner       string     `json:"owner"`
	Name        string     `json:"name"` // as shown; never part of a path
	Key         string     `json:"key"`  // of the original
	Generation  int64      `json:"generation,string"`
	Size        int64      `json:"size"`
	ContentType string     `json:"content_type"` // detected, not declared
	SHA256      string     `json:"sha256"`       // lower-case hexadecimal
	CRC32C      uint32     `json:"crc32c"`
	Width       int        `json:"width"`  // upright
	Height      int        `json:"height"` // upright
	TakenAt     *time.Time `json:"taken_at,omitempty"`
	// TakenOffset is the capture's own offset from UTC in minutes, where the
	// camera recorded it.
	TakenOffset *int `json:"taken_offset_minutes,omitempty"`
	// ModifiedAt is the file's last-modified time, where the client sent it.
	ModifiedAt  *time.Time  `json:"modified_at,omitempty"`
	CreatedAt   time.Time   `json:"created_at"`            // of the upload
	Placeholder string      `json:"placeholder,omitempty"` // thumbhash, base64 (standard alphabet, padded)
	Camera      Camera      `json:"camera,omitzero"`
	Place       *Place      `json:"place,omitempty"`
	Animated    bool        `json:"animated,omitempty"`
	Renditions  []Rendition `json:"renditions"`
	// Preview is PreviewUnavailable for an original that is kept although no
	// rendition can be made of it, and empty otherwise.
	Preview string `json:"preview,omitempty"`
	// Motion is the moving part of a live picture.
	Motion *Motion `json:"motion,omitempty"`
	// Films are further films beside the original, other than Motion: they came
	// with copies of the picture that turned out to be the same. They are kept with
	// it, and go with it.
	Films []Motion `json:"films,omitempty"`
	// Album is where the image was uploaded to: the names of nested albums from
	// the top, joined by '/'; empty for none.
	Album       string   `json:"album,omitempty"`
	Caption     string   `json:"caption,omitempty"`
	Keywords    []string `json:"keywords,omitempty"`
	Rating      int      `json:"rating,omitempty"`   // 1..5; 0 for none
	Warnings    []string `json:"warnings,omitempty"` // codes, such as "metadata_unreadable"
	TraceParent string   `json:"traceparent,omitempty"`
}

// PreviewUnavailable is the code of an image that can be kept and downloaded
// but not shown.
const PreviewUnavailable = "preview_unavailable"

// WarningProcessingFailed is the warning of an image that is kept as it is
// because processing it has failed too often, for no reason of its own that is
// known. It has no preview.
const WarningProcessingFailed = "processing_failed"

// Motion is the moving part of a live picture: a range of the original, as
// Google's motion photos have it, or an object beside it, as Apple's live photos
// have it.
type Motion struct {
	Key         string `json:"key"`              // of the object that holds it
	Offset      int64  `json:"offset,omitempty"` // bytes into that object
	Length      int64  `json:"length"`           // bytes
	ContentType string `json:"content_type"`     // video/mp4 or video/quicktime
	SHA256      string `json:"sha256,omitempty"` // lower-case hexadecimal; of a film beside the original
}

// Beside lists the films that are objects of their own, beside the original.
func (m Manifest) Beside() []Motion {
	if m.Motion == nil || m.Motion.Key == m.Key {
		return m.Films
	}
	return append([]Motion{*m.Motion}, m.Films...)
}

// Camera is how the picture was taken, as far as the metadata says.
type Camera struct {
	Make         string  `json:"make,omitempty"`
	Model        string  `json:"model,omitempty"`
	Lens         string  `json:"lens,omitempty"`
	ExposureTime string  `json:"exposure_time,omitempty"` // seconds, such as "1/250"
	FNumber      float64 `json:"f_number,omitempty"`
	ISO          int     `json:"iso,omitempty"`
	FocalLength  float64 `json:"focal_length_mm,omitempty"`
}

// Place is where the picture was taken, in WGS 84 degrees.
type Place struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
}

// Rendition is a smaller copy for the screen.
type Rendition struct {
	Name        string `json:"name"` // w320, w1024, w2048
	Key         string `json:"key"`
	Width       int    `json:"width"`
	Height      int    `json:"height"`
	Size        int64  `json:"size"`
	ContentType string `json:"content_type"`
}

// ImageUploaded says that an image is stored, verified and ready to be shown.
type ImageUploaded struct {
	Manifest Manifest `json:"manifest"`
}

// ImageRejected says that what was uploaded is not kept, and why.
type ImageRejected struct {
	ID     string `json:"id"`
	Owner  string `json:"owner"`
	Name   string `json:"name"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// ImagePurged says that the image's objects are to be deleted for good.
type ImagePurged struct {
	ID    string `json:"id"`
	Owner string `json:"owner"`
	Key   string `json:"key"` // of the original
	// DuplicateOf is the image that stays in its place, where it has the same
	// bytes: what came with this one moves there.
	DuplicateOf string `json:"duplicate_of,omitempty"`
}

// New makes an event around data. The id must be the same whenever the same
// fact is said again.
func New(id, source, typ, subject string, at time.Time, data any) (event.Event, error) {
	body, err := json.Marshal(data)
	if err != nil {
		return event.Event{}, fmt.Errorf("contract: encode %s: %w", typ, err)
	}
	return event.Event{ID: id, Source: source, Type: typ, Subject: subject, Time: at.UTC(), Data: body}, nil
}

// Decode reads the data of an event of the given type. A wrong type or
// malformed data is Invalid, so that the event is set aside, not tried again.
func Decode[T any](e event.Event, typ string) (T, error) {
	var data T
	if e.Type != typ {
		return data, fault.Newf(fault.Invalid, "event_type_unknown", "The event is %q, not %q.", e.Type, typ)
	}
	err := json.Unmarshal(e.Data, &data)
	if err == nil && bytes.Equal(bytes.TrimSpace(e.Data), []byte("null")) {
		err = errors.New("null") // which encoding/json takes for anything
	}
	if err != nil {
		return data, fault.New(fault.Invalid, "event_malformed", "The event's data cannot be read.").With("contract.Decode", err)
	}
	return data, nil
}

// Keys in the media bucket.
const (
	PrefixOriginals  = "originals/"
	PrefixRenditions = "renditions/"
	PrefixManifests  = "manifests/"
	// PrefixSessions is for what upload notes of sessions that the bucket serves.
	PrefixSessions = "sessions/"
	// PrefixInbox is where other tools put files to be taken in, by owner.
	PrefixInbox = "inbox/"
	// PrefixInboxRefused is where those of them go that are not taken.
	PrefixInboxRefused = "inbox-refused/"
	// PrefixAttempts is of no object that is kept: it holds who is at work on an
	// image, and how often that has failed.
	PrefixAttempts = "attempts/"
)

// MetadataTraceParent is the name under which the metadata of an original says in
// which trace it came, as a W3C traceparent.
const MetadataTraceParent = "traceparent"

// OriginalKey is where an upload is stored: by UTC day, then id. The name of
// the file is not part of it, since a name is hostile input.
func OriginalKey(id string, at time.Time, extension string) string {
	return PrefixOriginals + at.UTC().Format("20060102") + "/" + id + extension
}

// RenditionKey is where a rendition is stored.
func RenditionKey(id, name, extension string) string {
	return PrefixRenditions + id + "/" + name + extension
}

// ManifestKey is where the manifest of an image is stored.
func ManifestKey(id string) string { return PrefixManifests + id + ".json" }
