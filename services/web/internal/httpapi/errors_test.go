package httpapi_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

// A status of the upload service's that no kind of fault has comes through.
func TestUploadKeepsTheStatusOfAPartsHeader(t *testing.T) {
	s := serve(t, with(func(context.Context, string, int64, io.Reader) (uploadapi.UploadResponse, error) {
		return uploadapi.UploadResponse{}, fault.New(fault.Invalid, "part_header_too_large", "The header of a part is too large.")
	}))
	post := func(path string) answer {
		return s.do(http.MethodPost, path, strings.NewReader("--frontier--\r\n"), "Content-Type: "+boundary)
	}
	post("/api/v1/images").wantProblem(t, http.StatusRequestHeaderFieldsTooLarge, "part_header_too_large")
	post("/upload").want(t, http.StatusRequestHeaderFieldsTooLarge)
}
