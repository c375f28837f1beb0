package httpapi_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
)

func TestMediaServesOriginalAndRendition(t *testing.T) {
	s := serve(t)
	id := s.put(7)
	for name, want := range map[string]string{"original": "original 7", "w320": "w320 7"} {
		a := s.get("/media/"+id+"/"+name).want(t, http.StatusOK)
		if a.body != want || a.Header.Get("Content-Type") != "image/jpeg" || a.ContentLength != int64(len(want)) {
			t.Errorf("%s: %q of %q", name, a.body, a.Header.Get("Content-Type"))
		}
		if got := a.Header.Get("Cache-Control"); got != "private, max-age=31536000, immutable" {
			t.Errorf("%s: Cache-Control %q", name, got)
		}
	}
	if got := s.get("/media/" + id + "/original").Header.Get("Etag"); got != `"`+sum+`"` {
		t.Errorf("ETag of the original %s, want its SHA-256", got)
	}
}

// A plain read is one look at the store, and a range reads no more than it
// gives.
func TestMediaReadsWhatItSends(t *testing.T) {
	s := serve(t)
	id := s.put(7)
	s.get("/media/" + id + "/original")
	s.get("/media/"+id+"/original", "Range: bytes=9-9").want(t, http.StatusPartialContent)
	var got []string
	for _, o := range s.media.Opened() {
		got = append(got, fmt.Sprintf("%d+%d", o.Offset, o.Length))
	}
	if fmt.Sprint(got) != "[0+-1 0+0 9+1]" {
		t.Fatalf("opened %v", got)
	}
}

func TestMediaOfALargeFileIsWhole(t *testing.T) {
	s := serve(t)
	for _, size := range []int{1, 64<<10 - 1, 64 << 10, 64<<10 + 1, 1<<20 + 7} {
		data := bytes.Repeat([]byte("0123456789abcdef#"), size/17+1)[:size]
		id := s.put(1, func(c *catalogapi.Image) { s.media.Put(c.Key, data) })
		if a := s.get("/media/"+id+"/original").want(t, http.StatusOK); a.body != string(data) {
			t.Errorf("of %d bytes %d were served, or others", size, len(a.body))
		}
	}
}

// The moving part of a picture is a range of its file, and is served as if it
// were a file of its own.
func TestMediaServesTheMovingPart(t *testing.T) {
	s := serve(t)
	const file = "a still and a film and more"
	id := s.put(7, func(c *catalogapi.Image) {
		s.media.Put(c.Key, []byte(file))
		c.Motion = &contract.Motion{Key: c.Key, Offset: 12, Length: 6, ContentType: "video/mp4"}
	})
	a := s.get("/media/"+id+"/motion").want(t, http.StatusOK)
	if a.body != "a film" || a.Header.Get("Content-Type") != "video/mp4" || a.ContentLength != 6 {
		t.Errorf("%q of %q", a.body, a.Header.Get("Content-Type"))
	}
	for asked, want := range map[string]string{"0-1": "a ", "2-": "film", "-4": "film", "2-99": "film"} {
		a := s.get("/media/"+id+"/motion", "Range: bytes="+asked).want(t, http.StatusPartialContent)
		if a.body != want || !strings.HasSuffix(a.Header.Get("Content-Range"), "/6") {
			t.Errorf("bytes %s are %q, %s", asked, a.body, a.Header.Get("Content-Range"))
		}
	}
	s.get("/media/"+id+"/motion", "Range: bytes=6-").want(t, http.StatusRequestedRangeNotSatisfiable)
	s.get("/media/"+s.put(8)+"/motion").wantProblem(t, http.StatusNotFound, "not_found")
}

// A file that browsers do not show keeps the ending that belongs to its kind.
func TestMediaOffersWhatCannotBeShown(t *testing.T) {
	s := serve(t)
	id := s.put(7, func(c *catalogapi.Image) {
		c.Name, c.ContentType, c.Preview, c.Renditions = "DSC_1.NEF", "image/x-nikon-nef", contract.PreviewUnavailable, nil
	})
	h := s.get("/media/"+id+"/original").want(t, http.StatusOK).Header
	if h.Get("Content-Type") != "application/octet-stream" || h.Get("Content-Disposition") != "attachment; filename=DSC_1.NEF" {
		t.Errorf("%s as %s", h.Get("Content-Disposition"), h.Get("Content-Type"))
	}
	if page := s.get("/images/"+id).want(t, http.StatusOK).body; !strings.Contains(page, `<h2>NEF</h2>`) || !strings.Contains(page, `download="DSC_1.NEF"`) {
		t.Errorf("its page does not offer it:\n%s", page)
	}
	if grid := s.get("/").want(t, http.StatusOK).body; !strings.Contains(grid, `data-unavailable="NEF"`) {
		t.Errorf("the grid does not say what it is:\n%s", grid)
	}
}

func TestMediaThatIsMissing(t *testing.T) {
	s := serve(t)
	id := s.put(7, func(c *catalogapi.Image) { c.Key = "originals/20260531/gone.jpg" })
	s.get("/media/"+id+"/original").wantProblem(t, http.StatusNotFound, "not_found")
	s.get("/media/"+id+"/original", `If-None-Match: "`+sum+`"`).wantProblem(t, http.StatusNotFound, "not_found")
	s.get("/media/"+id+"/w2048").wantProblem(t, http.StatusNotFound, "not_found")
}

// A store says only at the end that the bytes are not those that were stored:
// the client must not get what looks like a whole picture.
func TestF22_DamagedMediaAreCutOff(t *testing.T) {
	s := serve(t)
	for _, size := range []int{10, 64 << 10, 200_000} {
		id := s.put(1, func(c *catalogapi.Image) {
			s.media.PutDamaged(c.Key, make([]byte, size), fault.New(fault.Unprocessable, "checksum_mismatch", ""))
		})
		resp, err := s.client.Get(s.url + "/media/" + id + "/original")
		if err != nil {
			continue // cut before the header had left
		}
		got, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err == nil {
			t.Errorf("%d of %d bytes, and no error", len(got), size)
		}
	}
}

func TestP13_ConditionsAndRanges(t *testing.T) {
	s := serve(t)
	id := s.put(7) // "original 7", 10 bytes
	tag := `"` + sum + `"`
	for _, tt := range []struct {
		headers string // separated by "; "
		status  int
		body    string
		ranged  string // Content-Range
	}{
		{"If-None-Match: " + tag, 304, "", ""},
		{"If-None-Match: W/" + tag, 304, "", ""},
		{"If-None-Match: *", 304, "", ""},
		{`If-None-Match: "x", ` + tag, 304, "", ""},
		{`If-None-Match: "x"`, 200, "original 7", ""},
		{"If-None-Match: " + sum, 200, "original 7", ""}, // not an entity tag
		{"If-Modified-Since: Wed, 01 Jan 2300 00:00:00 GMT", 200, "original 7", ""},
		{"If-Match: " + tag, 200, "original 7", ""},
		{"If-Match: *", 200, "original 7", ""},
		{`If-Match: "stale"`, 412, "", ""},
		{"If-Match: W/" + tag, 412, "", ""},
		{"Range: bytes=0-", 206, "original 7", "bytes 0-9/10"},
		{"Range: bytes=0-0", 206, "o", "bytes 0-0/10"},
		{"Range: bytes=9-", 206, "7", "bytes 9-9/10"},
		{"Range: bytes=9-99999", 206, "7", "bytes 9-9/10"},
		{"Range: bytes=-1", 206, "7", "bytes 9-9/10"},
		{"Range: bytes=-99", 206, "original 7", "bytes 0-9/10"},
		{"Range: BYTES = 2-3", 206, "ig", "bytes 2-3/10"},
		{"Range: bytes=10-", 416, "", "bytes */10"},
		{"Range: bytes=5-1", 416, "", "bytes */10"},
		{"Range: bytes=-0", 416, "", "bytes */10"},
		{"Range: bytes=-", 416, "", "bytes */10"},
		{"Range: bytes=", 416, "", "bytes */10"},
		{"Range: bytes=a-b", 416, "", "bytes */10"},
		{"Range: bytes=+1-2", 416, "", "bytes */10"},
		{"Range: bytes=0-99999999999999999999", 416, "", "bytes */10"},
		{"Range: items=0-1", 200, "original 7", ""},
		{"Range: nonsense", 200, "original 7", ""},
		{"Range: bytes=0-1,3-4", 200, "original 7", ""},
		{"Range: bytes=" + strings.Repeat("0-0,", 2000) + "1-1", 200, "original 7", ""},
		{"Range: bytes=0-1; If-Range: " + tag, 206, "or", "bytes 0-1/10"},
		{`Range: bytes=0-1; If-Range: "stale"`, 200, "original 7", ""},
		{"Range: bytes=0-1; If-Range: W/" + tag, 200, "original 7", ""},
		{"Range: bytes=0-1; If-None-Match: " + tag, 304, "", ""},
	} {
		a := s.get("/media/"+id+"/original", strings.Split(tt.headers, "; ")...)
		if a.StatusCode != tt.status || a.Header.Get("Content-Range") != tt.ranged {
			t.Errorf("%.60s: %d, %q; want %d, %q", tt.headers, a.StatusCode, a.Header.Get("Content-Range"), tt.status, tt.ranged)
		}
		if a.StatusCode < 400 && (a.body != tt.body || a.Header.Get("Etag") != tag) {
			t.Errorf("%.60s: body %q, ETag %s; want %q, %s", tt.headers, a.body, a.Header.Get("Etag"), tt.body, tag)
		}
		if a.StatusCode >= 400 && (a.Header.Get("Cache-Control") != "no-store" || a.Header.Get("Etag") != "") {
			t.Errorf("%.60s: an error with Cache-Control %q and ETag %q", tt.headers, a.Header.Get("Cache-Control"), a.Header.Get("Etag"))
		}
	}
	head := s.do(http.MethodHead, "/media/"+id+"/original", nil, "Range: bytes=0-1").want(t, http.StatusOK)
	if head.ContentLength != 10 {
		t.Errorf("HEAD: Content-Length %d, want 10: ranges are for GET only", head.ContentLength)
	}
}

func TestARenditionMadeAgainHasAnotherTag(t *testing.T) {
	s := serve(t)
	var key string
	id := s.put(7, func(c *catalogapi.Image) { key = c.Renditions[0].Key })
	before := s.get("/media/" + id + "/w320").Header.Get("Etag")
	s.media.Put(key, []byte("w320 7"))
	after := s.get("/media/"+id+"/w320", "If-None-Match: "+before).want(t, http.StatusOK).Header.Get("Etag")
	if before == after || before == "" {
		t.Fatalf("ETag %s before and %s after", before, after)
	}
}

func TestW04_MediaOpenedByThemselvesDoNothing(t *testing.T) {
	s := serve(t)
	evil := s.put(1, func(c *catalogapi.Image) { c.ContentType, c.Name = "text/html", "evil.html" })
	for path, want := range map[string][2]string{
		"/media/" + s.put(0) + "/original": {"image/jpeg", "inline"},
		"/media/" + evil + "/original":     {"application/octet-stream", "attachment"},
	} {
		header := s.get(path).want(t, http.StatusOK).Header
		for name, value := range map[string]string{
			"Content-Type": want[0], "X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin",
			"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
		} {
			if got := header.Get(name); got != value {
				t.Errorf("%s: %s %q, want %q", path, name, got, value)
			}
		}
		if got, _, err := mime.ParseMediaType(header.Get("Content-Disposition")); err != nil || got != want[1] {
			t.Errorf("%s: Content-Disposition %q, want %s", path, header.Get("Content-Disposition"), want[1])
		}
	}
}

func TestW05_DownloadNames(t *testing.T) {
	s := serve(t)
	for name, want := range map[string]string{
		`plain.jpg`:              `plain.jpg`,
		`UPPER.JPEG`:             `UPPER.JPEG`,
		`a "quoted"; x=1.jpg`:    `a "quoted"; x=1.jpg`,
		"a\r\nSet-Cookie: b.jpg": "a\r\nSet-Cookie: b.jpg", // encoded: see below
		`사진 앨범.jpg`:              `사진 앨범.jpg`,
		"a\u202egpj.exe":         "a\u202egpj.exe.jpg",
		`page.html`:              `page.html.jpg`,
		`..`:                     `...jpg`,
		`noending`:               `noending.jpg`,
	} {
		id := s.put(1, func(c *catalogapi.Image) { c.Name = name })
		header := s.get("/media/"+id+"/original?download=true").want(t, http.StatusOK).Header
		disposition := header.Get("Content-Disposition")
		kind, params, err := mime.ParseMediaType(disposition)
		if err != nil || kind != "attachment" || params["filename"] != want {
			t.Errorf("%q: %s (%v), want an attachment %q", name, disposition, err, want)
		}
		if header.Get("Set-Cookie") != "" || strings.ContainsFunc(disposition, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%q: raw in the header %q", name, disposition)
		}
	}
	id := s.put(1)
	if got := s.get("/media/" + id + "/w320").Header.Get("Content-Disposition"); got != "inline; filename=IMG_0001-w320.jpg" {
		t.Errorf("a rendition's name: %s", got)
	}
	s.get("/media/"+id+"/w320?download=1").wantProblem(t, http.StatusBadRequest, "validation_failed")
}

func TestW12_WhatIsGoneIsGone(t *testing.T) {
	s := serve(t)
	id := s.put(7)
	tag := s.get("/media/" + id + "/w320").Header.Get("Etag")
	s.do(http.MethodDelete, "/api/v1/images/"+id, nil).want(t, http.StatusOK)
	s.get("/media/"+id+"/w320").want(t, http.StatusOK) // the trash page shows it
	s.do(http.MethodDelete, "/api/v1/trash/"+id, nil).want(t, http.StatusNoContent)
	for _, header := range []string{"If-None-Match: " + tag, "If-None-Match: *", "Range: bytes=0-0", "X-Nothing: y"} {
		s.get("/media/"+id+"/w320", header).wantProblem(t, http.StatusNotFound, "not_found")
	}
}

// The client goes in the middle of a large file: the reading ends with it.
func TestMediaEndWithTheClient(t *testing.T) {
	s := serve(t)
	id := s.put(1, func(c *catalogapi.Image) { s.media.Put(c.Key, make([]byte, 32<<20)) })
	resp, err := s.client.Get(s.url + "/media/" + id + "/original")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(resp.Body, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	} // goleak and the server's Close see whether the handler ended
}

// stuck is a store whose reads give nothing until they are given up.
type stuck struct{}

func (stuck) Open(ctx context.Context, _ string, _, _ int64) (io.ReadCloser, blob.Info, error) {
	<-ctx.Done()
	return nil, blob.Info{}, ctx.Err()
}

func TestF20_AStoreThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, func(s *site) { s.store = stuck{} })
		id := s.put(0)
		start := time.Now()
		w := askAs(s, "127.0.0.1:0", "/media/"+id+"/original")
		if took := time.Since(start); took != time.Minute || w.Code != http.StatusGatewayTimeout || !strings.Contains(w.Body.String(), "media_timeout") {
			t.Fatalf("after %v: %d %s", took, w.Code, w.Body)
		}
	})
}

// deadlines is a response writer that notes the write deadline at each write.
type deadlines struct {
	*httptest.ResponseRecorder
	now  time.Time
	each []time.Time
}

func (w *deadlines) SetWriteDeadline(t time.Time) error {
	w.now = t
	return nil
}

func (w *deadlines) Write(p []byte) (int, error) {
	w.each = append(w.each, w.now)
	return w.ResponseRecorder.Write(p)
}

func TestU35_ASlowReaderHasADeadlineForEveryStep(t *testing.T) {
	s := newSite(t)
	id := s.put(0, func(c *catalogapi.Image) { s.media.Put(c.Key, make([]byte, 200<<10)) })
	r := httptest.NewRequest(http.MethodGet, "/media/"+id+"/original", nil)
	r.Host = "127.0.0.1:0"
	w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	s.server.Handler().ServeHTTP(w, r)
	if len(w.each) < 3 || w.Body.Len() != 200<<10 {
		t.Fatalf("%d bytes in %d writes", w.Body.Len(), len(w.each))
	}
	for i, deadline := range w.each {
		if deadline.IsZero() || time.Until(deadline) > time.Minute {
			t.Errorf("write %d: deadline %v", i, deadline)
		}
	}
	if !w.now.IsZero() {
		t.Error("a deadline is left to the connection's next request")
	}
}
