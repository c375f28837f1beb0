package acceptance

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/blob/sessiontest"
	"github.com/sajin-gallery/sajin/services/sajin/internal/stack"
)

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

// TestToldIDIsThere: who was told that a file is safe under an id, and that it is
// still in work, finds it under that id from then on.
func TestToldIDIsThere(t *testing.T) {
	t.Parallel()
	const impatient = "SAJIN_UPLOAD_ANSWER_WITHIN=1ns" // no picture is read by then
	for name, start := range map[string]func(*testing.T) deployment{
		"AllInOne": func(t *testing.T) deployment { t.Helper(); return startAllInOneWith(t, impatient) },
		"Split": func(t *testing.T) deployment {
			t.Helper()
			return startStack(t, stack.Options{FakePubSub: true, Upload: []string{impatient}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, start(t))
			f := larger(t, seedProtocol+6)
			p := c.plan(t, time.Now(), f)[0]
			status, result := c.finish(t, p, c.send(t, p.SessionURL, f, 0))
			if status != http.StatusCreated || result.ID != p.ID || result.Status != "processing" && result.Status != "stored" { // the bucket may have told first
				t.Fatalf("finished: %d %+v", status, result)
			}
			if img := c.image(t, p.ID); img.ID != p.ID || img.Name != f.name { // 404 would end the test
				t.Errorf("under the id that was told is %+v", img)
			}
			if page := c.get(t, "/images/"+p.ID); page.status != http.StatusOK {
				t.Errorf("its page is answered with %d", page.status)
			}
			c.ready(t, p.ID)
			c.audit(t, map[string]string{p.ID: f.sha256()})
		})
	}
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
