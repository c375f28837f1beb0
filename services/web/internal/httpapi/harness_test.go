package httpapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/sajin-gallery/sajin/pkg/contract"
	"github.com/sajin-gallery/sajin/pkg/contract/catalogapi"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/httpx/openapitest"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/web/api"
	"github.com/sajin-gallery/sajin/services/web/internal/gallery"
	"github.com/sajin-gallery/sajin/services/web/internal/gallery/gallerytest"
	"github.com/sajin-gallery/sajin/services/web/internal/httpapi"
	"github.com/sajin-gallery/sajin/services/web/internal/pages"
)

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // what goes wrong on purpose
	goleak.VerifyTestMain(m)
}

// site is a gallery over in-memory ports. What a test does not change is as
// the all-in-one has it: loopback, no accounts.
type site struct {
	t        *testing.T
	catalog  *gallerytest.Catalog
	media    *gallerytest.Media
	uploader gallery.Uploader
	store    gallery.Media // media, unless a test has another
	options  httpapi.Options
	draining chan struct{}
	server   *httpapi.Server

	url    string       // of the running server
	client *http.Client // follows no redirects; holds the API to its description
}

// newSite makes the site without a listener; change adapts it first.
func newSite(t *testing.T, change ...func(*site)) *site {
	t.Helper()
	rendered, err := pages.New(pages.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, catalog: gallerytest.NewCatalog(), media: gallerytest.NewMedia(), draining: make(chan struct{})}
	s.uploader, s.store = &gallerytest.Uploader{Media: s.media}, s.media
	s.options = httpapi.Options{
		Pages: rendered, Health: &httpx.Health{}, Draining: s.draining, Addr: "127.0.0.1:0",
		Uploads: httpapi.UploadLimits{MaxFiles: 1000, MaxFileBytes: 256 << 20, MaxRequestBytes: 4 << 30, IdleBody: time.Minute},
		Log:     slog.New(slog.DiscardHandler),
	}
	for _, f := range change {
		f(s)
	}
	s.options.Gallery = gallery.New(s.catalog, s.uploader, s.store, s.options.Log)
	s.server = httpapi.New(s.options)
	return s
}

// serve is newSite on a port.
func serve(t *testing.T, change ...func(*site)) *site {
	t.Helper()
	s := newSite(t, change...)
	server := httptest.NewServer(s.server.Handler())
	// One connection: a spare one that was dialled and never used would make the
	// server's Close wait for it.
	transport := &http.Transport{DisableCompression: true, MaxConnsPerHost: 1}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
	})
	s.url = server.URL
	s.client = &http.Client{
		Transport:     byPath{openapitest.Transport(t, api.OpenAPI, transport), transport},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       30 * time.Second,
	}
	return s
}

// byPath holds to the OpenAPI file what it is about.
type byPath struct{ described, rest http.RoundTripper }

func (b byPath) RoundTrip(r *http.Request) (*http.Response, error) {
	for _, prefix := range []string{"/api/", "/media/", "/healthz/"} {
		if strings.HasPrefix(r.URL.Path, prefix) {
			return b.described.RoundTrip(r)
		}
	}
	return b.rest.RoundTrip(r)
}

// answer is a response that was read.
type answer struct {
	*http.Response
	body string
}

// do sends a request. Headers are given as "Name: value"; a body's type is one
// of them.
func (s *site) do(method, path string, body io.Reader, headers ...string) answer {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		if name == "Host" {
			req.Host = value
		}
		req.Header.Add(name, value)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatalf("%s %s: read the answer: %v", method, path, err)
	}
	return answer{resp, string(raw)}
}

func (s *site) get(path string, headers ...string) answer {
	s.t.Helper()
	return s.do(http.MethodGet, path, nil, headers...)
}

func (s *site) post(path string, headers ...string) answer {
	s.t.Helper()
	return s.do(http.MethodPost, path, nil, headers...)
}

func (s *site) postForm(path string, form url.Values, headers ...string) answer {
	s.t.Helper()
	return s.do(http.MethodPost, path, strings.NewReader(form.Encode()),
		append(headers, "Content-Type: application/x-www-form-urlencoded")...)
}

func (s *site) upload(path string, files ...file) answer {
	s.t.Helper()
	contentType, body := form(s.t, files...)
	return s.do(http.MethodPost, path, body, "Content-Type: "+contentType)
}

func (a answer) want(t *testing.T, status int) answer {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("%s %s: status %d, want %d; body: %.300s", a.Request.Method, a.Request.URL.Path, a.StatusCode, status, a.body)
	}
	return a
}

// wantProblem checks a problem's status and code.
func (a answer) wantProblem(t *testing.T, status int, code string) problem.Details {
	t.Helper()
	a.want(t, status)
	d := decode[problem.Details](t, a)
	if got := a.Header.Get("Content-Type"); got != problem.ContentType || d.Code != code || d.Status != status {
		t.Fatalf("%s %s: %s %+v, want a problem with %d %q", a.Request.Method, a.Request.URL, got, d, status, code)
	}
	return d
}

// wantErrorPage checks that an error is a page and no problem.
func (a answer) wantErrorPage(t *testing.T, status int) {
	t.Helper()
	a.want(t, status)
	if got := a.Header.Get("Content-Type"); got != "text/html; charset=utf-8" || !strings.Contains(a.body, "</html>") {
		t.Fatalf("%s %s: %s, want a page; body: %.300s", a.Request.Method, a.Request.URL, got, a.body)
	}
}

func decode[T any](t *testing.T, a answer) T {
	t.Helper()
	var out T
	if err := json.Unmarshal([]byte(a.body), &out); err != nil {
		t.Fatalf("%s %s: not JSON: %v: %.300s", a.Request.Method, a.Request.URL, err, a.body)
	}
	return out
}

type file struct {
	name string
	data []byte
}

func form(t *testing.T, files ...file) (contentType string, body *bytes.Buffer) {
	t.Helper()
	body = &bytes.Buffer{}
	w := multipart.NewWriter(body)
	for _, f := range files {
		part, err := w.CreateFormFile("file_field", f.name)
		if err == nil {
			_, err = part.Write(f.data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), body
}

// picture is a small PNG; each n is another one.
func picture(t *testing.T, n int) []byte {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, 4, 3))
	img.Pix[0], img.Pix[1] = byte(n), byte(n>>8)
	var out bytes.Buffer
	if err := png.Encode(&out, img); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// epoch is when the pictures of put were taken: each n a day before n-1.
var epoch = time.Date(2026, 5, 31, 12, 0, 0, 0, time.UTC)

const sum = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

// put adds a ready picture whose original reads "original n" and whose one
// rendition reads "w320 n".
func (s *site) put(n int, change ...func(*catalogapi.Image)) string {
	taken := epoch.AddDate(0, 0, -n)
	id := identity.NewImageID(taken)
	key, small := contract.OriginalKey(id, taken, ".jpg"), contract.RenditionKey(id, "w320", ".jpg")
	original, rendition := fmt.Appendf(nil, "original %d", n), fmt.Appendf(nil, "w320 %d", n)
	s.media.Put(key, original)
	s.media.Put(small, rendition)
	image := catalogapi.Image{
		ID: id, Owner: "local", Name: fmt.Sprintf("IMG_%04d.jpg", n), Key: key, ContentType: "image/jpeg",
		Size: int64(len(original)), Width: 4000, Height: 3000, SHA256: sum, TakenAt: taken, CreatedAt: taken,
		State: catalogapi.StateReady, Placeholder: "1QcSHQRnh493V4dIh4eXh1h4kJUI",
		Renditions: []contract.Rendition{{Name: "w320", Key: small, Width: 320, Height: 240, Size: int64(len(rendition)), ContentType: "image/jpeg"}},
	}
	for _, f := range change {
		f(&image)
	}
	s.catalog.Put(image)
	return id
}

func trashed(image *catalogapi.Image) { image.TrashedAt = &epoch }
