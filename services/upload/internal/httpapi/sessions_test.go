package httpapi_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
	"github.com/sajin-gallery/sajin/pkg/identity"
)

const step = blob.PartialStep

// large is a photograph of three chunks and a bit.
func large(t testing.TB) string {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 1024, 1024))
	noise := rand.New(rand.NewPCG(1, 2))
	for i := range img.Pix {
		img.Pix[i] = byte(noise.Uint32())
	}
	content := jpegOf(t, img)
	if len(content) <= 3*step {
		t.Fatalf("the photograph has %d bytes only", len(content))
	}
	return content
}

func sha(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

// call sends a request for an owner and reads the answer.
func (s *server) call(who, method, path string, body io.Reader, header http.Header) sessionReply {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.http.URL+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header = header.Clone()
	req.Header.Set(identity.OwnerHeader, who)
	resp, err := s.client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	out := sessionReply{status: resp.StatusCode, have: resp.Header.Get("Range"), retry: resp.Header.Get("Retry-After")}
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	switch resp.Header.Get("Content-Type") {
	case problem.ContentType:
		err = json.Unmarshal(raw, &out.problem)
	case "application/json":
		err = json.Unmarshal(raw, &out.result)
		out.raw = raw
	}
	if err != nil {
		s.t.Fatal(err)
	}
	if r := out.result; r.Stored != nil {
		s.acknowledged[r.ID] = r.Stored.SHA256
	}
	return out
}

type sessionReply struct {
	status      int
	have, retry string
	result      uploadapi.Result
	raw         []byte
	problem     problem.Details
}

// is checks the status, the code of a problem and how many bytes are said to be
// there.
func (r sessionReply) is(t testing.TB, status int, code string, have int) {
	t.Helper()
	want := ""
	if have > 0 {
		want = fmt.Sprintf("bytes=0-%d", have-1)
	}
	if r.status != status || r.problem.Code != code || r.have != want {
		t.Errorf("answered %d %q with %q, want %d %q with %q", r.status, r.problem.Code, r.have, status, code, want)
	}
}

// chunk sends content[from:to] of a file of so many bytes.
func (s *server) chunk(session, content string, from, to int) sessionReply {
	s.t.Helper()
	return s.ranged(session, fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(content)), strings.NewReader(content[from:to]))
}

func (s *server) ranged(session, contentRange string, body io.Reader) sessionReply {
	s.t.Helper()
	return s.call(owner, http.MethodPut, session, body, http.Header{"Content-Range": {contentRange}})
}

func (s *server) ask(session, size string) sessionReply {
	s.t.Helper()
	return s.ranged(session, "bytes */"+size, nil)
}

// planFor plans files given as JSON.
func (s *server) planFor(who string, files ...string) (uploadapi.PlanResponse, sessionReply) {
	s.t.Helper()
	r := s.call(who, http.MethodPost, uploadapi.PathUploads, strings.NewReader(`{"files":[`+strings.Join(files, ",")+`]}`),
		http.Header{"Content-Type": {"application/json"}})
	var out uploadapi.PlanResponse
	if r.status == http.StatusOK {
		if err := json.Unmarshal(r.raw, &out); err != nil {
			s.t.Fatal(err)
		}
	}
	return out, r
}

// open opens a session for content.
func (s *server) open(content string) uploadapi.PlanResult {
	s.t.Helper()
	plan, r := s.planFor(owner, fmt.Sprintf(`{"name":"C:\\pictures\\a.jpg","size":%d,"sha256":%q}`, len(content), sha(content)))
	if len(plan.Files) != 1 || plan.Files[0].Status != uploadapi.StatusNew {
		s.t.Fatalf("planned %+v, %+v", plan, r)
	}
	return plan.Files[0]
}

func TestSessionProtocol(t *testing.T) {
	s := newServer(t)
	content := large(t)
	planned := s.open(content)
	at, size := planned.SessionURL, fmt.Sprint(len(content))
	s.ask(at, size).is(t, 308, "", 0)
	s.chunk(at, content, 0, step).is(t, 308, "", step)
	s.ask(at, size).is(t, 308, "", step)
	s.ask(at, "*").is(t, 308, "", step)
	s.ranged(at, fmt.Sprintf("bytes %d-%d/*", step, 3*step-1), strings.NewReader(content[step:3*step])).is(t, 308, "", 3*step)
	last := s.chunk(at, content, 3*step, len(content))
	last.is(t, 201, "", 0)
	r := last.result
	if r.Name != "a.jpg" || r.Status != uploadapi.StatusStored || r.ID != planned.ID || r.Stored == nil || r.Stored.SHA256 != sha(content) || r.Stored.Width != 1024 {
		t.Errorf("the result is %+v", r)
	}
	for _, again := range []sessionReply{s.ask(at, size), s.chunk(at, content, 3*step, len(content)), s.chunk(at, content, 0, step)} {
		again.is(t, 200, "", 0)
		if again.result.ID != r.ID || again.result.Status != r.Status || *again.result.Stored != *r.Stored {
			t.Errorf("asked again: %+v, want %+v", again.result, r)
		}
	}
	s.call(owner, http.MethodDelete, at, nil, http.Header{}).is(t, 409, "upload_finished", 0)
}

// The film of a live photo comes through a session as well, for an image that is
// there, and is answered with the image's id.
func TestSessionOfAFilm(t *testing.T) {
	s := newServer(t)
	content, film := large(t), "\x00\x00\x00\x14ftypqt  the film"
	picture := s.open(content)
	plan := func(who, of string, size int) uploadapi.PlanResult {
		t.Helper()
		plan, r := s.planFor(who, fmt.Sprintf(`{"name":"IMG_1.MOV","size":%d,"sha256":%q,"companion_of":%q}`, size, sha(film), of))
		if len(plan.Files) != 1 {
			t.Fatalf("planned %+v", r)
		}
		return plan.Files[0]
	}
	refused := func(r uploadapi.PlanResult, code string) {
		t.Helper()
		if r.Status != uploadapi.StatusRefused || r.Problem == nil || r.Problem.Code != code {
			t.Errorf("planned %+v, want %s", r, code)
		}
	}
	refused(plan(owner, picture.ID, len(film)), "companion_without_image")
	s.call(owner, http.MethodPut, picture.SessionURL, strings.NewReader(content), http.Header{}).is(t, 201, "", 0)
	refused(plan("bert", picture.ID, len(film)), "companion_without_image")
	bad := plan(owner, picture.ID, len(film))
	s.call(owner, http.MethodPut, bad.SessionURL, strings.NewReader("X"+film[1:]), http.Header{}).is(t, 422, "checksum_mismatch", len(film))
	session := plan(owner, picture.ID, len(film))
	for _, status := range []int{201, 200} {
		r := s.call(owner, http.MethodPut, session.SessionURL, strings.NewReader(film), http.Header{})
		r.is(t, status, "", 0)
		if r.result.ID != picture.ID || r.result.Status != uploadapi.StatusStored || r.result.Stored != nil {
			t.Errorf("the result is %+v", r.result)
		}
	}
	s.complete(owner, session.ID).is(t, 200, "", 0)
	if m := s.manifest(picture.ID).Motion; m == nil || m.Length != int64(len(film)) || string(s.bucket.Data(m.Key)) != film {
		t.Errorf("the moving part is %+v", m)
	}
	if again := plan(owner, picture.ID, len(film)); again.Status != uploadapi.StatusDuplicate || again.DuplicateOf != picture.ID {
		t.Errorf("planned again: %+v", again)
	}
	refused(plan(owner, picture.ID, len(film)+1), "companion_exists")
}

func TestSessionTakesAWholeFileAtOnce(t *testing.T) {
	s := newServer(t)
	content := large(t)
	s.call(owner, http.MethodPut, s.open(content).SessionURL, strings.NewReader(content), http.Header{}).is(t, 201, "", 0)
}

func TestSessionCancel(t *testing.T) {
	s := newServer(t)
	content := large(t)
	at := s.open(content).SessionURL
	s.chunk(at, content, 0, step).is(t, 308, "", step)
	s.call(owner, http.MethodDelete, at, nil, http.Header{}).is(t, 499, "", 0)
	s.ask(at, "*").is(t, 404, "not_found", 0)
	s.call(owner, http.MethodDelete, at, nil, http.Header{}).is(t, 404, "not_found", 0)
	s.noPartials()
}

// noPartials says that no bytes of a session are left.
func (s *server) noPartials() {
	s.t.Helper()
	left, err := filepath.Glob(filepath.Join(s.partials, "partials", "*.part"))
	if err != nil || len(left) > 0 {
		s.t.Errorf("the bytes of %d sessions are left: %v", len(left), err)
	}
}

// What is refused is refused for good, and nothing of it is kept.
func TestSessionRefusals(t *testing.T) {
	s := newServer(t)
	text := strings.Repeat("text ", step)
	broken := large(t)[:3*step] // cut off
	for name, tt := range map[string]struct {
		planned, sent string
		first         int
		status        int
		code          string
	}{
		"no image, at its first chunk": {text, text, step, 415, "unsupported_media_type"},
		"another file":                 {strings.Replace(broken, "\x01", "\x02", 1), broken, len(broken), 422, "checksum_mismatch"},
		"a damaged image":              {broken, broken, len(broken), 422, "image_corrupt"},
	} {
		t.Run(name, func(t *testing.T) {
			at := s.open(tt.planned).SessionURL
			first := s.chunk(at, tt.sent, 0, tt.first)
			if first.status != tt.status || first.problem.Code != tt.code {
				t.Errorf("answered %d %s, want %d %s", first.status, first.problem.Code, tt.status, tt.code)
			}
			if again := s.ask(at, "*"); again.status != tt.status || again.problem.Code != tt.code {
				t.Errorf("asked again: %d %s", again.status, again.problem.Code)
			}
		})
	}
	s.noPartials()
	s.empty()
}

func (s *server) damage(session string) {
	s.t.Helper()
	name := filepath.Join(s.partials, "partials", strings.TrimPrefix(session, "/v1/uploads/")+".part")
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	_, err = file.WriteString("what a killed process had written and not acknowledged")
	if err := file.Close(); err != nil {
		s.t.Error(err)
	}
	if err != nil {
		s.t.Fatal(err)
	}
}
