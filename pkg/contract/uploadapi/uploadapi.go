// Package uploadapi holds the wire types of the upload service's HTTP API
// (services/upload/api/openapi.yaml), for the service and for its clients.
package uploadapi

import "github.com/sajin-gallery/sajin/pkg/httpx/problem"

// PathImages takes POST multipart/form-data: any number of file parts under any
// field name; the answer is an UploadResponse. The acting owner is in the
// header identity.OwnerHeader. 201 when an image was stored, 200 when all were
// duplicates or already there, 422 when none was stored.
const PathImages = "/v1/images"

// A file's outcome.
const (
	StatusStored     = "stored"     // safe, verified, renditions made
	StatusProcessing = "processing" // safe; renditions follow
	StatusDuplicate  = "duplicate"  // the same bytes are in the gallery already
	StatusRefused    = "refused"    // not kept; Problem says why
)

// UploadResponse answers per file, in the order sent.
type UploadResponse struct {
	Results []Result `json:"results"`
	// Album is the one that the form named last, cleaned; "" for none.
	Album string `json:"album,omitempty"`
}

// Result is the outcome for one file.
type Result struct {
	Name        string           `json:"name"`
	Status      string           `json:"status"`
	ID          string           `json:"id,omitempty"`
	DuplicateOf string           `json:"duplicate_of,omitempty"`
	Trashed     bool             `json:"trashed,omitempty"` // of DuplicateOf
	Problem     *problem.Details `json:"problem,omitempty"`
	// Stored describes what was stored, for stored and processing. It is for
	// the calling service; the public API does not show it.
	Stored *Stored `json:"stored,omitempty"`
}

// Stored is what the upload service knows of a file at the time it answers.
type Stored struct {
	Key         string `json:"key"`
	Size        int64  `json:"size"`
	ContentType string `json:"content_type"`
	SHA256      string `json:"sha256,omitempty"` // "" for a file that was not read yet
	Width       int    `json:"width"`
	Height      int    `json:"height"`
	CreatedAt   string `json:"created_at"` // RFC 3339
	Album       string `json:"album,omitempty"`
}
