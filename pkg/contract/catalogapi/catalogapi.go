// Package catalogapi holds the wire types of the catalog service's HTTP API
// (services/catalog/api/openapi.yaml), for the service and for its clients.
// The acting owner is in the header identity.OwnerHeader of every request.
package catalogapi

import (
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
)

// The paths. {id} is an image id.
const (
	PathImages     = "/v1/images"                 // GET: ListRequest as query -> ListResponse
	PathImage      = "/v1/images/{id}"            // GET -> Image; DELETE (to the trash) -> Image
	PathRestore    = "/v1/images/{id}/restore"    // POST -> Image
	PathPurge      = "/v1/images/{id}/purge"      // POST: delete a trashed image for good -> 204
	PathExpect     = "/v1/expected"               // POST: ExpectRequest -> ExpectResponse
	PathKnown      = "/v1/known"                  // POST: KnownRequest -> KnownResponse; changes nothing
	PathNeighbours = "/v1/images/{id}/neighbours" // GET -> Neighbours
	PathMonths     = "/v1/months"                 // GET -> MonthsResponse
	PathChanges    = "/v1/changes"                // GET: ChangesRequest as query -> ChangesResponse
)

// Limits.
const (
	DefaultLimit     = 100 // images a page
	MaxLimit         = 200
	MaxExpect        = 1000 // images in one ExpectRequest
	MaxKnown         = 1000 // contents in one KnownRequest
	MaxChanges       = 500  // changes in one answer
	MaxChangesWaitMS = 25_000
	TrashDays        = 30 // that an image stays in the trash; then it is deleted for good
)

// The states of an image.
const (
	StateProcessing = "processing"
	StateReady      = "ready"
	StateFailed     = "failed"
)

// Image is an image as the catalog knows it.
type Image struct {
	ID          string               `json:"id"`
	Owner       string               `json:"owner"`
	Name        string               `json:"name"`
	Key         string               `json:"key"` // of the original
	ContentType string               `json:"content_type"`
	Size        int64                `json:"size"`
	Width       int                  `json:"width"`
	Height      int                  `json:"height"`
	SHA256      string               `json:"sha256"`
	TakenAt     time.Time            `json:"taken_at"` // the place in the timeline: capture, else last-modified, else upload
	TakenOffset *int                 `json:"taken_offset_minutes,omitempty"`
	CreatedAt   time.Time            `json:"created_at"`
	TrashedAt   *time.Time           `json:"trashed_at,omitempty"`
	State       string               `json:"state"`
	FailCode    string               `json:"fail_code,omitempty"`
	FailDetail  string               `json:"fail_detail,omitempty"`
	Placeholder string               `json:"placeholder,omitempty"`
	Camera      contract.Camera      `json:"camera,omitzero"`
	Place       *contract.Place      `json:"place,omitempty"`
	Animated    bool                 `json:"animated,omitempty"`
	Renditions  []contract.Rendition `json:"renditions"`
	Preview     string               `json:"preview,omitempty"` // contract.PreviewUnavailable: kept, and cannot be shown
	Motion      *contract.Motion     `json:"motion,omitempty"`
	Caption     string               `json:"caption,omitempty"`
	Keywords    []string             `json:"keywords,omitempty"`
	Rating      int                  `json:"rating,omitempty"` // 1..5; 0 for none
	// TraceParent is the place in a trace where it was taken in.
	TraceParent string `json:"traceparent,omitempty"`
}

// ListRequest asks for a page of the timeline, newest first: TakenAt, then ID,
// descending. Query parameters: limit (1..MaxLimit), cursor, trashed (bool: the
// trash instead of the timeline), month (2006-01: only that month), album (the
// id of an album: only its images).
type ListRequest struct {
	Limit   int
	Cursor  string
	Trashed bool
	Month   string
	Album   string
}

// ListResponse is a page. NextCursor is empty on the last one.
type ListResponse struct {
	Images     []Image `json:"images"`
	NextCursor string  `json:"next_cursor,omitempty"`
}

// Neighbours are the images beside one in the order of the timeline, or of the
// trash for an image that is in the trash. An id is empty at the end.
type Neighbours struct {
	NewerID string `json:"newer_id,omitempty"`
	OlderID string `json:"older_id,omitempty"`
}

// ExpectRequest tells the catalog about files that upload has just answered
// for, so that a client that posts and then reads sees them at once, before
// the event arrives. It is idempotent, and never overrides what an event said.
type ExpectRequest struct {
	Images []Expected `json:"images"`
}

// Expected is one such file.
type Expected struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Key         string    `json:"key"`
	Size        int64     `json:"size"`
	ContentType string    `json:"content_type"`
	SHA256      string    `json:"sha256"`
	Width       int       `json:"width"`
	Height      int       `json:"height"`
	CreatedAt   time.Time `json:"created_at"`
	Album       string    `json:"album,omitempty"` // the path of the album that it was uploaded to
}

// ExpectResponse answers in the order of the request.
type ExpectResponse struct {
	Results []ExpectResult `json:"results"`
}

// ExpectResult says whether the image is new, or has the same bytes as another
// of this owner: then DuplicateOf is that one's id, and Trashed whether it is
// in the trash.
type ExpectResult struct {
	ID          string `json:"id"`
	DuplicateOf string `json:"duplicate_of,omitempty"`
	Trashed     bool   `json:"trashed,omitempty"`
}

// Month is how many images of the timeline fall into a month (by TakenAt, in
// the capture's own offset where it is known, else UTC).
type Month struct {
	Month string `json:"month"` // 2006-01
	Count int64  `json:"count"`
}

// MonthsResponse lists the months that have images, newest first.
type MonthsResponse struct {
	Months []Month `json:"months"`
}

// ChangesRequest asks for what changed after a cursor. An empty cursor gives no
// changes and the cursor of now. Query parameters: cursor, wait_ms
// (0..MaxChangesWaitMS): how long to wait for a first change.
type ChangesRequest struct {
	Cursor string
	WaitMS int
}

// Kinds of change.
const (
	ChangeAdded    = "added"    // new in the timeline, in whatever state
	ChangeUpdated  = "updated"  // its state or its data changed
	ChangeTrashed  = "trashed"  // moved to the trash
	ChangeRestored = "restored" // back from the trash
	ChangeRemoved  = "removed"  // gone for good

	ChangeAlbum        = "album_changed" // an album is new, or its name, its place or its members changed
	ChangeAlbumRemoved = "album_removed" // an album was deleted
)

// Change is one entry of the feed. It is about an image or, for the last two
// kinds, about an album.
type Change struct {
	ImageID string    `json:"image_id,omitempty"`
	AlbumID string    `json:"album_id,omitempty"`
	Kind    string    `json:"kind"`
	At      time.Time `json:"at"`
}

// ChangesResponse is the changes in their order, and where to go on.
type ChangesResponse struct {
	Changes []Change `json:"changes"`
	Cursor  string   `json:"cursor"`
}

// KnownRequest asks which contents the owner has in the gallery, so that a
// client need not send them again.
type KnownRequest struct {
	SHA256s []string `json:"sha256s"` // lower-case hexadecimal, at most MaxKnown
}

// KnownResponse answers in the order of the request.
type KnownResponse struct {
	Results []KnownResult `json:"results"`
}

// KnownResult names the image that has the content; ID is empty where none has.
type KnownResult struct {
	SHA256  string `json:"sha256"`
	ID      string `json:"id,omitempty"`
	Trashed bool   `json:"trashed,omitempty"`
}
