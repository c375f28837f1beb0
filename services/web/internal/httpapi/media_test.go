package httpapi_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"testing"

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
