package httpapi_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/upload/internal/httpapi"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

func TestU29_Forms(t *testing.T) {
	content := jpegOf(t, corners(8, 8))
	whole := form(filePart("a.jpg", content))
	open := strings.TrimSuffix(whole, "--frontier--\r\n")
	s := newServer(t)
	for name, c := range map[string]struct {
		contentType, body string
		status            int
		want              string
	}{
		"any field name":        {formType, form(part{`Content-Disposition: form-data; name="x y"; filename="a.jpg"`, content}), 201, uploadapi.StatusStored},
		"no field name":         {formType, form(part{`Content-Disposition: form-data; filename="a.jpg"`, content}), 201, uploadapi.StatusStored},
		"no file name":          {formType, form(fieldPart("file_field", "text")), 400, "no_files"},
		"blank file field":      {formType, form(filePart("", "")), 400, "no_files"},
		"blank name, content":   {formType, form(filePart("", content)), 201, uploadapi.StatusStored},
		"blank and another":     {formType, form(filePart("", ""), filePart("a.jpg", content)), 201, uploadapi.StatusStored},
		"empty form":            {formType, form(), 400, "no_files"},
		"no body":               {formType, "", 400, "body_incomplete"},
		"no boundary":           {"multipart/form-data", whole, 400, "malformed_multipart"},
		"empty boundary":        {`multipart/form-data; boundary=""`, whole, 400, "malformed_multipart"},
		"boundary of 71":        {"multipart/form-data; boundary=" + strings.Repeat("x", 71), whole, 400, "malformed_multipart"},
		"boundary of 200":       {"multipart/form-data; boundary=" + strings.Repeat("x", 200), whole, 400, "malformed_multipart"},
		"broken parameter":      {"multipart/form-data; boundary", whole, 400, "malformed_multipart"},
		"other boundary":        {"multipart/form-data; boundary=other", whole, 400, "body_incomplete"},
		"no final boundary":     {formType, open, 400, "body_incomplete"},
		"final without newline": {formType, strings.TrimSuffix(whole, "\r\n"), 201, uploadapi.StatusStored},
		"epilogue":              {formType, whole + strings.Repeat("epilogue\r\n", 10), 201, uploadapi.StatusStored},
		"bare line feeds":       {formType, strings.ReplaceAll(form(filePart("a.jpg", "@")), "\r\n", "\n"), 422, "422 image_corrupt"},
		"nested":                {formType, form(part{"Content-Disposition: form-data; name=\"f\"\r\nContent-Type: multipart/mixed; boundary=b", "--b\r\nContent-Disposition: file; filename=\"a\"\r\n\r\nx\r\n--b--"}), 400, "no_files"},
		"short preamble":        {formType, "preamble\r\n" + whole, 201, uploadapi.StatusStored},
		"preamble of 10 MB":     {formType, strings.Repeat("preamble\r\n", 1<<20) + whole, 400, "malformed_multipart"},
		"line of 10 MB":         {formType, strings.Repeat("x", 10<<20) + whole, 400, "malformed_multipart"},
		"base64":                {formType, form(part{"Content-Disposition: form-data; filename=\"a.jpg\"\r\nContent-Transfer-Encoding: base64", content}), 422, "422 transfer_encoding_unsupported"},
		"binary":                {formType, form(part{"Content-Disposition: form-data; filename=\"a.jpg\"\r\nContent-Transfer-Encoding: Binary", content}), 201, uploadapi.StatusStored},
		"json":                  {"application/json", "{}", 415, "unsupported_media_type"},
		"other multipart":       {"multipart/mixed; boundary=frontier", whole, 415, "unsupported_media_type"},
		"url encoded":           {"application/x-www-form-urlencoded", "a=b", 415, "unsupported_media_type"},
		"no type":               {"", whole, 415, "unsupported_media_type"},
	} {
		t.Run(name, func(t *testing.T) {
			r := s.do(s.request(c.contentType, strings.NewReader(c.body)))
			if r.problem.Code != "" {
				r.expectProblem(t, c.status, c.want)
				return
			}
			r.expect(t, c.status, c.want)
		})
	}
}

func TestLastModified(t *testing.T) {
	content := jpegOf(t, corners(8, 8))
	at := time.Date(2020, 2, 3, 4, 5, 6, 789e6, time.UTC)
	s := newServer(t)
	for text, want := range map[string]*time.Time{
		"2020-02-03T05:05:06.789+01:00": &at,
		" 1580702706789 ":               &at,
		"":                              nil,
		"yesterday":                     nil,
		"99999999999999999":             nil,
		"9223372036854775807":           nil,
		"-9223372036854775808":          nil,
		"1000-01-01T00:00:00Z":          nil,
	} {
		r := s.post(fieldPart("last_modified", text), filePart("a.jpg", content), filePart("b.jpg", content))
		r.expect(t, 201, uploadapi.StatusStored, uploadapi.StatusStored)
		got := s.manifest(r.results[0].ID).ModifiedAt
		if (got == nil) != (want == nil) || got != nil && !got.Equal(*want) {
			t.Errorf("%q is kept as %v, want %v", text, got, want)
		}
		if got := s.manifest(r.results[1].ID).ModifiedAt; got != nil {
			t.Errorf("%q is kept for the next file too", text)
		}
	}
}

// The first files are answered; the rest is not read.
// The answer says into which album the files went, or would have gone.
func TestTheAnswerNamesTheAlbum(t *testing.T) {
	content := jpegOf(t, corners(8, 8))
	s := newServer(t)
	for _, c := range []struct {
		parts []part
		want  string
	}{
		{[]part{filePart("a.jpg", content)}, ""},
		{[]part{fieldPart("album", "Trips / Seoul"), filePart("b.jpg", content)}, "Trips/Seoul"},
		{[]part{fieldPart("album", "Trips"), filePart("notes.txt", "x")}, "Trips"},
	} {
		if got := s.post(c.parts...).album; got != c.want {
			t.Errorf("the answer names the album %q, want %q", got, c.want)
		}
	}
}

func TestU30_TooManyFiles(t *testing.T) {
	const limit = 5
	content := jpegOf(t, corners(8, 8))
	for n := limit - 1; n <= limit+2; n++ {
		s := newServer(t, func(l *httpapi.Limits, _ *ingest.Config) { l.Files = limit })
		var parts []part
		var want []string
		for i := range n {
			parts = append(parts, filePart(fmt.Sprint(i), content))
			if i < limit {
				want = append(want, uploadapi.StatusStored)
			}
		}
		if n > limit {
			want = append(want, "413 too_many_files")
		}
		r := s.post(parts...)
		r.expect(t, 201, want...)
		if got := len(s.bucket.Keys(contract.PrefixOriginals)); got != min(n, limit) {
			t.Errorf("%d of %d files were stored", got, n)
		}
	}
}

func TestU30_TenThousandFilesOfNothing(t *testing.T) {
	s := newServer(t)
	r := s.post(slices.Repeat([]part{filePart("a", "x")}, 10_000)...)
	if r.status != 413 || len(r.results) != 1001 || r.outcomes()[1000] != "413 too_many_files" || r.outcomes()[999] != "422 image_corrupt" {
		t.Errorf("answered %d with %d results", r.status, len(r.results))
	}
	s.empty()
}

type counter struct {
	r io.Reader
	n atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

func TestU31_TextFields(t *testing.T) {
	const limit = 16 << 10
	content := jpegOf(t, corners(8, 8))
	for size, want := range map[int]string{limit - 1: "", limit: "", limit + 1: "field_too_large", 10 << 20: "field_too_large"} {
		s := newServer(t)
		for _, name := range []string{"text", "last_modified"} {
			r := s.post(fieldPart(name, strings.Repeat("x", size)), filePart("a.jpg", content))
			if want == "" {
				r.expect(t, 201, uploadapi.StatusStored)
				continue
			}
			r.expectProblem(t, 413, want)
			s.empty()
		}
	}
}

func TestU31_TooManyParts(t *testing.T) {
	const limit = 10
	content := jpegOf(t, corners(8, 8))
	for fields, want := range map[int]string{limit - 2: "", limit - 1: "", limit: "too_many_parts", 1000: "too_many_parts"} {
		s := newServer(t, func(l *httpapi.Limits, _ *ingest.Config) { l.Parts = limit })
		r := s.post(append(slices.Repeat([]part{fieldPart("a", "b")}, fields), filePart("a.jpg", content))...)
		if want == "" {
			r.expect(t, 201, uploadapi.StatusStored)
			continue
		}
		r.expectProblem(t, 413, want)
		s.empty()
	}
}

// U32: with a length the refusal comes before the body is read, without one at
// the limit.
func TestU32_RequestLimit(t *testing.T) {
	content := jpegOf(t, corners(8, 8))
	body := form(filePart("a.jpg", content))
	for _, chunked := range []bool{false, true} {
		for room, want := range map[int]string{1: "", 0: "", -1: "request_too_large"} {
			s := newServer(t, func(l *httpapi.Limits, _ *ingest.Config) { l.RequestBytes = int64(len(body) + room) })
			req := s.request(formType, strings.NewReader(body))
			if chunked {
				req.ContentLength = -1
			}
			r := s.do(req)
			if want == "" {
				r.expect(t, 201, uploadapi.StatusStored)
				continue
			}
			r.expectProblem(t, 413, want)
			if !chunked { // else the file was complete before the limit was reached
				s.empty()
			}
		}
	}
}

func TestU32_EndlessBody(t *testing.T) {
	s := newServer(t, func(l *httpapi.Limits, _ *ingest.Config) { l.RequestBytes = 1 << 20 })
	open := strings.TrimSuffix(form(filePart("a.jpg", jpegOf(t, corners(8, 8)))), "\r\n--frontier--\r\n")
	body := &counter{r: io.MultiReader(strings.NewReader(open), endless{})}
	r := s.do(s.request(formType, io.NopCloser(body)))
	r.expectProblem(t, 413, "request_too_large")
	if n := body.n.Load(); n > 16<<20 {
		t.Errorf("%d bytes were taken", n)
	}
	s.empty()
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// The limit on one file, through the door.
func TestFileLimit(t *testing.T) {
	const limit = 100_000
	content := jpegOf(t, corners(8, 8))
	s := newServer(t, func(_ *httpapi.Limits, c *ingest.Config) { c.FileBytes = limit })
	for size, want := range map[int]string{limit - 1: uploadapi.StatusStored, limit: uploadapi.StatusStored, limit + 1: "413 file_too_large", 20 * limit: "413 file_too_large"} {
		padded := content + strings.Repeat("\x00", size-len(content))
		s.post(filePart("a.jpg", padded), filePart("b.jpg", content)).expect(t, 201, want, uploadapi.StatusStored)
	}
	s.post(filePart("a.jpg", content+strings.Repeat("\x00", limit))).expect(t, 422, "413 file_too_large")
}

func TestContentEncoding(t *testing.T) {
	s := newServer(t)
	for encoding, want := range map[string]int{"gzip": 415, "br": 415, "identity, gzip": 415, "identity": 201} {
		req := s.request(formType, strings.NewReader(form(filePart("a.jpg", jpegOf(t, corners(8, 8))))))
		req.Header.Set("Content-Encoding", encoding)
		r := s.do(req)
		if want == 201 {
			r.expect(t, want, uploadapi.StatusStored)
			continue
		}
		r.expectProblem(t, want, "content_encoding_unsupported")
	}
}

func TestOwner(t *testing.T) {
	s := newServer(t)
	body := form(filePart("a.jpg", jpegOf(t, corners(8, 8))))
	for want, owners := range map[string][][]string{
		"owner_missing": {nil},
		"owner_invalid": {{""}, {"../x"}, {"Anna"}, {".anna"}, {strings.Repeat("x", identity.MaxOwnerBytes+1)}, {"anna", "bert"}},
		"":              {{"x"}, {strings.Repeat("x", identity.MaxOwnerBytes-1)}, {strings.Repeat("x", identity.MaxOwnerBytes)}},
	} {
		for _, values := range owners {
			req := s.request(formType, strings.NewReader(body))
			req.Header[http.CanonicalHeaderKey(identity.OwnerHeader)] = values
			r := s.do(req)
			if want != "" {
				r.expectProblem(t, 400, want)
				continue
			}
			r.expect(t, 201, uploadapi.StatusStored)
			if got := s.manifest(r.results[0].ID).Owner; got != values[0] {
				t.Errorf("stored for %q, want %q", got, values[0])
			}
		}
	}
}

// P12: whatever fails inside is answered with its status and shows nothing.
func TestP12_FailuresOfOurs(t *testing.T) {
	s := newServer(t)
	s.faults.Arm(1, "before")
	r := s.post(filePart("a.jpg", jpegOf(t, corners(8, 8))))
	s.faults.Disarm()
	r.expectProblem(t, 503, "injected")
	if r.header.Get("Retry-After") == "" || r.header.Get("Content-Type") != problem.ContentType || r.problem.RequestID == "" {
		t.Errorf("answered with %v %+v", r.header, r.problem)
	}
	s.faults.Arm(1, "before")
	r = s.post(filePart("a.jpg", jpegOf(t, corners(8, 8))), filePart("b.jpg", jpegOf(t, corners(8, 8))))
	s.faults.Disarm()
	r.expect(t, 201, "503 injected", uploadapi.StatusStored)
	s.faults.Arm(1, "before")
	r = s.post(filePart("a.jpg", jpegOf(t, corners(8, 8))), filePart("b.jpg", "text"))
	s.faults.Disarm()
	r.expect(t, 422, "503 injected", "415 unsupported_media_type")
}
