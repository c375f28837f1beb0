package httpapi_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
	"github.com/sajin-gallery/sajin/services/web/internal/httpapi"
	"github.com/sajin-gallery/sajin/services/web/internal/pages"
)

// everywhere is one address of every kind, with errors among them.
func everywhere(id string) []string {
	return []string{
		"/", "/trash", "/upload", "/imageapp/upload_image/", "/images/" + id, "/fragments/images", "/fragments/months", "/favicon.ico", "/share", "/manifest.webmanifest",
		"/nothing", "/static/nothing.css", "/?limit=0", "/api/v1/images", "/api/v1/images/" + id, "/api/v1/nothing", "/api/v1/images?limit=0",
		"/media/" + id + "/original", "/media/" + id + "/w320", "/media/" + id + "/w9", "/healthz/live", "/healthz/ready", "/debug/pprof/", "/metrics",
	}
}

func TestW02_EveryResponseHasItsPolicies(t *testing.T) {
	s := serve(t)
	id := s.put(0)
	for _, path := range everywhere(id) {
		header := s.get(path).Header
		policy := header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
			t.Errorf("%s: Content-Security-Policy %q", path, policy)
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := header.Get(name); got != want {
				t.Errorf("%s: %s %q, want %q", path, name, got, want)
			}
		}
		if header.Get("Permissions-Policy") == "" || header.Get("X-Request-Id") == "" || header.Get("Cache-Control") == "" {
			t.Errorf("%s: header %v", path, header)
		}
	}
}

func TestW03_NothingMayBeFramed(t *testing.T) {
	s := serve(t)
	for _, path := range everywhere(s.put(0)) {
		if policy := s.get(path).Header.Get("Content-Security-Policy"); !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("%s: Content-Security-Policy %q", path, policy)
		}
	}
}

func TestPagesAndTheAPIAreNotStored(t *testing.T) {
	s := serve(t)
	id := s.put(0)
	for _, path := range everywhere(id) {
		if strings.HasPrefix(path, "/media/"+id+"/") && !strings.HasSuffix(path, "w9") {
			continue // immutable, and the owner's
		}
		if got := s.get(path).Header.Get("Cache-Control"); !strings.Contains(got, "no-store") {
			t.Errorf("%s: Cache-Control %q", path, got)
		}
	}
}

// changes are one request of every kind that changes something.
func changes(s *site, headers ...string) []answer {
	s.t.Helper()
	id, gone := s.put(0), s.put(1, trashed)
	contentType, body := form(s.t, file{"a.png", picture(s.t, 1)})
	multipart := append([]string{"Content-Type: " + contentType}, headers...)
	return []answer{
		s.do(http.MethodPost, "/api/v1/images", strings.NewReader(body.String()), multipart...),
		s.do(http.MethodPost, "/upload", strings.NewReader(body.String()), multipart...),
		s.do(http.MethodPost, "/imageapp/upload_image/", strings.NewReader(body.String()), multipart...),
		s.do(http.MethodDelete, "/api/v1/images/"+id, nil, headers...),
		s.post("/api/v1/images/"+gone+"/restore", headers...),
		s.post("/images/"+id+"/trash", headers...),
		s.post("/images/"+id+"/restore", headers...),
		s.post("/images/"+gone+"/trash", headers...),
		s.post("/images/"+gone+"/purge", headers...),
		s.do(http.MethodDelete, "/api/v1/trash/"+gone, nil, headers...),
		s.postForm("/language", url.Values{"lang": {"ko"}}, headers...),
	}
}

func TestA04_ChangesForForeignPagesAreRefused(t *testing.T) {
	for _, headers := range [][]string{
		{"Origin: https://evil.example"},
		{"Origin: null"},
		{"Origin: http://localhost"},
		{"Sec-Fetch-Site: cross-site"},
		{"Sec-Fetch-Site: same-site"},
		{"Sec-Fetch-Site: cross-site", "Origin: null"},
	} {
		s := serve(t)
		for _, a := range changes(s, headers...) {
			if forAPI := strings.HasPrefix(a.Request.URL.Path, "/api/"); forAPI {
				a.wantProblem(t, http.StatusForbidden, "csrf_failed")
			} else {
				a.wantErrorPage(t, http.StatusForbidden)
			}
		}
	}
}

func TestA04_OwnPagesAndToolsMayChange(t *testing.T) {
	for name, headers := range map[string]func(*site) []string{
		"tool":               func(*site) []string { return nil },
		"page":               func(s *site) []string { return []string{"Sec-Fetch-Site: same-origin", "Origin: " + s.url} },
		"page on plain http": func(s *site) []string { return []string{"Origin: " + s.url} },
		"bookmark":           func(*site) []string { return []string{"Sec-Fetch-Site: none"} },
	} {
		s := serve(t)
		for _, a := range changes(s, headers(s)...) {
			if a.StatusCode == http.StatusForbidden {
				t.Errorf("%s: %s %s was refused", name, a.Request.Method, a.Request.URL.Path)
			}
		}
	}
}

// No GET changes anything, wherever it comes from.
func TestA04_ReadingChangesNothing(t *testing.T) {
	s := serve(t)
	id := s.put(0)
	before := s.get("/api/v1/changes").body
	for _, path := range everywhere(id) {
		s.get(path, "Sec-Fetch-Site: cross-site", "Origin: https://evil.example")
	}
	if after := s.get("/api/v1/changes").body; after != before {
		t.Fatalf("the feed went from %s to %s", before, after)
	}
}

// askAs asks the handler under a name.
func askAs(s *site, host, path string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = host
	r.Header.Set("X-Forwarded-Host", "127.0.0.1:8080")
	w := httptest.NewRecorder()
	s.server.Handler().ServeHTTP(w, r)
	return w
}

func TestW06_HostOnLoopback(t *testing.T) {
	s := newSite(t, func(s *site) { s.options.Addr = "127.0.0.1:8080" })
	for host, status := range map[string]int{
		"127.0.0.1:8080": 200, "localhost:8080": 200, "LOCALHOST:8080": 200, "[::1]:8080": 200,
		"127.0.0.1:8081": 421, "127.0.0.1": 421, "localhost": 421, "evil.example": 421, "evil.example:8080": 421, "127.0.0.1.evil.example:8080": 421,
		"localhost.:8080": 421, "": 421, "[::1": 421, "a:b:8080": 421, "127.0.0.1:8080@evil": 421, "2130706433:8080": 421, "0.0.0.0:8080": 421,
	} {
		for _, path := range []string{"/", "/api/v1/images", "/media/x/original"} {
			want := status
			if want == http.StatusOK && path == "/media/x/original" {
				want = http.StatusNotFound
			}
			if w := askAs(s, host, path); w.Code != want {
				t.Errorf("Host %q at %s: %d, want %d", host, path, w.Code, want)
			}
		}
		if w := askAs(s, host, "/healthz/live"); w.Code != http.StatusOK {
			t.Errorf("Host %q: a probe is answered with %d", host, w.Code)
		}
	}
	if w := askAs(s, "evil.example", "/api/v1/images"); w.Header().Get("Content-Type") != problem.ContentType || !strings.Contains(w.Body.String(), "misdirected") {
		t.Errorf("answered with %s %s", w.Header().Get("Content-Type"), w.Body)
	}
}

// Port 80 is left out of the header by browsers.
func TestW06_HostOnPort80(t *testing.T) {
	s := newSite(t, func(s *site) { s.options.Addr = "localhost:80" })
	for host, status := range map[string]int{"localhost": 200, "127.0.0.1": 200, "[::1]": 200, "localhost:80": 200, "localhost:8080": 421} {
		if w := askAs(s, host, "/"); w.Code != status {
			t.Errorf("Host %q: %d, want %d", host, w.Code, status)
		}
	}
}

// On a real connection the port is that of the listener, whatever was asked for.
func TestW06_HostOnAPortPickedByTheSystem(t *testing.T) {
	s := serve(t)
	s.get("/").want(t, http.StatusOK)
	s.get("/", "Host: localhost:"+s.url[strings.LastIndexByte(s.url, ':')+1:]).want(t, http.StatusOK)
	s.get("/", "Host: 127.0.0.1:1").wantErrorPage(t, http.StatusMisdirectedRequest)
	s.get("/api/v1/images", "Host: rebound.example").wantProblem(t, http.StatusMisdirectedRequest, "misdirected")
}

func TestW06_HostOfThePublicOrigin(t *testing.T) {
	origin, _ := url.Parse("https://photos.example.org")
	for addr, local := range map[string]int{"0.0.0.0:8080": 421, "127.0.0.1:8080": 200} {
		s := newSite(t, func(s *site) { s.options.Addr, s.options.PublicOrigin = addr, origin })
		for host, status := range map[string]int{"photos.example.org": 200, "Photos.Example.org": 200, "photos.example.org:8080": 421, "evil.example": 421, "localhost:8080": local} {
			if w := askAs(s, host, "/"); w.Code != status {
				t.Errorf("%s, Host %q: %d, want %d", addr, host, w.Code, status)
			}
		}
	}
	open := newSite(t, func(s *site) { s.options.Addr = "0.0.0.0:8080" })
	if w := askAs(open, "whatever.example", "/"); w.Code != http.StatusOK {
		t.Errorf("where no name is known: %d", w.Code)
	}
}

func TestTheOriginBehindAProxyIsOurs(t *testing.T) {
	origin, _ := url.Parse("https://photos.example.org")
	s := newSite(t, func(s *site) { s.options.Addr, s.options.PublicOrigin = "127.0.0.1:8080", origin })
	for from, status := range map[string]int{"https://photos.example.org": http.StatusSeeOther, "http://photos.example.org": http.StatusForbidden} {
		r := httptest.NewRequest(http.MethodPost, "/language", strings.NewReader("lang=ko"))
		r.Host = "127.0.0.1:8080" // as the proxy asks
		r.Header.Set("Origin", from)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		s.server.Handler().ServeHTTP(w, r)
		if w.Code != status {
			t.Errorf("from %s: %d, want %d", from, w.Code, status)
		}
		if cookie := w.Header().Get("Set-Cookie"); status == http.StatusSeeOther && !strings.Contains(cookie, "Secure") {
			t.Errorf("the cookie of an https page is %q", cookie)
		}
	}
}

func TestW09_NoForeignOriginIsAllowed(t *testing.T) {
	s := serve(t)
	id := s.put(0)
	for _, origin := range []string{"https://evil.example", "null"} {
		for _, path := range everywhere(id) {
			header := s.get(path, "Origin: "+origin).Header
			preflight := s.do(http.MethodOptions, path, nil, "Origin: "+origin, "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: content-type")
			for _, got := range []http.Header{header, preflight.Header} {
				if allowed := got.Get("Access-Control-Allow-Origin"); allowed != "" {
					t.Errorf("%s allows the origin %s", path, allowed)
				}
			}
			if preflight.StatusCode < 400 {
				t.Errorf("the preflight of %s is answered with %d", path, preflight.StatusCode)
			}
		}
	}
}

func TestW10_NothingInternalIsServed(t *testing.T) {
	s := serve(t)
	for _, path := range []string{"/debug/pprof/", "/debug/vars", "/metrics", "/.git/HEAD", "/.env", "/v1/images", "/healthz", "/server-status", "/admin/", "/static/", "/static/../go.mod", "/static/ui.go"} {
		s.get(path).wantErrorPage(t, http.StatusNotFound)
	}
	s.get("/healthz/").wantProblem(t, http.StatusNotFound, "not_found")
	s.get("/api/v1/").wantProblem(t, http.StatusNotFound, "not_found")
	if got := s.get("/healthz/live").want(t, http.StatusOK).body; got != "ok\n" {
		t.Errorf("a probe tells %q", got)
	}
	s.get("/healthz/ready").wantProblem(t, http.StatusServiceUnavailable, "not_started")
	for name := range s.get("/").Header {
		if name == "Server" || name == "X-Powered-By" {
			t.Errorf("the header %s", name)
		}
	}
}

// A defect of a page is a page, one of the API a problem; both keep quiet.
func TestP12_APanicIsAnsweredAndSurvived(t *testing.T) {
	s := serve(t, func(s *site) { s.options.Pages = broken{s.options.Pages} })
	s.get("/trash").wantErrorPage(t, http.StatusInternalServerError)
	if a := s.get("/trash"); strings.Contains(a.body, "template: trash") {
		t.Errorf("the page shows its cause: %s", a.body)
	}
	s.get("/upload").want(t, http.StatusOK)
}

// broken is a renderer whose trash panics.
type broken struct{ httpapi.Renderer }

func (broken) Trash(io.Writer, pages.TrashView) error { panic("template: trash") }
