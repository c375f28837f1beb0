package httpapi_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sajin-gallery/sajin/pkg/contract/uploadapi"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/services/web/internal/gallery/gallerytest"
	"github.com/sajin-gallery/sajin/services/web/internal/httpapi"
)

// uploaderFunc is an Uploader made of a function.
type uploaderFunc func(ctx context.Context, contentType string, length int64, body io.Reader) (uploadapi.UploadResponse, error)

func (f uploaderFunc) Upload(ctx context.Context, contentType string, length int64, body io.Reader) (uploadapi.UploadResponse, error) {
	return f(ctx, contentType, length, body)
}

func with(f uploaderFunc) func(*site) {
	return func(s *site) {
		s.uploader = struct {
			uploaderFunc
			gallerytest.NoSessions
		}{uploaderFunc: f}
	}
}

func maxRequest(n int64) func(*site) {
	return func(s *site) { s.options.Uploads.MaxRequestBytes = n }
}

const boundary = "multipart/form-data; boundary=frontier"

// The uploader has the first bytes while the client still holds back the rest:
// nothing in between waits for the whole.
func TestUploadStreams(t *testing.T) {
	arrived := make(chan string)
	s := serve(t, with(func(_ context.Context, contentType string, length int64, body io.Reader) (uploadapi.UploadResponse, error) {
		if contentType != boundary || length != -1 {
			t.Errorf("content type %q, length %d; want them as the client sent them", contentType, length)
		}
		chunk := make([]byte, 5)
		for range 2 {
			if _, err := io.ReadFull(body, chunk); err != nil {
				return uploadapi.UploadResponse{}, err
			}
			arrived <- string(chunk)
		}
		_, err := io.Copy(io.Discard, body)
		return uploadapi.UploadResponse{Results: []uploadapi.Result{{Name: "a", Status: uploadapi.StatusDuplicate, DuplicateOf: "b"}}}, err
	}))
	body, client := io.Pipe()
	done := make(chan answer, 1)
	go func() {
		done <- s.do(http.MethodPost, "/api/v1/images", body, "Content-Type: "+boundary)
	}()
	for _, part := range []string{"first", "later"} {
		if _, err := io.WriteString(client, part); err != nil {
			t.Fatal(err)
		}
		if got := <-arrived; got != part {
			t.Fatalf("the uploader got %q, want %q", got, part)
		}
	}
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	(<-done).want(t, http.StatusOK)
}

func TestUploadEndsWithTheClient(t *testing.T) {
	began, ended := make(chan struct{}), make(chan error, 1)
	s := serve(t, with(func(ctx context.Context, _ string, _ int64, body io.Reader) (uploadapi.UploadResponse, error) {
		if _, err := io.ReadFull(body, make([]byte, 1)); err != nil {
			return uploadapi.UploadResponse{}, err
		}
		close(began)
		_, err := io.Copy(io.Discard, body)
		ended <- errors.Join(err, ctx.Err())
		return uploadapi.UploadResponse{}, err
	}))
	ctx, leave := context.WithCancel(t.Context())
	body, client := io.Pipe()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/api/v1/images", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", boundary)
	failed := make(chan error, 1)
	go func() {
		resp, err := s.client.Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		failed <- err
	}()
	if _, err := client.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	<-began
	leave()
	if err := <-ended; err == nil {
		t.Error("the uploader read a whole body")
	}
	_ = client.Close() // the client's transport waits for its own body
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("the client's error is %v", err)
	}
}

// raw sends bytes on a connection of its own and gives the first answer.
func (s *site) raw(t *testing.T, request string, finish bool) (status int, answer string) {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, strings.ReplaceAll(request, "\n", "\r\n")); err != nil {
		t.Fatal(err)
	}
	if finish {
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode >= http.StatusBadRequest && !resp.Close {
		t.Errorf("%d leaves the connection open", resp.StatusCode)
	}
	return resp.StatusCode, string(body)
}

func (s *site) host() string { return strings.TrimPrefix(s.url, "http://") }

// unread fails the test when the body is read.
func unread(t *testing.T) func(*site) {
	return with(func(context.Context, string, int64, io.Reader) (uploadapi.UploadResponse, error) {
		t.Error("the uploader was called")
		return uploadapi.UploadResponse{}, nil
	})
}

func TestU32_TooLargeByItsLengthIsNotRead(t *testing.T) {
	s := serve(t, unread(t))
	for _, path := range []string{"/api/v1/images", "/upload", "/imageapp/upload_image/"} {
		status, body := s.raw(t, "POST "+path+" HTTP/1.1\nHost: "+s.host()+"\nContent-Type: "+boundary+"\nContent-Length: 10000000000\n\n", false)
		if status != http.StatusRequestEntityTooLarge || (path == "/api/v1/images") != strings.Contains(body, `"code":"request_too_large"`) {
			t.Errorf("%s: %d %.200s", path, status, body)
		}
	}
}

// The limit holds where the length is not said as well: a byte over it fails.
func TestU32_TooLargeWithoutALength(t *testing.T) {
	const limit = 1<<20 + 32<<20 // with the slack for the form itself
	s := serve(t, maxRequest(1<<20), with(func(_ context.Context, _ string, _ int64, body io.Reader) (uploadapi.UploadResponse, error) {
		_, err := io.Copy(io.Discard, body)
		return uploadapi.UploadResponse{Results: []uploadapi.Result{{Name: "a", Status: uploadapi.StatusDuplicate}}}, err
	}))
	for size, status := range map[int64]int{limit - 1: http.StatusOK, limit: http.StatusOK, limit + 1: http.StatusRequestEntityTooLarge} {
		for name, body := range map[string]io.Reader{"chunked": zeros(size), "declared": &io.LimitedReader{R: zeros(size), N: size}} {
			a := s.sized(t, http.MethodPost, "/api/v1/images", body, size)
			if a.StatusCode != status || (status == http.StatusRequestEntityTooLarge && !strings.Contains(a.body, "request_too_large")) {
				t.Errorf("%d bytes, %s: %d %s, want %d", size, name, a.StatusCode, a.body, status)
			}
		}
	}
}

// sized sends a body that declares its length when it is a LimitedReader.
func (s *site) sized(t *testing.T, method, path string, body io.Reader, size int64, contentRange ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, io.NopCloser(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", boundary)
	req.Header["Content-Range"] = contentRange
	req.Header.Set("Expect", "100-continue") // so that a refusal is read before the body is sent
	if _, ok := body.(*io.LimitedReader); ok {
		req.ContentLength = size
	}
	w := httptest.NewRecorder()
	// Straight to the handler: over a connection, the end of a refused body
	// races with the answer.
	req.Host, req.RequestURI = "127.0.0.1:0", path
	if req.ContentLength == 0 {
		req.ContentLength = -1
	}
	s.server.Handler().ServeHTTP(w, req)
	return answer{w.Result(), w.Body.String()}
}

// What is told is the limit that holds, whether the length was declared or not.
func TestAChunkThatIsTooLargeIsToldTheLimit(t *testing.T) {
	const limit = 2 << 20
	s := serve(t, maxRequest(limit))
	at := s.plan(`{"name":"a.png","size":3145728}`)[0].SessionURL
	for name, body := range map[string]io.Reader{"chunked": zeros(limit + 1), "declared": &io.LimitedReader{R: zeros(limit + 1), N: limit + 1}} {
		a := s.sized(t, http.MethodPut, at, body, limit+1, fmt.Sprintf("bytes 0-%d/3145728", limit))
		if a.StatusCode != http.StatusRequestEntityTooLarge || !strings.Contains(a.body, "the 2 MB that") {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.body)
		}
	}
}

// zeros does not tell its length.
func zeros(n int64) io.Reader { return struct{ io.Reader }{io.LimitReader(zeroReader{}, n)} }

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) { return len(p), nil }

func TestU33_NoContinueBeforeARefusal(t *testing.T) {
	s := serve(t, unread(t))
	for name, tt := range map[string]struct {
		headers string
		status  int
	}{
		"length":   {"Content-Type: " + boundary + "\nContent-Length: 10000000000\n", http.StatusRequestEntityTooLarge},
		"type":     {"Content-Type: image/jpeg\nContent-Length: 1000\n", http.StatusUnsupportedMediaType},
		"boundary": {"Content-Type: multipart/form-data\nContent-Length: 1000\n", http.StatusBadRequest},
		"encoding": {"Content-Type: " + boundary + "\nContent-Encoding: gzip\nContent-Length: 1000\n", http.StatusUnsupportedMediaType},
		"origin":   {"Content-Type: " + boundary + "\nOrigin: https://evil.example\nContent-Length: 1000\n", http.StatusForbidden},
	} {
		// ReadResponse gives the first status line: 100 would be it.
		status, _ := s.raw(t, "POST /api/v1/images HTTP/1.1\nHost: "+s.host()+"\nExpect: 100-continue\n"+tt.headers+"\n", false)
		if status != tt.status {
			t.Errorf("%s: %d, want %d", name, status, tt.status)
		}
	}
}

func TestU34_BodyEndsEarly(t *testing.T) {
	s := serve(t)
	head := "POST %s HTTP/1.1\nHost: " + s.host() + "\nContent-Type: " + boundary + "\n"
	part := "--frontier\nContent-Disposition: form-data; name=\"f\"; filename=\"a.png\"\n\n\x89PNG\n"
	for name, rest := range map[string]string{
		"length not reached":  "Content-Length: 5000\n\n" + part,
		"chunk cut":           "Transfer-Encoding: chunked\n\n1000\n" + part,
		"chunk size overflow": "Transfer-Encoding: chunked\n\nfffffffffffffffff\n" + part,
	} {
		status, body := s.raw(t, fmt.Sprintf(head, "/api/v1/images")+rest, true)
		if status != http.StatusBadRequest || !strings.Contains(body, "body_incomplete") {
			t.Errorf("%s: %d %.300s, want body_incomplete", name, status, body)
		}
		if status, body = s.raw(t, fmt.Sprintf(head, "/upload")+rest, true); status != http.StatusBadRequest || !strings.Contains(body, "</html>") {
			t.Errorf("%s, the form: %d %.300s, want a page", name, status, body)
		}
	}
	if page := decode[httpapi.ImagePage](t, s.get("/api/v1/images")); len(page.Images) != 0 {
		t.Errorf("%d pictures were kept of unfinished uploads", len(page.Images))
	}
}

// stopped is a body of which no byte arrives in time, as the connection's
// deadline says it.
type stopped struct{}

func (stopped) Read([]byte) (int, error) { return 0, os.ErrDeadlineExceeded }

func TestU35_BodyThatStandsStill(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{"/api/v1/images", "/upload", "/language"} {
		r := httptest.NewRequest(http.MethodPost, path, stopped{})
		r.Host = "localhost:0"
		r.Header.Set("Content-Type", boundary)
		if path == "/language" {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		w := httptest.NewRecorder()
		s.server.Handler().ServeHTTP(w, r)
		if w.Code != http.StatusRequestTimeout || w.Header().Get("Retry-After") == "" || w.Header().Get("Connection") != "close" {
			t.Errorf("%s: %d %v", path, w.Code, w.Header())
		}
	}
}

// An upload service that neither reads nor answers is given up.
func TestUploadThatStallsInside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, with(func(ctx context.Context, _ string, _ int64, body io.Reader) (uploadapi.UploadResponse, error) {
			_, _ = io.Copy(io.Discard, body)
			<-ctx.Done()
			return uploadapi.UploadResponse{}, fault.Wrap("test", ctx.Err())
		}))
		r := httptest.NewRequest(http.MethodPost, "/api/v1/images", strings.NewReader("x"))
		r.Host = "localhost:0"
		r.Header.Set("Content-Type", boundary)
		w := httptest.NewRecorder()
		start := time.Now()
		s.server.Handler().ServeHTTP(w, r)
		if took := time.Since(start); took != 2*time.Minute || w.Code != http.StatusGatewayTimeout || !strings.Contains(w.Body.String(), "upload_timeout") {
			t.Fatalf("after %v: %d %s", took, w.Code, w.Body)
		}
	})
}

// The upload service may answer before it has read everything; what it says is
// the answer.
func TestUploadRefusedInTheMiddle(t *testing.T) {
	s := serve(t, with(func(_ context.Context, _ string, _ int64, body io.Reader) (uploadapi.UploadResponse, error) {
		_, _ = io.ReadFull(body, make([]byte, 10))
		return uploadapi.UploadResponse{}, fault.New(fault.OutOfSpace, "storage_full", "There is no space left.")
	}))
	a := s.do(http.MethodPost, "/api/v1/images", zeros(100<<10), "Content-Type: "+boundary)
	a.wantProblem(t, http.StatusInsufficientStorage, "storage_full")
	if !a.Close {
		t.Error("the connection is kept, with an unread body in it")
	}
}
