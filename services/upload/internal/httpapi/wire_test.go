package httpapi_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/upload/internal/httpapi"
	"github.com/sajin-gallery/sajin/services/upload/internal/ingest"
)

// wire is a connection that speaks HTTP by hand.
type wire struct {
	net.Conn
	s *server
	r *bufio.Reader
}

func (s *server) dial() *wire {
	s.t.Helper()
	conn, err := new(net.Dialer).DialContext(s.t.Context(), "tcp", s.http.Listener.Addr().String())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	return &wire{conn, s, bufio.NewReader(conn)}
}

func (w *wire) send(text string) {
	w.s.t.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		w.s.t.Fatal(err)
	}
}

// reply reads an answer, which is not to be "100 Continue".
func (w *wire) reply() reply {
	w.s.t.Helper()
	resp, err := http.ReadResponse(w.r, nil)
	if err != nil {
		w.s.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	return w.s.read(resp)
}

// closed says that the server has closed the connection.
func (w *wire) closed() {
	w.s.t.Helper()
	if n, err := io.Copy(io.Discard, w.r); n > 0 || isTimeout(err) {
		w.s.t.Errorf("the connection is still open: %d bytes, %v", n, err)
	}
}

func isTimeout(err error) bool {
	timeout, ok := err.(net.Error) //nolint:errorlint // net.Conn's own
	return ok && timeout.Timeout()
}

func head(lines ...string) string {
	return "POST /v1/images HTTP/1.1\r\nHost: upload\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n"
}

const (
	ownerLine = "Sajin-Acting-Owner: anna"
	typeLine  = "Content-Type: " + formType
)

// canary says that the service still serves others (I9).
func (s *server) canary() {
	s.t.Helper()
	s.post(filePart("canary.jpg", jpegOf(s.t, corners(8, 8)))).expect(s.t, 201, uploadapi.StatusStored)
}

// U33 and U32: what the header decides is answered without asking for the body.
func TestU33_ExpectContinue(t *testing.T) {
	s := newServer(t)
	for want, lines := range map[string][]string{
		"413 request_too_large":            {ownerLine, typeLine, "Content-Length: 10000000000"},
		"400 owner_missing":                {typeLine, "Content-Length: 1000"},
		"415 unsupported_media_type":       {ownerLine, "Content-Type: image/jpeg", "Content-Length: 1000"},
		"415 content_encoding_unsupported": {ownerLine, typeLine, "Content-Encoding: gzip", "Content-Length: 1000"},
		"400 malformed_multipart":          {ownerLine, "Content-Type: multipart/form-data", "Transfer-Encoding: chunked"},
	} {
		for _, expect := range []string{"Expect: 100-continue", "X-Expect: nothing"} {
			w := s.dial()
			w.send(head(append(lines, expect)...))
			r := w.reply()
			if got := fmt.Sprint(r.status, " ", r.problem.Code); got != want {
				t.Errorf("%s: answered %s, want %s", expect, got, want)
			}
			w.closed()
		}
	}
	w := s.dial()
	body := form(filePart("a.jpg", jpegOf(t, corners(8, 8))))
	w.send(head(ownerLine, typeLine, fmt.Sprint("Content-Length: ", len(body)), "Expect: 100-continue"))
	if line, err := w.r.ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 100 ") {
		t.Fatalf("a request that may come was answered %q, %v", line, err)
	}
	if _, err := w.r.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	w.send(body)
	w.reply().expect(t, 201, uploadapi.StatusStored)
	s.canary()
}

// U34: a body that ends early is answered, and of the cut file nothing is kept.
func TestU34_BodyEndsEarly(t *testing.T) {
	content := jpegOf(t, corners(64, 64))
	body := form(filePart("a.jpg", content), filePart("b.jpg", content))
	first := strings.Index(body, content) + len(content) // after the first file
	for name, sent := range map[string]string{
		"nothing": "", "in the header": body[:20], "in the first file": body[:200], "between": body[:first+4],
		"in the second file": body[:len(body)-100], "at 99.9 %": body[:len(body)-2-len("--frontier--")],
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			w := s.dial()
			w.send(head(ownerLine, typeLine, fmt.Sprint("Content-Length: ", len(body))) + sent)
			_ = w.Conn.(*net.TCPConn).CloseWrite()
			w.reply().expectProblem(t, 400, "body_incomplete")
			w.closed()
			complete := strings.Count(sent, content+"\r\n--frontier")
			if got := len(s.bucket.Keys(contract.PrefixOriginals)); got != complete {
				t.Errorf("%d files were kept, want the %d that were complete", got, complete)
			}
			s.canary()
		})
	}
}

func TestU34_BrokenChunks(t *testing.T) {
	content := jpegOf(t, corners(8, 8))
	for name, chunks := range map[string]string{
		"no last chunk":  "5\r\n--fro",
		"size overflow":  "ffffffffffffffffff\r\nx",
		"no size":        "zz\r\nx",
		"bare line feed": "5\n--fro\n",
		"wrong size":     "3\r\n--frontier\r\n",
	} {
		s := newServer(t)
		w := s.dial()
		w.send(head(ownerLine, typeLine, "Transfer-Encoding: chunked") + chunks)
		_ = w.Conn.(*net.TCPConn).CloseWrite()
		r := w.reply()
		if r.expectProblem(t, 400, "body_incomplete"); t.Failed() {
			t.Fatal(name)
		}
		w.closed()
		s.empty()
	}
	s := newServer(t)
	w := s.dial() // the client is gone altogether, in the middle of a file
	w.send(head(ownerLine, typeLine, "Content-Length: 100000") + form(filePart("a.jpg", content))[:300])
	_ = w.Conn.(*net.TCPConn).SetLinger(0)
	_ = w.Close()
	s.canary()
	s.http.Close() // waits for the handler
	if n := len(s.bucket.Keys(contract.PrefixOriginals)); n != 1 {
		t.Errorf("%d files are kept, want only the canary", n)
	}
}

// U35: a body that stops coming is given up, and others are served meanwhile.
func TestU35_SlowBodies(t *testing.T) {
	s := newServer(t, func(l *httpapi.Limits, _ *ingest.Config) { l.IdleBody = 100 * time.Millisecond })
	body := form(filePart("a.jpg", jpegOf(t, corners(64, 64))))
	var all sync.WaitGroup
	for range 20 {
		w := s.dial()
		w.send(head(ownerLine, typeLine, fmt.Sprint("Content-Length: ", len(body))) + body[:200])
		all.Go(func() {
			r := w.reply()
			r.expectProblem(t, 408, "body_timeout")
			if r.header.Get("Retry-After") == "" {
				t.Error("there is no Retry-After")
			}
			w.closed()
		})
	}
	s.canary()
	all.Wait()
	if n := len(s.bucket.Keys(contract.PrefixOriginals)); n != 1 {
		t.Errorf("%d files are kept, want only the canary", n)
	}
}

// slow is a core that takes its time after it has read everything.
type slow struct {
	httpapi.Sessions
	httpapi.Receipts
	d time.Duration
}

func (s slow) Receive(ctx context.Context, _ identity.Owner, files iter.Seq2[ingest.File, error]) ([]ingest.Outcome, error) {
	for f, err := range files {
		if err != nil {
			return nil, err
		}
		if _, err := io.Copy(io.Discard, f.Body); err != nil {
			return nil, err
		}
	}
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(s.d):
		return []ingest.Outcome{{Err: ingest.ErrCorrupt}}, nil
	}
}

// The wait for the work on a file is not idleness of the client.
func TestIdleLimitEndsWithTheBody(t *testing.T) {
	limits := defaultLimits()
	limits.IdleBody = 250 * time.Millisecond
	s := newServer(t)
	patient := httptest.NewServer(httpapi.New(slow{d: 2 * limits.IdleBody}, limits, health()))
	defer patient.Close()
	req := s.request(formType, strings.NewReader(form(filePart("a.jpg", "x"))))
	req.URL.Host = patient.Listener.Addr().String()
	s.do(req).expect(t, 422, "422 image_corrupt")
}

// U30: of a request with too many files the rest is not read.
func TestU30_RestIsNotRead(t *testing.T) {
	s := newServer(t, func(l *httpapi.Limits, _ *ingest.Config) { l.Files = 1 })
	w := s.dial()
	whole := form(filePart("a.jpg", jpegOf(t, corners(8, 8))), filePart("b.jpg", "x"))
	w.send(head(ownerLine, typeLine, "Content-Length: 60000000") + strings.TrimSuffix(whole, "--frontier--\r\n"))
	r := w.reply()
	r.expect(t, 201, uploadapi.StatusStored, "413 too_many_files")
	if !r.closes {
		t.Errorf("answered with %v, want the connection closed", r.header)
	}
	w.closed()
}

// One connection serves one request after the other.
func TestConnectionIsKept(t *testing.T) {
	s := newServer(t)
	w := s.dial()
	for range 3 {
		body := form(filePart("a.jpg", jpegOf(t, corners(8, 8)))) + "epilogue"
		w.send(head(ownerLine, typeLine, fmt.Sprint("Content-Length: ", len(body))) + body)
		w.reply().expect(t, 201, uploadapi.StatusStored)
	}
}
