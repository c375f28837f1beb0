package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/services/web/internal/gallery"
)

const (
	// formSlack is what a multipart form may hold beside its files: part
	// headers, boundaries and text fields.
	formSlack = 32 << 20
	// uploadStall is how long an upload may make no progress, on the side of
	// the upload service, before it is given up: neither a read of the body nor
	// the answer after its end. It is never less than the wait for two bytes.
	uploadStall = 2 * time.Minute
)

var (
	errNotMultipart = fault.New(fault.Unsupported, "unsupported_media_type",
		"Files must be sent as multipart/form-data.")
	errMalformedMultipart = fault.New(fault.Invalid, "malformed_multipart",
		"The form cannot be read: its Content-Type names no valid boundary.")
	errEncoded = fault.New(fault.Unsupported, "unsupported_content_encoding",
		"A compressed request is not taken. Please send the files as they are.")
	errUploadStalled = fault.New(fault.Timeout, "upload_timeout",
		"The files could not be taken in within the time allowed. Please send them again; those that arrived are recognised.")
)

// uploadImages is POST /api/v1/images.
func (s *Server) uploadImages(w http.ResponseWriter, r *http.Request) error {
	answer, err := s.receive(w, r)
	if err != nil {
		return err
	}
	status := map[gallery.Outcome]int{
		gallery.Stored: http.StatusCreated, gallery.Known: http.StatusOK, gallery.Refused: http.StatusUnprocessableEntity,
	}[gallery.OutcomeOf(answer.Results)]
	return writeJSON(w, status, answer)
}

// receive passes the files of r on as they arrive. What can be refused by the
// header is refused before a byte of the body is read (and so before a client
// that expects 100-continue sends one). The upload ends with the client.
func (s *Server) receive(w http.ResponseWriter, r *http.Request) (uploadapi.UploadResponse, error) {
	limit := s.Uploads.MaxRequestBytes + formSlack
	if err := s.checkUpload(r, limit); err != nil {
		w.Header().Set("Connection", "close")
		return uploadapi.UploadResponse{}, err
	}
	var answer uploadapi.UploadResponse
	err := s.relay(w, r, limit, func(ctx context.Context, body *incoming) (err error) {
		answer, err = s.Gallery.Upload(ctx, r.Header.Get("Content-Type"), r.ContentLength, body)
		return err
	})
	return answer, err
}

// relay has send pass the body of r on as it arrives, up to limit, and says why
// that failed.
func (s *Server) relay(w http.ResponseWriter, r *http.Request, limit int64, send func(context.Context, *incoming) error) error {
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	stall := max(uploadStall, 2*s.Uploads.IdleBody)
	watch := time.AfterFunc(stall, func() { cancel(errUploadStalled) })
	defer watch.Stop()
	body := &incoming{
		from:     http.MaxBytesReader(w, httpx.IdleBody(w, r, s.Uploads.IdleBody), limit),
		progress: func() { watch.Reset(stall) },
	}
	err := send(ctx, body)
	failure := body.finish()
	if !errors.Is(failure, io.EOF) && r.ContentLength != 0 {
		w.Header().Set("Connection", "close") // the rest of the body is not worth reading
	}
	if err != nil {
		return s.explain(failure, context.Cause(ctx), err)
	}
	return nil
}

// checkUpload refuses what the header of an upload already says.
func (s *Server) checkUpload(r *http.Request, limit int64) error {
	mediaType, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	encoding := r.Header.Get("Content-Encoding")
	switch {
	case mediaType != "multipart/form-data":
		return errNotMultipart
	case err != nil || params["boundary"] == "" || len(params["boundary"]) > 70: // RFC 2046, section 5.1.1
		return errMalformedMultipart
	case encoding != "" && encoding != "identity":
		return errEncoded
	case r.ContentLength > limit:
		return s.requestTooLarge()
	default:
		return nil
	}
}

func (s *Server) requestTooLarge() error {
	return fault.Newf(fault.TooLarge, "request_too_large",
		"The files together are larger than the %d MB that one request may have. Please send them in several.", s.Uploads.MaxRequestBytes>>20)
}

// explain says why an upload failed: the body's own failure before the clock's,
// and either before what the upload service made of it.
func (s *Server) explain(body, cause, err error) error {
	tooLarge, _ := errors.AsType[*http.MaxBytesError](body)
	switch {
	case tooLarge != nil:
		return s.requestTooLarge()
	case errors.Is(body, httpx.ErrBodyTimeout):
		return httpx.ErrBodyTimeout.With("httpapi.receive", err)
	case body != nil && !errors.Is(body, io.EOF):
		return httpx.ErrBodyIncomplete.With("httpapi.receive", errors.Join(body, err))
	case errors.Is(cause, errUploadStalled):
		return errUploadStalled.With("httpapi.receive", err)
	default:
		return err
	}
}

// incoming is the body of an upload on its way. A client library may go on
// reading it in the background after it has its answer; by then the connection
// may serve another request, so finish makes an end of that.
type incoming struct {
	from     io.Reader
	progress func()

	mu       sync.Mutex
	ended    error // what from ended with, io.EOF included
	finished bool
}

// Read reads from the client until finish is called.
func (b *incoming) Read(p []byte) (int, error) {
	if err := b.state(); err != nil {
		return 0, err
	}
	n, err := b.from.Read(p)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.finished {
		return 0, http.ErrBodyReadAfterClose
	}
	b.progress()
	b.ended = err
	return n, err
}

func (b *incoming) state() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.finished {
		return http.ErrBodyReadAfterClose
	}
	return b.ended
}

// finish ends the reading and tells how the body ended; nil when it has not.
func (b *incoming) finish() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.finished = true
	return b.ended
}

// writeJSON encodes before it writes the header, so that a failure can still be
// answered as one.
func writeJSON(w http.ResponseWriter, status int, v any) error {
	var body bytes.Buffer
	if err := json.NewEncoder(&body).Encode(v); err != nil {
		return fault.As(fault.Internal, "httpapi.writeJSON", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(body.Bytes()) // the client is gone; there is nobody to tell
	return nil
}
