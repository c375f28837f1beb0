package acceptance

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"testing"
	"time"
)

// pieceBytes is the smallest chunk that the protocol of sessions allows.
const pieceBytes = 256 << 10

// plannedJSON is what a plan answers for a file.
type plannedJSON struct {
	Status      string       `json:"status"`
	ID          string       `json:"id"`
	SessionURL  string       `json:"session_url"`
	ExpiresAt   time.Time    `json:"expires_at"`
	DuplicateOf string       `json:"duplicate_of"`
	Trashed     bool         `json:"trashed"`
	Problem     *problemJSON `json:"problem"`
}

// plan plans files; modified is said of each.
func (c client) plan(t *testing.T, modified time.Time, files ...file) []plannedJSON {
	t.Helper()
	type one struct {
		Name         string `json:"name"`
		Size         int    `json:"size"`
		ContentType  string `json:"content_type"`
		SHA256       string `json:"sha256"`
		LastModified int64  `json:"last_modified"`
		CompanionOf  string `json:"companion_of,omitempty"`
	}
	var req struct {
		Files []one `json:"files"`
	}
	for _, f := range files {
		req.Files = append(req.Files, one{f.name, len(f.data), "image/jpeg", f.sha256(), modified.UnixMilli(), f.companionOf})
	}
	raw, err := json.Marshal(req)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.do(t.Context(), http.MethodPost, "/api/v1/uploads", "application/json", bytes.NewReader(raw))
	if err != nil || resp.status != http.StatusOK {
		t.Fatalf("plan: %d %v: %s", resp.status, err, resp.body)
	}
	var out struct {
		Files []plannedJSON `json:"files"`
	}
	decode(t, resp, &out)
	if len(out.Files) != len(files) {
		t.Fatalf("planned %d files, %d answers", len(files), len(out.Files))
	}
	return out.Files
}

// put sends a request to a session, wherever it is.
func (c client) put(ctx context.Context, session, contentRange string, body io.Reader) (response, error) {
	to, path := c.at(session)
	return to.do(ctx, http.MethodPut, path, "application/octet-stream", body, "Content-Range", contentRange)
}

// at is who to ask for a session, and for what: the gallery for one below it,
// the bucket for one of its own.
func (c client) at(session string) (client, string) {
	at, err := url.Parse(session)
	if err != nil || !at.IsAbs() {
		return c, session
	}
	return client{base: at.Scheme + "://" + at.Host, page: c.page}, at.RequestURI()
}

// offset asks a session how far it has come.
func (c client) offset(t *testing.T, session string, size int) int {
	t.Helper()
	resp, err := c.put(t.Context(), session, fmt.Sprintf("bytes */%d", size), nil)
	if err != nil || resp.status != http.StatusPermanentRedirect {
		t.Fatalf("status of a session: %d %v: %s", resp.status, err, resp.body)
	}
	have := -1
	if text := resp.header.Get("Range"); text != "" {
		if _, err := fmt.Sscanf(text, "bytes=0-%d", &have); err != nil {
			t.Fatal(err)
		}
	}
	return have + 1
}

// send sends the file from an offset on, in chunks, and gives the last answer.
func (c client) send(t *testing.T, session string, f file, from int) response {
	t.Helper()
	var last response
	for from < len(f.data) {
		to := min(from+pieceBytes, len(f.data))
		var err error
		last, err = c.put(t.Context(), session, fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(f.data)), bytes.NewReader(f.data[from:to]))
		if err != nil {
			t.Fatal(err)
		}
		if last.status != http.StatusPermanentRedirect {
			break
		}
		from = to
	}
	return last
}

// finish makes a result of a session's last answer: its own, or that of the
// completion, where a bucket has answered.
func (c client) finish(t *testing.T, p plannedJSON, last response) (int, resultJSON) {
	t.Helper()
	var result resultJSON
	_ = json.Unmarshal(last.body, &result) // a bucket's answer may be anything
	if result.Status != "" {
		return last.status, result
	}
	if last.status != http.StatusOK && last.status != http.StatusCreated {
		t.Fatalf("the last chunk: %d: %s", last.status, last.body)
	}
	return c.complete(t, p.ID)
}

func (c client) complete(t *testing.T, id string) (int, resultJSON) {
	t.Helper()
	resp, err := c.do(t.Context(), http.MethodPost, "/api/v1/uploads/"+id+"/complete", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	var result resultJSON
	if resp.status >= http.StatusBadRequest {
		result.Problem = &problemJSON{}
		decode(t, resp, result.Problem)
		return resp.status, result
	}
	decode(t, resp, &result)
	return resp.status, result
}

// larger is a photograph of several chunks: noise, which no encoder makes small.
func larger(t *testing.T, seed uint64) file {
	t.Helper()
	img, rnd := image.NewGray(image.Rect(0, 0, 1200, 1000)), rand.New(rand.NewPCG(seed, 2))
	for i := range img.Pix {
		img.Pix[i] = byte(rnd.Uint32())
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: 90}); err != nil {
		t.Fatal(err)
	}
	if out.Len() <= 3*pieceBytes {
		t.Fatalf("the photograph has %d bytes only", out.Len())
	}
	return file{name: fmt.Sprintf("IMG_%04d.jpg", seed), data: out.Bytes()}
}
