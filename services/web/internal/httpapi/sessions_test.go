package httpapi_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/services/web/internal/gallery/gallerytest"
)

const jsonType = "Content-Type: application/json"

// plan plans files given as JSON objects.
func (s *site) plan(files ...string) []uploadapi.PlanResult {
	s.t.Helper()
	a := s.do(http.MethodPost, "/api/v1/uploads", strings.NewReader(`{"files":[`+strings.Join(files, ",")+`]}`), jsonType)
	a.want(s.t, http.StatusOK)
	return decode[uploadapi.PlanResponse](s.t, a).Files
}

func TestPlanAndSend(t *testing.T) {
	s := serve(t)
	content := string(picture(t, 1))
	sum := sha256.Sum256([]byte(content))
	file := fmt.Sprintf(`{"name":"a.png","size":%d,"content_type":"image/png","sha256":%q,"last_modified":1700000000000,"path":"trip","album":"Trip"}`,
		len(content), hex.EncodeToString(sum[:]))
	planned := s.plan(file, `{"name":"b.png","size":0}`)
	if len(planned) != 2 || planned[0].Status != uploadapi.StatusNew || planned[1].Status != uploadapi.StatusRefused {
		t.Fatalf("planned %+v", planned)
	}
	at := planned[0].SessionURL
	if !strings.HasPrefix(at, "/api/v1/uploads/") {
		t.Fatalf("the session is at %q", at)
	}
	half, size := len(content)/2, len(content)
	a := s.do(http.MethodPut, at, strings.NewReader(content[:half]), fmt.Sprintf("Content-Range: bytes 0-%d/%d", half-1, size))
	a.want(t, http.StatusPermanentRedirect)
	have := fmt.Sprintf("bytes=0-%d", half-1)
	if a.Header.Get("Range") != have || a.Header.Get("Location") != "" {
		t.Errorf("after half: %v", a.Header)
	}
	a = s.do(http.MethodPut, at, nil, fmt.Sprintf("Content-Range: bytes */%d", size))
	a.want(t, http.StatusPermanentRedirect)
	if a.Header.Get("Range") != have {
		t.Errorf("asked for the place: %v", a.Header)
	}
	a = s.do(http.MethodPut, at, strings.NewReader(content[:half]), fmt.Sprintf("Content-Range: bytes 0-%d/%d", half-1, size))
	a.want(t, http.StatusConflict)
	if a.Header.Get("Range") != have {
		t.Errorf("the same chunk again: %v", a.Header)
	}
	a = s.do(http.MethodPut, at, strings.NewReader(content[half:]), fmt.Sprintf("Content-Range: bytes %d-%d/%d", half, size-1, size))
	a.want(t, http.StatusCreated)
	result := decode[uploadapi.Result](t, a)
	if result.Name != "a.png" || result.Status != uploadapi.StatusProcessing || result.ID == "" || result.Stored != nil {
		t.Errorf("the result is %+v", result)
	}
	s.do(http.MethodGet, "/api/v1/images/"+result.ID, nil).want(t, http.StatusOK)
	again := s.plan(file)
	if again[0].Status != uploadapi.StatusDuplicate || again[0].DuplicateOf != result.ID || again[0].SessionURL != "" {
		t.Errorf("planned again: %+v", again)
	}
	s.do(http.MethodDelete, "/api/v1/images/"+result.ID, nil).want(t, http.StatusOK)
	if again = s.plan(file); !again[0].Trashed {
		t.Errorf("planned while it is in the trash: %+v", again)
	}
}

func TestCancelUpload(t *testing.T) {
	s := serve(t)
	at := s.plan(`{"name":"a.png","size":10}`)[0].SessionURL
	s.do(http.MethodDelete, at, nil).want(t, 499)
	s.do(http.MethodDelete, at, nil).want(t, http.StatusNotFound)
	s.do(http.MethodPut, at, nil, "Content-Range: bytes */10").want(t, http.StatusNotFound)
}

// A dry run tells what is there and opens nothing.
func TestPlanDryRun(t *testing.T) {
	s := serve(t)
	content := picture(t, 1)
	sum := sha256.Sum256(content)
	id := decode[uploadapi.UploadResponse](t, s.upload("/api/v1/images", file{name: "a.png", data: content})).Results[0].ID
	ask := func(query string) answer {
		body := fmt.Sprintf(`{"files":[{"name":"a.png","size":1,"sha256":%q},{"name":"b.png","size":1}]}`, hex.EncodeToString(sum[:]))
		return s.do(http.MethodPost, "/api/v1/uploads"+query, strings.NewReader(body), jsonType)
	}
	a := ask("?dry_run=true")
	a.want(t, http.StatusOK)
	got := decode[uploadapi.PlanResponse](t, a).Files
	if len(got) != 2 || got[0].DuplicateOf != id || got[1].Status != uploadapi.StatusNew || got[1].SessionURL != "" || got[1].ID != "" {
		t.Errorf("foreseen %+v", got)
	}
	ask("?dry_run=maybe").want(t, http.StatusBadRequest)
	s.catalog.FailWith(errors.New("down"))
	ask("?dry_run=true").want(t, http.StatusInternalServerError)
}

// A plan works without the catalog: duplicates are recognised later.
func TestPlanWithoutTheCatalog(t *testing.T) {
	s := serve(t)
	s.catalog.FailWith(errors.New("down"))
	planned := s.plan(`{"name":"a.png","size":10,"sha256":"` + strings.Repeat("0", 64) + `"}`)
	if planned[0].Status != uploadapi.StatusNew {
		t.Errorf("planned %+v", planned)
	}
}

func TestBadPlansAndChunks(t *testing.T) {
	s := serve(t)
	many := `{"files":[` + strings.Repeat(`{"name":"a","size":1},`, uploadapi.MaxPlanFiles) + `{"name":"a","size":1}]}`
	for name, tt := range map[string]struct {
		method, path, body string
		headers            []string
		status             int
	}{
		"no JSON":         {"POST", "/api/v1/uploads", "files", []string{jsonType}, 400},
		"another type":    {"POST", "/api/v1/uploads", "{}", []string{"Content-Type: text/plain"}, 415},
		"too many":        {"POST", "/api/v1/uploads", many, []string{jsonType}, 413},
		"a query":         {"PUT", "/api/v1/uploads/A?x=1", "", nil, 400},
		"compressed":      {"PUT", "/api/v1/uploads/A", "x", []string{"Content-Encoding: gzip"}, 415},
		"two ranges":      {"PUT", "/api/v1/uploads/A", "x", []string{"Content-Range: bytes 0-0/1", "Content-Range: bytes 0-0/2"}, 400},
		"unknown session": {"PUT", "/api/v1/uploads/A", "x", []string{"Content-Range: bytes 0-0/1"}, 404},
		"another origin":  {"PUT", "/api/v1/uploads/A", "x", []string{"Sec-Fetch-Site: cross-site"}, 403},
	} {
		t.Run(name, func(t *testing.T) {
			s.do(tt.method, tt.path, strings.NewReader(tt.body), tt.headers...).want(t, tt.status)
		})
	}
}

// A client whose last byte was answered by somebody else asks here what became
// of its file; the answer is that of the last chunk.
func TestCompleteUpload(t *testing.T) {
	s := serve(t)
	content := string(picture(t, 1))
	planned := s.plan(fmt.Sprintf(`{"name":"a.png","size":%d}`, len(content)))[0]
	at := "/api/v1/uploads/" + planned.ID + "/complete"
	s.do(http.MethodPost, at, nil).want(t, http.StatusConflict)
	a := s.do(http.MethodPut, planned.SessionURL, strings.NewReader(content), fmt.Sprintf("Content-Range: bytes 0-%d/%d", len(content)-1, len(content)))
	a.want(t, http.StatusCreated)
	sent := decode[uploadapi.Result](t, a)
	for range 2 {
		a = s.do(http.MethodPost, at, nil)
		a.want(t, http.StatusOK)
		if got := decode[uploadapi.Result](t, a); got != sent {
			t.Errorf("answered %+v, want %+v", got, sent)
		}
	}
	s.do(http.MethodGet, "/api/v1/images/"+sent.ID, nil).want(t, http.StatusOK)
	for _, id := range []string{"01ARZ3NDEKTSV4RRFFQ69G5FAV", "x", "..%2fimages"} {
		s.do(http.MethodPost, "/api/v1/uploads/"+id+"/complete", nil).want(t, http.StatusNotFound)
	}
	s.do(http.MethodPost, at+"?x=1", nil).want(t, http.StatusBadRequest)
	s.do(http.MethodPost, at, nil, "Sec-Fetch-Site: cross-site").want(t, http.StatusForbidden)
}

// A bucket lets pages of one origin send: ours, as the browser says or else as is
// configured. A client cannot say another one.
func TestPlanNamesTheOrigin(t *testing.T) {
	const file, public = `{"name":"a.png","size":10}`, "https://photos.example.org"
	for name, tt := range map[string]struct {
		public  string
		headers func(*site) []string
		want    string
	}{
		"a script":                       {"", nil, ""},
		"a page":                         {"", func(s *site) []string { return []string{"Origin: " + s.url} }, "self"},
		"a page of the public origin":    {public, func(*site) []string { return []string{"Origin: " + public} }, public},
		"a script, with a public origin": {public, nil, public},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(s *site) {
				if tt.public != "" {
					s.options.PublicOrigin, _ = url.Parse(tt.public)
				}
			})
			headers := []string{jsonType}
			if tt.headers != nil {
				headers = append(headers, tt.headers(s)...)
			}
			s.do(http.MethodPost, "/api/v1/uploads", strings.NewReader(`{"files":[`+file+`]}`), headers...).want(t, http.StatusOK)
			want := strings.Replace(tt.want, "self", s.url, 1)
			if got := s.uploader.(*gallerytest.Uploader).Origins(); len(got) != 1 || got[0] != want {
				t.Errorf("opened for %q, want %q", got, want)
			}
		})
	}
	s := serve(t)
	s.do(http.MethodPost, "/api/v1/uploads", strings.NewReader(`{"files":[`+file+`],"origin":"https://evil.example"}`), jsonType).want(t, http.StatusBadRequest)
	s.do(http.MethodPost, "/api/v1/uploads", strings.NewReader(`{"files":[`+file+`]}`), jsonType, "Origin: https://evil.example").want(t, http.StatusForbidden)
}
