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
	"strings"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/blob/sessiontest"
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
	}
	var req struct {
		Files []one `json:"files"`
	}
	for _, f := range files {
		req.Files = append(req.Files, one{f.name, len(f.data), "image/jpeg", f.sha256(), modified.UnixMilli()})
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

const seedProtocol = 20_000

// sessions is what a browser does with a file: it plans, sends in chunks, and
// hears what became of it.
func sessions(t *testing.T, _ deployment, c client) {
	f := larger(t, seedProtocol)
	modified := time.Date(2020, 2, 29, 12, 0, 0, 0, time.UTC)
	p := c.plan(t, modified, f)[0]
	if p.Status != "new" || p.SessionURL == "" || time.Until(p.ExpiresAt) < 6*24*time.Hour {
		t.Fatalf("planned %+v", p)
	}
	if status, early := c.complete(t, p.ID); status != http.StatusConflict || early.Problem.Code != "upload_incomplete" {
		t.Errorf("completed too early: %d %+v", status, early.Problem)
	}
	status, result := c.finish(t, p, c.send(t, p.SessionURL, f, 0))
	if status != http.StatusCreated || result.ID != p.ID || result.Status != "stored" && result.Status != "processing" {
		t.Fatalf("finished: %d %+v", status, result)
	}
	if !contains(c.mustList(t, ""), p.ID) {
		t.Error("the image is not in the list right after it was acknowledged")
	}
	img := c.ready(t, p.ID)
	if img.Name != f.name || img.SHA256 != f.sha256() || !img.TakenAt.Equal(modified) {
		t.Errorf("the image is %+v", img)
	}
	if status, again := c.complete(t, p.ID); status != http.StatusOK || again.ID != p.ID || again.Status != "stored" {
		t.Errorf("completed again: %d %+v", status, again)
	}
	if known := c.plan(t, modified, f)[0]; known.Status != "duplicate" || known.DuplicateOf != p.ID || known.Trashed {
		t.Errorf("planned again: %+v", known)
	}
	c.audit(t, map[string]string{p.ID: f.sha256()})
}

// sessionsNeverCompleted: a client that sends the last byte and goes away has
// its image all the same.
func sessionsNeverCompleted(t *testing.T, _ deployment, c client) {
	f := larger(t, seedProtocol+1)
	p := c.plan(t, time.Now(), f)[0]
	c.send(t, p.SessionURL, f, 0)
	eventually(t, readyWithin, "the image is in the list", func() bool { return contains(c.mustList(t, ""), p.ID) })
	c.ready(t, p.ID)
	c.audit(t, map[string]string{p.ID: f.sha256()})
}

// sessionsTwice: the same file through two sessions is one image, and the second
// client is told so, however often it asks.
func sessionsTwice(t *testing.T, _ deployment, c client) {
	f := larger(t, seedProtocol+2)
	twins := c.plan(t, time.Now(), f, f)
	_, first := c.finish(t, twins[0], c.send(t, twins[0].SessionURL, f, 0))
	c.ready(t, first.ID)
	status, second := c.finish(t, twins[1], c.send(t, twins[1].SessionURL, f, 0))
	if status != http.StatusOK || second.Status != "duplicate" || second.DuplicateOf != first.ID {
		t.Fatalf("the same bytes again: %d %+v", status, second)
	}
	c.audit(t, map[string]string{first.ID: f.sha256()})
	if status, again := c.complete(t, twins[1].ID); status != http.StatusOK || again.DuplicateOf != first.ID {
		t.Errorf("asked again: %d %+v", status, again)
	}
}

// sessionsCancelled: a session that was given up takes nothing more and is not
// counted; whoever asks for it is told that there is none.
func sessionsCancelled(t *testing.T, _ deployment, c client) {
	const clientClosed = 499
	f := larger(t, seedProtocol+5)
	p := c.plan(t, time.Now(), f)[0]
	if resp, err := c.put(t.Context(), p.SessionURL, fmt.Sprintf("bytes 0-%d/%d", pieceBytes-1, len(f.data)), bytes.NewReader(f.data[:pieceBytes])); err != nil ||
		resp.status != http.StatusPermanentRedirect {
		t.Fatalf("the first chunk: %d %v: %s", resp.status, err, resp.body)
	}
	to, path := c.at(p.SessionURL)
	to.call(t, http.MethodDelete, path, clientClosed)
	if to != c { // the bucket does not tell us
		c.call(t, http.MethodDelete, "/api/v1/uploads/"+p.ID, clientClosed)
	}
	if last := c.send(t, p.SessionURL, f, pieceBytes); last.status < 400 {
		t.Errorf("a session that was given up takes more: %d", last.status)
	}
	if status, gone := c.complete(t, p.ID); status != http.StatusNotFound || gone.Problem.Code != "not_found" {
		t.Errorf("completed: %d %+v", status, gone.Problem)
	}
	c.call(t, http.MethodDelete, "/api/v1/uploads/"+p.ID, http.StatusNotFound)
}

// sessionsRefused: what arrives and is no image, or not the file that was
// planned, is refused with the reason, and nothing of it is kept.
func sessionsRefused(t *testing.T, _ deployment, c client) {
	good := larger(t, seedProtocol+3)
	text := file{name: "words.jpg", data: bytes.Repeat([]byte("words "), pieceBytes/4)}
	cut := file{name: "cut.jpg", data: good.data[:2*pieceBytes+100]}
	other := file{name: "other.jpg", data: append(bytes.Clone(good.data[:len(good.data)-1]), 'x')}
	for want, files := range map[string][2]file{
		"unsupported_media_type": {text, text}, "image_corrupt": {cut, cut}, "checksum_mismatch": {good, other},
	} {
		p := c.plan(t, time.Now(), files[0])[0]
		if p.Status != "new" {
			t.Fatalf("%s: planned %+v", want, p)
		}
		c.send(t, p.SessionURL, files[1], 0)
		for range 2 {
			if status, result := c.complete(t, p.ID); result.Problem == nil || result.Problem.Code != want || status < 400 {
				t.Errorf("%s: answered %d %+v %+v", want, status, result, result.Problem)
			}
		}
		if contains(c.mustList(t, ""), p.ID) {
			t.Errorf("%s: the image is in the list", want)
		}
	}
	if status, nobody := c.complete(t, "01ARZ3NDEKTSV4RRFFQ69G5FAV"); status != http.StatusNotFound || nobody.Problem.Code != "not_found" {
		t.Errorf("an id that was never planned: %d %+v", status, nobody.Problem)
	}
}

// sessionProtocol holds the sessions to what every client of them relies on,
// through the edge or at the bucket's own address.
func sessionProtocol(t *testing.T, _ deployment, c client) {
	seed := uint64(seedProtocol + 100)
	sessiontest.Run(t, func(t *testing.T) sessiontest.Harness {
		seed++
		f := larger(t, seed)
		ids := map[string]string{} // by address
		return sessiontest.Harness{
			Content: f.data, Client: c.page,
			Open: func(t *testing.T) string {
				p := c.plan(t, time.Now(), f)[0]
				at := p.SessionURL
				if strings.HasPrefix(at, "/") {
					at = c.base + at
				}
				ids[at] = p.ID
				return at
			},
			Stored: func(t *testing.T, at string) []byte {
				if status, _ := c.complete(t, ids[at]); status >= 400 {
					return nil
				}
				return c.get(t, "/media/"+ids[at]+"/original").body
			},
		}
	})
}

// TestSessionKill kills the services with SIGKILL between the chunks of a file
// and before its completion; the client asks where it is and goes on.
func TestSessionKill(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(*testing.T) deployment{"AllInOne": startAllInOne, "Split": startMortal} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := start(t)
			c := newClient(t, d)
			f := larger(t, seedProtocol+4)
			p := c.plan(t, time.Now(), f)[0]
			killAll := func() {
				for _, service := range d.services() {
					d.kill(t, service)
				}
			}
			killAll()
			head := file{name: f.name, data: f.data[:pieceBytes]}
			if resp, err := c.put(t.Context(), p.SessionURL, fmt.Sprintf("bytes 0-%d/%d", pieceBytes-1, len(f.data)), bytes.NewReader(head.data)); err != nil ||
				resp.status != http.StatusPermanentRedirect {
				t.Fatalf("the first chunk: %d %v: %s", resp.status, err, resp.body)
			}
			killAll()
			at := c.offset(t, p.SessionURL, len(f.data))
			if at != pieceBytes {
				t.Errorf("%d bytes are there after the kill, %d were acknowledged", at, pieceBytes)
			}
			last := c.send(t, p.SessionURL, f, at)
			if last.status != http.StatusOK && last.status != http.StatusCreated {
				t.Fatalf("the last chunk: %d: %s", last.status, last.body)
			}
			killAll()
			if status, result := c.complete(t, p.ID); result.ID != p.ID || status >= 300 {
				t.Errorf("completed after a kill: %d %+v %+v", status, result, result.Problem)
			}
			c.ready(t, p.ID)
			c.audit(t, map[string]string{p.ID: f.sha256()})
		})
	}
}
