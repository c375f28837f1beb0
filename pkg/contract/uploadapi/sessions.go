package uploadapi

import (
	"encoding/json"
	"io"
	"strconv"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
)

// The paths of uploads in pieces. A session speaks the protocol of Cloud
// Storage's resumable uploads.
// https://cloud.google.com/storage/docs/performing-resumable-uploads
const (
	PathUploads = "/v1/uploads"           // POST: PlanRequest -> PlanResponse
	PathSession = "/v1/uploads/{session}" // PUT: a chunk, or "bytes */N" -> 308, or 200 or 201 with a Result; DELETE -> 499
	// PathComplete takes POST with the id that the plan gave, when a session that
	// is not ours (Cloud Storage's own) has taken the last byte; it answers as the
	// last PUT to a session of ours does, any number of times.
	PathComplete = "/v1/uploads/{id}/complete"
)

// Limits of a plan.
const (
	MaxPlanFiles = 1000
	MaxPlanBytes = 4 << 20 // of the request
	MaxCaption   = 2000    // characters
)

// StatusNew is what a planned file is that may be sent. Others are
// StatusDuplicate or StatusRefused.
const StatusNew = "new"

// PlanRequest asks for sessions for up to MaxPlanFiles files.
type PlanRequest struct {
	Files []PlanFile `json:"files"`
	// Origin is scheme, host and port of the page that will send the files, ""
	// for none. The edge knows it; a client does not say it.
	Origin string `json:"-"`
}

// OriginPlan is a PlanRequest on its way from the edge to the upload service.
type OriginPlan struct {
	Files  []PlanFile `json:"files"`
	Origin string     `json:"origin,omitempty"`
}

// MaxOriginBytes bounds Origin: "https://", the longest name of a host, a port.
const MaxOriginBytes = 8 + 253 + 6

// PlanFile is a file that a client wants to send.
type PlanFile struct {
	Name         string `json:"name"`
	Size         Length `json:"size"`
	ContentType  string `json:"content_type,omitempty"`  // hearsay: the content decides
	SHA256       string `json:"sha256,omitempty"`        // lower-case hexadecimal
	LastModified Moment `json:"last_modified,omitempty"` // RFC 3339, or milliseconds since 1970
	Path         string `json:"path,omitempty"`          // of its folder
	Album        string `json:"album,omitempty"`         // where it goes: names joined by '/'
	// CompanionOf is the id of an image that the gallery has, of which the file is
	// the film, as Apple's live photos have one beside them. The result of the file
	// is stored or processing, with that image's id.
	CompanionOf string `json:"companion_of,omitempty"`

	// What is known of the picture from elsewhere. It counts where the file itself
	// does not say, and changes nothing of a picture that is in the gallery.
	TakenAt Moment          `json:"taken_at,omitempty"` // as LastModified
	Caption string          `json:"caption,omitempty"`  // at most MaxCaption characters are kept
	Place   *contract.Place `json:"place,omitempty"`
}

// AlbumPath is the album that the file goes into, cleaned: the one it names, or
// else its folder. It is empty for none.
func (f PlanFile) AlbumPath() string {
	if f.Album != "" {
		return contract.CleanAlbum(f.Album)
	}
	return contract.FolderAlbum(f.Path)
}

// Length is a number of bytes. What is no whole number is -1, so that one file
// is refused for it and not the whole plan.
type Length int64

// UnmarshalJSON never fails.
func (l *Length) UnmarshalJSON(raw []byte) error {
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil {
		n = -1
	}
	*l = Length(n)
	return nil
}

// Moment is a time as a string or a number.
type Moment string

// UnmarshalJSON never fails: the time is a hint.
func (m *Moment) UnmarshalJSON(raw []byte) error {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		text = string(raw)
	}
	*m = Moment(text)
	return nil
}

// PlanResponse answers in the order of the request.
type PlanResponse struct {
	Files []PlanResult `json:"files"`
}

// PlanResult says what to do with a file: send it (new), nothing (duplicate, as
// only the edge says), or something else (refused).
type PlanResult struct {
	Status      string           `json:"status"`
	ID          string           `json:"id,omitempty"`          // that the image will have
	SessionURL  string           `json:"session_url,omitempty"` // a path, or Cloud Storage's own address
	ExpiresAt   *time.Time       `json:"expires_at,omitempty"`
	DuplicateOf string           `json:"duplicate_of,omitempty"`
	Trashed     bool             `json:"trashed,omitempty"` // of DuplicateOf
	Problem     *problem.Details `json:"problem,omitempty"`
}

// SessionRequest is a PUT to a session.
type SessionRequest struct {
	Session      string
	ContentRange string // the header, "" for none
	Length       int64  // of the body, or -1
	Body         io.Reader
}

// SessionResponse is its answer: 308 while more is to come, then a result.
type SessionResponse struct {
	Status int
	Range  string // the header: which bytes are there; "" for none
	Result *Result
}
