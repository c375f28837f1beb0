package gallery

import (
	"context"
	"io"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
)

// Catalog knows the images and who may see them. The owner acts through the
// context (identity.WithOwner). What is not there, or not the owner's, is
// fault.NotFound.
type Catalog interface {
	List(ctx context.Context, req catalogapi.ListRequest) (catalogapi.ListResponse, error)
	Get(ctx context.Context, id string) (catalogapi.Image, error)
	Neighbours(ctx context.Context, id string) (catalogapi.Neighbours, error)
	Trash(ctx context.Context, id string) (catalogapi.Image, error)
	Restore(ctx context.Context, id string) (catalogapi.Image, error)
	Purge(ctx context.Context, id string) error
	Expect(ctx context.Context, req catalogapi.ExpectRequest) (catalogapi.ExpectResponse, error)
	Known(ctx context.Context, req catalogapi.KnownRequest) (catalogapi.KnownResponse, error)
	Months(ctx context.Context) (catalogapi.MonthsResponse, error)
	Changes(ctx context.Context, req catalogapi.ChangesRequest) (catalogapi.ChangesResponse, error)
	Albums
}

// Uploader takes files in. The body is a multipart/form-data stream with the
// given content type; length is -1 when it is not known. The body is read as
// the files are stored, never held.
type Uploader interface {
	Upload(ctx context.Context, contentType string, length int64, body io.Reader) (uploadapi.UploadResponse, error)
	// Plan opens sessions for files that arrive in pieces, Send passes a request
	// to one on, and Cancel gives one up. An error of Send may come with the
	// response's Range.
	Plan(ctx context.Context, req uploadapi.PlanRequest) (uploadapi.PlanResponse, error)
	Send(ctx context.Context, req uploadapi.SessionRequest) (uploadapi.SessionResponse, error)
	Cancel(ctx context.Context, session string) error
	// Complete answers for the planned image with that id as the last Send does.
	Complete(ctx context.Context, id string) (uploadapi.SessionResponse, error)
	// Receipt says what is stored of the acting owner's images.
	Receipt(ctx context.Context, req uploadapi.ReceiptRequest) (uploadapi.Receipt, error)
}

// Media reads originals and renditions.
type Media interface {
	Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, blob.Info, error)
}
