package acceptance

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// hostileBodies are requests that do not come as announced, or not at all.
var hostileBodies = []hostileRow{
	{"U32_AnnouncedTooLarge", announcedTooLarge},
	{"U32_FileWithoutEnd", fileWithoutEnd},
	{"U33_ExpectContinue", expectContinue},
	{"U34_BodyEndsEarly", bodyEndsEarly},
	{"U34_BrokenChunks", brokenChunks},
	{"U35_SlowClients", slowClients},
}

// refusals by the header alone: none asks for the body first.
func refusedByHeader(t *testing.T, v *victim, want string, lines ...string) {
	t.Helper()
	w := v.dial(t)
	w.send(v.posting(lines...))
	resp := w.reply(http.MethodPost)
	p := problemOf(t, resp)
	if p == nil || fmt.Sprint(resp.status, " ", p.Code) != want {
		t.Errorf("%q was answered with %d %s, want %s", lines, resp.status, resp.body, want)
	}
	w.closed()
}

func announcedTooLarge(t *testing.T, v *victim) {
	refusedByHeader(t, v, "413 request_too_large", typeLine, "Content-Length: 10000000000")
}

// fileWithoutEnd is longer than one file may be, and does not say so before.
func fileWithoutEnd(t *testing.T, v *victim) {
	const limit = 256 << 20
	open := bytes.TrimSuffix(formOf(upload("endless.jpg", v.fresh(t))), []byte("\r\n--"+frontier+"--\r\n"))
	body := io.MultiReader(bytes.NewReader(open), io.LimitReader(zeros{}, limit), strings.NewReader("\r\n--"+frontier+"--\r\n"))
	resp, err := client{base: v.base, api: v.page}.do(t.Context(), http.MethodPost, "/api/v1/images", frontierType, io.NopCloser(body))
	if err != nil || resp.status != http.StatusUnprocessableEntity {
		t.Fatalf("answered with %d %.200q, %v", resp.status, resp.body, err)
	}
	if results := v.remember(t, resp, nil); len(results) != 1 || results[0].Problem == nil || results[0].Problem.Code != "file_too_large" {
		t.Errorf("answered with %+v", results)
	}
}

func expectContinue(t *testing.T, v *victim) {
	const expect = "Expect: 100-continue"
	refusedByHeader(t, v, "413 request_too_large", typeLine, "Content-Length: 10000000000", expect)
	refusedByHeader(t, v, "415 unsupported_media_type", "Content-Type: image/jpeg", "Content-Length: 1000", expect)
	refusedByHeader(t, v, "400 malformed_multipart", "Content-Type: multipart/form-data", "Transfer-Encoding: chunked", expect)
	refusedByHeader(t, v, "403 csrf_failed", typeLine, "Content-Length: 1000", "Origin: https://evil.example", expect)
	p := upload("a.jpg", v.fresh(t))
	body := formOf(p)
	w := v.dial(t)
	w.send(v.posting(typeLine, lengthLine(len(body)), expect))
	if line, err := w.answer.ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 100 ") {
		t.Fatalf("a request that may come was answered %q, %v", line, err)
	}
	if _, err := w.answer.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	w.send(string(body))
	resp := w.reply(http.MethodPost)
	if v.remember(t, resp, []part{p}); resp.status != http.StatusCreated {
		t.Errorf("answered with %d %s", resp.status, resp.body)
	}
}

// bodyEndsEarly: the answer names no image, so none of the cut file may appear.
// A file before it that came whole may stay; sent again it is recognised.
func bodyEndsEarly(t *testing.T, v *victim) {
	data := v.fresh(t)
	body := string(formOf(upload("a.jpg", data)))
	for name, sent := range map[string]string{
		"nothing": "", "in the header": body[:20], "in the file": body[:len(body)/2], "at 99.9 %": body[:len(body)-3-len("--frontier--")],
	} {
		w := v.dial(t)
		w.send(v.posting(typeLine, lengthLine(len(body))) + sent)
		_ = w.CloseWrite()
		wantProblem(t, name, w.reply(http.MethodPost), http.StatusBadRequest, "body_incomplete")
		w.closed()
	}
	w := v.dial(t) // gone without a word
	w.send(v.posting(typeLine, lengthLine(len(body))) + body[:len(body)/2])
	_ = w.SetLinger(0)
	_ = w.Close()
	v.stored(t, upload("a.jpg", data)) // new, since nothing of it was kept
}

func brokenChunks(t *testing.T, v *victim) {
	for name, chunks := range map[string]string{
		"no last chunk": "5\r\n--fro", "size overflow": "ffffffffffffffffff\r\nx", "no size": "zz\r\nx", "bare line feed": "5\n--fro\n", "wrong size": "3\r\n--frontier\r\n",
	} {
		w := v.dial(t)
		w.send(v.posting(typeLine, "Transfer-Encoding: chunked") + chunks)
		_ = w.CloseWrite()
		wantProblem(t, name, w.reply(http.MethodPost), http.StatusBadRequest, "body_incomplete")
		w.closed()
	}
	both := v.dial(t) // two lengths are one too many for anything between us and the client
	both.send(v.posting(typeLine, "Content-Length: 5", "Content-Length: 6") + "hello")
	if resp := both.reply(http.MethodPost); resp.status != http.StatusBadRequest {
		t.Errorf("two lengths were answered with %d", resp.status)
	}
}

// slowClients hold many connections: with half a header, half a file, and a
// large picture that they do not read. Others are served meanwhile.
func slowClients(t *testing.T, v *victim) {
	const each = 20
	big := append(v.fresh(t), make([]byte, 24<<20)...)
	img := v.stored(t, upload("big.jpg", big))
	body := string(formOf(upload("a.jpg", v.fresh(t))))
	var slow []*wire
	for range each {
		header, file, reader := v.dial(t), v.dial(t), v.dial(t)
		header.send("GET / HTTP/1.1\r\nHost: " + v.host() + "\r\nX-Slow: ")
		file.send(v.posting(typeLine, lengthLine(len(body))) + body[:len(body)/2])
		_ = reader.SetReadBuffer(4 << 10)
		reader.send("GET " + img.OriginalURL + " HTTP/1.1\r\nHost: " + v.host() + "\r\n\r\n")
		slow = append(slow, header, file, reader)
	}
	start := time.Now()
	v.canary(t)
	t.Logf("%d slow clients; another was served in %s", len(slow), time.Since(start).Round(time.Millisecond))
	for _, w := range slow {
		_ = w.Close()
	}
}
