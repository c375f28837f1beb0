package httpapi

import (
	"cmp"
	"errors"
	"net/http"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// answer writes the results, or the one problem when not a single file could be
// taken for reasons of ours: then the whole request may be sent again.
func answer(w http.ResponseWriter, r *http.Request, outcomes []ingest.Outcome, album string) {
	if err := ourFailure(outcomes); err != nil {
		problem.Write(w, r, err)
		return
	}
	response := uploadapi.UploadResponse{Results: make([]uploadapi.Result, 0, len(outcomes)), Album: contract.CleanAlbum(album)}
	for _, o := range outcomes {
		response.Results = append(response.Results, result(r, o))
	}
	if cutShort(outcomes) {
		w.Header().Set("Connection", "close") // the files beyond the limit are not read
	}
	writeJSON(w, r, status(outcomes), response)
}

// ourFailure is the first error when every file failed for reasons of ours.
func ourFailure(outcomes []ingest.Outcome) error {
	for _, o := range outcomes {
		if o.Err == nil || problem.From(o.Err).Status < http.StatusInternalServerError {
			return nil
		}
	}
	return outcomes[0].Err
}

func status(outcomes []ingest.Outcome) int {
	for _, o := range outcomes {
		if o.Err == nil {
			return http.StatusCreated
		}
	}
	if cutShort(outcomes) {
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusUnprocessableEntity
}

func cutShort(outcomes []ingest.Outcome) bool {
	return errors.Is(outcomes[len(outcomes)-1].Err, errTooManyFiles)
}

// unread is the type of a file that is in the bucket and was not read yet: what
// its sender says it is may not be true.
const unread = "application/octet-stream"

func result(r *http.Request, o ingest.Outcome) uploadapi.Result {
	if o.Err != nil {
		details := problem.From(o.Err)
		details.RequestID = problem.RequestID(r.Context())
		problem.Log(r.Context(), o.Err, details)
		return uploadapi.Result{Name: o.Name, Status: uploadapi.StatusRefused, Problem: &details}
	}
	if o.Original.Companion() { // a part of an image that is announced already
		out := uploadapi.Result{Name: o.Name, Status: uploadapi.StatusProcessing, ID: o.Original.ID}
		if o.Ready {
			out.Status = uploadapi.StatusStored
		}
		return out
	}
	stored := uploadapi.Stored{
		Key: o.Original.Key, Size: o.Original.Size, ContentType: cmp.Or(o.Original.ContentType, unread), SHA256: o.Original.SHA256,
		CreatedAt: o.Original.CreatedAt.Format(time.RFC3339Nano), Album: o.Original.Album,
	}
	out := uploadapi.Result{Name: o.Name, Status: uploadapi.StatusProcessing, ID: o.Original.ID, Stored: &stored}
	if o.Ready {
		out.Status = uploadapi.StatusStored
		stored.Width, stored.Height = o.Manifest.Width, o.Manifest.Height
	}
	return out
}
