package acceptance

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// callTimeout bounds every call of the tests; readyWithin is how long an image
// may stay in processing.
const (
	callTimeout = 3 * time.Minute
	readyWithin = 2 * time.Minute
)

// client is what somebody who scripts against Sajin would write.
type client struct {
	base string
	api  *http.Client // for what the OpenAPI file describes
	page *http.Client // for pages
}

type problemJSON struct {
	Code   string `json:"code"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
}

type resultJSON struct {
	Name        string       `json:"name"`
	Status      string       `json:"status"`
	ID          string       `json:"id"`
	DuplicateOf string       `json:"duplicate_of"`
	Trashed     bool         `json:"trashed"`
	Problem     *problemJSON `json:"problem"`
}

type renditionJSON struct {
	Name        string `json:"name"`
	Width       int    `json:"width"`
	Height      int    `json:"height"`
	ContentType string `json:"content_type"`
	URL         string `json:"url"`
}

type imageJSON struct {
	ID          string          `json:"id"`
	Name        string          `json:"name"`
	ContentType string          `json:"content_type"`
	Size        int64           `json:"size"`
	Width       int             `json:"width"`
	Height      int             `json:"height"`
	SHA256      string          `json:"sha256"`
	TakenAt     time.Time       `json:"taken_at"`
	CreatedAt   time.Time       `json:"created_at"`
	State       string          `json:"state"`
	Placeholder string          `json:"placeholder"`
	Renditions  []renditionJSON `json:"renditions"`
	OriginalURL string          `json:"original_url"`
	Motion      struct {
		Length int    `json:"length"`
		URL    string `json:"url"`
	} `json:"motion"`
	Camera struct {
		Make  string `json:"make"`
		Model string `json:"model"`
	} `json:"camera"`
}

// response is an answer, read to its end.
type response struct {
	status int
	header http.Header
	body   []byte
}

func (c client) do(ctx context.Context, method, path, contentType string, body io.Reader, header ...string) (response, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return response{}, err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	through := c.page
	if strings.HasPrefix(path, "/api/") || strings.HasPrefix(path, "/media/") {
		through = c.api
	}
	resp, err := through.Do(req)
	if err != nil {
		return response{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	return response{resp.StatusCode, resp.Header, data}, err
}

// form is a multipart body with one part per file.
func form(field string, files ...file) (body *bytes.Buffer, contentType string) {
	body = &bytes.Buffer{}
	w := multipart.NewWriter(body)
	for _, f := range files {
		part, err := w.CreateFormFile(field, f.name)
		if err == nil {
			_, err = part.Write(f.data)
		}
		if err != nil {
			panic(err) // a bytes.Buffer does not fail
		}
	}
	_ = w.Close()
	return body, w.FormDataContentType()
}

// tryUpload posts the files in one request.
func (c client) tryUpload(ctx context.Context, files ...file) (int, []resultJSON, error) {
	body, contentType := form("files", files...)
	resp, err := c.do(ctx, http.MethodPost, "/api/v1/images", contentType, body)
	if err != nil {
		return 0, nil, err
	}
	var answer struct {
		Results []resultJSON `json:"results"`
	}
	if err := json.Unmarshal(resp.body, &answer); err != nil {
		return resp.status, nil, fmt.Errorf("%w in %.200q", err, resp.body)
	}
	return resp.status, answer.Results, nil
}

func (c client) upload(t *testing.T, files ...file) []resultJSON {
	t.Helper()
	_, results, err := c.tryUpload(t.Context(), files...)
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != len(files) {
		t.Fatalf("sent %d files, %d results", len(files), len(results))
	}
	return results
}

// mustStore uploads files that are new, and gives their ids.
func (c client) mustStore(t *testing.T, files ...file) []string {
	t.Helper()
	var ids []string
	for i, r := range c.upload(t, files...) {
		if (r.Status != "stored" && r.Status != "processing") || r.ID == "" {
			t.Fatalf("file %d (%s): %+v, problem %+v", i, files[i].name, r, r.Problem)
		}
		ids = append(ids, r.ID)
	}
	return ids
}

func (c client) get(t *testing.T, path string, header ...string) response {
	t.Helper()
	resp, err := c.do(t.Context(), http.MethodGet, path, "", nil, header...)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

func (c client) call(t *testing.T, method, path string, want int) response {
	t.Helper()
	resp, err := c.do(t.Context(), method, path, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp.status != want {
		t.Fatalf("%s %s: %d, not %d: %s", method, path, resp.status, want, resp.body)
	}
	return resp
}

func (c client) image(t *testing.T, id string) imageJSON {
	t.Helper()
	resp := c.mustSee(t, "/api/v1/images/"+id)
	if resp.status != http.StatusOK {
		t.Fatalf("image %s: %d %s", id, resp.status, resp.body)
	}
	var img imageJSON
	decode(t, resp, &img)
	return img
}

// see is a GET that is asked again while the gallery says that it cannot answer
// for the moment, as its clients do: a service that was restarted or killed is
// away for some seconds.
func (c client) see(ctx context.Context, path string) (response, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	for {
		resp, err := c.do(ctx, http.MethodGet, path, "", nil)
		if err != nil || resp.status != http.StatusServiceUnavailable || resp.header.Get("Retry-After") == "" {
			return resp, err
		}
		pause(ctx)
	}
}

func (c client) mustSee(t *testing.T, path string) response {
	t.Helper()
	resp, err := c.see(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// list walks every page.
func (c client) list(ctx context.Context, query string) ([]imageJSON, error) {
	var all []imageJSON
	cursor := ""
	for {
		path := "/api/v1/images?limit=200&" + query
		if cursor != "" {
			path += "&cursor=" + url.QueryEscape(cursor)
		}
		resp, err := c.see(ctx, path)
		if err != nil {
			return nil, err
		}
		if resp.status != http.StatusOK {
			return nil, fmt.Errorf("list: %d: %s", resp.status, resp.body)
		}
		var page struct {
			Images     []imageJSON `json:"images"`
			NextCursor string      `json:"next_cursor"`
		}
		if err := json.Unmarshal(resp.body, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Images...)
		if cursor = page.NextCursor; cursor == "" {
			return all, nil
		}
	}
}

func (c client) mustList(t *testing.T, query string) []imageJSON {
	t.Helper()
	all, err := c.list(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// ready waits until an image has left processing.
func (c client) ready(t *testing.T, id string) imageJSON {
	t.Helper()
	var img imageJSON
	eventually(t, readyWithin, "image "+id+" is ready", func() bool {
		img = c.image(t, id)
		return img.State != "processing"
	})
	if img.State != "ready" {
		t.Fatalf("image %s is %s", id, img.State)
	}
	return img
}

// originalSum is the SHA-256 of what the gallery gives back.
func (c client) originalSum(t *testing.T, id string) string {
	t.Helper()
	resp := c.mustSee(t, "/media/"+id+"/original")
	if resp.status != http.StatusOK {
		t.Fatalf("original of %s: %d", id, resp.status)
	}
	sum := sha256.Sum256(resp.body)
	return hex.EncodeToString(sum[:])
}

func decode(t *testing.T, r response, into any) {
	t.Helper()
	if err := json.Unmarshal(r.body, into); err != nil {
		t.Fatalf("%v in %.300q", err, r.body)
	}
}

// eventually asks again until the answer is yes or the time is up.
func eventually(t *testing.T, within time.Duration, what string, yes func() bool) {
	t.Helper()
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !yes() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("not within %s: %s", within, what)
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		}
	}
}
