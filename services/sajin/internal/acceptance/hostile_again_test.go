package acceptance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// hostileAgain are requests that come twice, at the same time, or for something
// that there is not.
var hostileAgain = []hostileRow{
	{"U36_Smuggling", smuggling},
	{"U37_EncodedBodies", encodedBodies},
	{"U38_TheSameBytes", theSameBytes},
	{"U39_TheSameName", theSameName},
	{"U40_Lengths", hostileLengths},
	{"U41_Offsets", hostileOffsets},
	{"U43_GuessedSessions", guessedSessions},
	{"U45_TheSameRequest", theSameRequest},
	{"U47_Archives", archives},
	{"U48_Addresses", addresses},
}

// smuggling: a request whose length can be read in two ways is refused, and the
// connection closed, before anything of it is done.
func smuggling(t *testing.T, v *victim) {
	body := string(formOf(upload("a.jpg", v.fresh(t))))
	for name, c := range map[string]struct {
		lines  []string
		status int
	}{
		"two lengths":        {[]string{"Content-Length: 5", "Content-Length: 6"}, 400},
		"a sign":             {[]string{"Content-Length: +3"}, 400},
		"a negative length":  {[]string{"Content-Length: -1"}, 400},
		"an unknown coding":  {[]string{"Transfer-Encoding: xchunked"}, 501},
		"two codings":        {[]string{"Transfer-Encoding: chunked, identity"}, 501},
		"chunked twice":      {[]string{"Transfer-Encoding: chunked", "Transfer-Encoding: chunked"}, 501},
		"space before colon": {[]string{"Content-Length : 3"}, 400},
		"NUL":                {[]string{"X-A: a\x00b"}, 400},
		"bare CR":            {[]string{"X-A: a\rb"}, 400},
	} {
		w := v.dial(t)
		w.send(v.posting(append([]string{typeLine}, c.lines...)...) + body)
		if resp := w.reply(http.MethodPost); resp.status != c.status {
			t.Errorf("%s was answered with %d", name, resp.status)
		}
		w.closed()
	}
	// A request to speak HTTP/2 is answered in HTTP/1.1.
	resp := v.exchange(t, http.MethodGet, "/api/v1/images?limit=1", "Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA")
	if resp.status != http.StatusOK {
		t.Errorf("an upgrade was answered with %d", resp.status)
	}
}

// encodedBodies: a body is taken as it is, or not at all.
func encodedBodies(t *testing.T, v *victim) {
	for _, encoding := range []string{"gzip", "deflate", "br", "gzip, gzip"} {
		resp, err := v.do(t.Context(), http.MethodPost, "/api/v1/images", frontierType, bytes.NewReader(formOf(upload("a.jpg", v.fresh(t)))), "Content-Encoding", encoding)
		if err != nil {
			t.Fatal(err)
		}
		wantProblem(t, encoding, resp, http.StatusUnsupportedMediaType, "unsupported_content_encoding")
	}
}

// theSameBytes at the same time, from many: every answer leads to the one image.
func theSameBytes(t *testing.T, v *victim) {
	f := file{name: "same.jpg", data: v.fresh(t)}
	v.many(t, 50, func(int) []resultJSON {
		_, results, err := v.tryUpload(t.Context(), f)
		if err != nil || len(results) != 1 || results[0].ID+results[0].DuplicateOf == "" {
			t.Errorf("%+v %v", results, err)
		}
		return results
	}, f)
	eventually(t, readyWithin, "one of the fifty is left", func() bool { return v.copies(t, f) == 1 })
	v.resolve(t)
}

// copies is how many pictures in the list have the bytes of f.
func (v *victim) copies(t *testing.T, f file) (n int) {
	t.Helper()
	for _, img := range v.mustList(t, "") {
		if img.SHA256 == f.sha256() {
			n++
		}
	}
	return n
}

// many calls do from as many clients at once, and remembers what they are
// answered for f.
func (v *victim) many(t *testing.T, clients int, do func(i int) []resultJSON, f file) {
	t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			for _, r := range do(i) {
				mu.Lock()
				v.acknowledged[r.ID+r.DuplicateOf] = f.sha256()
				mu.Unlock()
			}
		})
	}
	all.Wait()
}

// resolve replaces what was acknowledged by what it leads to: of equal files
// sent together one is kept, and the ids of the others are its other names.
func (v *victim) resolve(t *testing.T) {
	t.Helper()
	for id, sum := range v.acknowledged {
		eventually(t, readyWithin, id+" leads to a picture", func() bool { return v.leadsTo(t, id) != "" })
		img := v.image(t, id)
		if img.SHA256 != sum {
			t.Errorf("%s was acknowledged for %s and leads to %s", id, sum, img.SHA256)
		}
		if img.ID != id {
			delete(v.acknowledged, id)
			v.acknowledged[img.ID] = sum
		}
	}
}

// theSameName: a hundred pictures of one name in one request are a hundred
// pictures, in an order that every page agrees on.
func theSameName(t *testing.T, v *victim) {
	var parts []part
	for range 100 {
		parts = append(parts, upload("IMG_0001.jpg", v.fresh(t)))
	}
	status, said, results := v.send(t, parts...)
	if status != http.StatusCreated || len(results) != 100 {
		t.Fatalf("answered with %d %v", status, said)
	}
	ids := map[string]bool{}
	for _, r := range results {
		ids[r.ID] = true
	}
	if len(ids) != 100 {
		t.Errorf("a hundred files have %d ids", len(ids))
	}
	var first []string
	for _, limit := range []int{7, 200} {
		var order []string
		cursor := ""
		for {
			resp := v.call(t, http.MethodGet, fmt.Sprintf("/api/v1/images?limit=%d%s", limit, cursor), http.StatusOK)
			var page struct {
				Images     []imageJSON `json:"images"`
				NextCursor string      `json:"next_cursor"`
			}
			decode(t, resp, &page)
			for _, img := range page.Images {
				if ids[img.ID] {
					order = append(order, img.ID)
				}
			}
			if page.NextCursor == "" {
				break
			}
			cursor = "&cursor=" + page.NextCursor
		}
		if len(order) != 100 || first != nil && !slices.Equal(first, order) {
			t.Errorf("by pages of %d there are %d of them, or in another order", limit, len(order))
		}
		first = order
	}
}

// planOf asks for sessions; nil where the gallery takes files whole only.
func (v *victim) planOf(t *testing.T, files string) []planJSON {
	t.Helper()
	resp, err := v.do(t.Context(), http.MethodPost, "/api/v1/uploads", "application/json", strings.NewReader(`{"files":[`+files+`]}`))
	if err != nil {
		t.Fatal(err)
	}
	if p := problemOf(t, resp); p != nil {
		if p.Code != "sessions_unsupported" {
			t.Fatalf("a plan was answered with %d %s", p.Status, p.Code)
		}
		return nil
	}
	var plan struct {
		Files []planJSON `json:"files"`
	}
	decode(t, resp, &plan)
	return plan.Files
}

type planJSON struct {
	Status  string       `json:"status"`
	ID      string       `json:"id"`
	Session string       `json:"session_url"`
	Problem *problemJSON `json:"problem"`
}

// hostileLengths: a size that is none opens nothing.
func hostileLengths(t *testing.T, v *victim) {
	for size, want := range map[string]string{
		"-1": "upload_length_invalid", "0": "upload_length_invalid", "1e9": "upload_length_invalid", "9223372036854775808": "upload_length_invalid",
		"9223372036854775807": "file_too_large", "268435457": "file_too_large",
	} {
		for _, planned := range v.planOf(t, `{"name":"a.jpg","size":`+size+`}`) {
			if planned.Status != "refused" || planned.Problem == nil || planned.Problem.Code != want || planned.Session != "" {
				t.Errorf("a size of %s was answered with %+v", size, planned)
			}
		}
	}
}

// hostileOffsets: what does not begin where the file has come to is refused with
// the true offset; the last chunk may come again.
func hostileOffsets(t *testing.T, v *victim) {
	const chunk = 256 << 10
	data := append(v.fresh(t), make([]byte, 2*chunk)...)
	plan := v.planOf(t, fmt.Sprintf(`{"name":"a.jpg","size":%d}`, len(data)))
	if plan == nil || strings.HasPrefix(plan[0].Session, "http") { // the bucket's own is not ours to test
		t.Skip("this deployment serves no sessions itself")
	}
	session := plan[0].Session
	wantProblem(t, "a gap", v.chunk(t, session, data, chunk, 2*chunk), http.StatusConflict, "offset_mismatch")
	if resp := v.chunk(t, session, data, 0, chunk); resp.status != http.StatusPermanentRedirect || resp.header.Get("Range") != fmt.Sprintf("bytes=0-%d", chunk-1) {
		t.Errorf("the first chunk was answered with %d, Range %q", resp.status, resp.header.Get("Range"))
	}
	wantProblem(t, "the same again", v.chunk(t, session, data, 0, chunk), http.StatusConflict, "offset_mismatch")
	wantProblem(t, "no multiple", v.chunk(t, session, data, chunk, chunk+1), http.StatusBadRequest, "chunk_size_invalid")
	longer := append(bytes.Clone(data), 0)
	wantProblem(t, "another size", v.chunk(t, session, longer, chunk, len(longer)), http.StatusBadRequest, "upload_length_invalid")
	if resp := v.chunk(t, session, data, chunk, len(data)); resp.status != http.StatusCreated {
		t.Fatalf("the rest was answered with %d %s", resp.status, resp.body)
	}
	v.acknowledged[plan[0].ID] = file{data: data}.sha256()
	var again resultJSON
	resp := v.chunk(t, session, data, chunk, len(data))
	if decode(t, resp, &again); resp.status != http.StatusOK || again.ID != plan[0].ID {
		t.Errorf("the last chunk again was answered with %d %s", resp.status, resp.body)
	}
}

// guessedSessions are all the same nothing.
func guessedSessions(t *testing.T, v *victim) {
	for _, id := range []string{"A", strings.Repeat("A", 26), strings.Repeat("Z", 65), "..", "a%2fb"} {
		for _, method := range []string{http.MethodPut, http.MethodDelete} {
			resp, err := v.do(t.Context(), method, "/api/v1/uploads/"+id, "", nil, "Content-Range", "bytes */10")
			if err != nil {
				t.Fatal(err)
			}
			wantProblem(t, method+" "+id, resp, http.StatusNotFound, "not_found")
		}
	}
}

// theSameRequest: a request that is sent again, because its answer was lost,
// gives the same image, with an Idempotency-Key or without: what makes it the
// same is the content.
func theSameRequest(t *testing.T, v *victim) {
	f := file{name: "again.jpg", data: v.fresh(t)}
	ask := func(key string) []resultJSON {
		body, contentType := form("files", f)
		resp, err := v.do(t.Context(), http.MethodPost, "/api/v1/images", contentType, body, "Idempotency-Key", key)
		if err != nil {
			t.Error(err)
			return nil
		}
		var answer struct {
			Results []resultJSON `json:"results"`
		}
		if err := json.Unmarshal(resp.body, &answer); err != nil || len(answer.Results) != 1 {
			t.Errorf("answered with %d %.200q", resp.status, resp.body)
		}
		return answer.Results
	}
	v.many(t, 1, func(int) []resultJSON { return ask("one") }, f)
	v.many(t, 20, func(i int) []resultJSON { return ask([]string{"one", "another", strings.Repeat("k", 10<<10)}[i%3]) }, f)
	eventually(t, readyWithin, "one is left", func() bool { return v.copies(t, f) == 1 })
	v.resolve(t)
}

// archives are not opened: there is nothing in them that could be anywhere.
func archives(t *testing.T, v *victim) {
	for name, data := range map[string]string{
		"zip": "PK\x03\x04\x14\x00\x00\x00../../a.jpg", "empty zip": "PK\x05\x06" + strings.Repeat("\x00", 18), "gzip": "\x1f\x8b\x08\x00rest",
		"7z": "7z\xbc\xaf\x27\x1c", "rar": "Rar!\x1a\x07\x00", "tar": "a.jpg" + strings.Repeat("\x00", 252) + "ustar\x00",
	} {
		if _, said, _ := v.send(t, upload("a.jpg", []byte(data))); !slices.Equal(said, []string{"415 unsupported_media_type"}) {
			t.Errorf("%s was answered with %v", name, said)
		}
	}
}

// addresses are not followed: nothing is fetched because a client names it.
func addresses(t *testing.T, v *victim) {
	var asked atomic.Int32
	bait := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer bait.Close()
	for path, body := range map[string]string{
		"/api/v1/images": `{"url":"` + bait.URL + `/a.jpg"}`, "/api/v1/uploads": `{"files":[{"name":"` + bait.URL + `/a.jpg","size":1,"url":"` + bait.URL + `"}]}`,
	} {
		resp, err := v.do(t.Context(), http.MethodPost, path, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if p := problemOf(t, resp); p == nil || resp.status != http.StatusUnsupportedMediaType && resp.status != http.StatusBadRequest {
			t.Errorf("POST %s with an address was answered with %d %s", path, resp.status, resp.body)
		}
	}
	for _, path := range []string{"/api/v1/import", "/api/v1/images/import", "/api/v1/fetch"} {
		resp, err := v.page.Post(v.base+path, "application/json", strings.NewReader(`{"url":"`+bait.URL+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		if resp.Body.Close(); resp.StatusCode != http.StatusNotFound && resp.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("POST %s was answered with %d", path, resp.StatusCode)
		}
	}
	_, said, _ := v.send(t, part{`Content-Disposition: form-data; name="url"`, []byte(bait.URL)}, upload("a.jpg", []byte(bait.URL)))
	if !slices.Equal(said, []string{"415 unsupported_media_type"}) {
		t.Errorf("an address in a form was answered with %v", said)
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("%d requests went out", n)
	}
}
