package httpapi_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/upload/internal/httpapi"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// reader is a core that reads every file and keeps none.
type reader struct {
	httpapi.Sessions
	httpapi.Receipts
	files int
	bytes int64
}

func (r *reader) Receive(_ context.Context, _ identity.Owner, files iter.Seq2[ingest.File, error]) ([]ingest.Outcome, error) {
	var out []ingest.Outcome
	for f, err := range files {
		if err != nil {
			return nil, err
		}
		if r.files++; f.Refusal == nil {
			n, err := io.Copy(io.Discard, f.Body)
			if r.bytes += n; err != nil {
				return nil, &ingest.BodyError{Err: err}
			}
		}
		out = append(out, ingest.Outcome{Name: ingest.CleanName(f.Name), Err: ingest.ErrCorrupt})
	}
	if len(out) == 0 {
		return nil, errors.New("no file and no error")
	}
	return out, nil
}

// Whatever the body, the answer is one that is described, and what was read of
// it is within the limits.
func FuzzMultipart(f *testing.F) {
	for _, parts := range [][]part{
		{filePart("a.jpg", "content")},
		{fieldPart("last_modified", "1580702706789"), filePart("a.jpg", "content"), filePart("", "")},
		{{`Content-Disposition: form-data; name="f"; filename*=UTF-8''a%00.jpg`, "x"}},
		{{`Content-Disposition: form-data; filename="a"; filename="b"`, "x"}},
		{{"Content-Disposition: form-data; filename=\"a\"\r\nContent-Transfer-Encoding: base64", "x"}},
	} {
		f.Add(form(parts...))
	}
	f.Add("--frontier\r\n\r\n")
	f.Add("--frontier--")
	f.Add(strings.Repeat("--frontier\r\n", 100))
	limits := httpapi.Limits{RequestBytes: 4096, Files: 4, Parts: 8, FieldBytes: 64, PartHeaderBytes: 256}
	described := map[int]bool{400: true, 408: true, 413: true, 422: true, 431: true}
	f.Fuzz(func(t *testing.T, body string) {
		core := &reader{}
		h := httpapi.New(core, limits, health())
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, uploadapi.PathImages, strings.NewReader(body))
		req.ContentLength = -1
		req.Header.Set("Content-Type", formType)
		req.Header.Set(identity.OwnerHeader, owner)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		if !described[w.Code] {
			t.Errorf("answered %d %s", w.Code, w.Body)
		}
		if core.files > limits.Files+1 || core.bytes > limits.RequestBytes {
			t.Errorf("read %d files of %d bytes", core.files, core.bytes)
		}
	})
}
