package httpapi_test

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/web/internal/accounts"
)

func TestA02_NobodyCanTellWhoIsHere(t *testing.T) {
	g := claimed(t)
	wrong := g.postForm("/signin", credentials("hong@example.org", "wrong")).want(t, http.StatusUnauthorized)
	unknown := g.postForm("/signin", credentials("none@example.org", "wrong")).want(t, http.StatusUnauthorized)
	for _, a := range []answer{wrong, unknown} {
		for _, varies := range []string{"Date", "X-Request-Id"} {
			a.Header.Del(varies)
		}
	}
	if got, want := fmt.Sprint(unknown.Header), fmt.Sprint(wrong.Header); got != want {
		t.Errorf("the headers are %s and %s", got, want)
	}
	if got, want := unknown.body, strings.ReplaceAll(wrong.body, "hong@example.org", "none@example.org"); got != want {
		t.Error("the pages differ")
	}
	if g.hasher.Verified.Load() != 2 {
		t.Error("not every try has cost the same")
	}
}

func TestA03_OnlyTextIsAPassword(t *testing.T) {
	g := claimed(t)
	for _, body := range []string{`{"name":"홍길동","password":1}`, `{"name":"홍길동","password":true}`, `{"name":"홍길동","password":null}`, `[]`, `{}`} {
		g.do(http.MethodPost, "/signin", strings.NewReader(body), "Content-Type: application/json").wantErrorPage(t, http.StatusUnsupportedMediaType)
	}
	for form, status := range map[string]int{
		"name=" + url.QueryEscape(personName) + "&password=":                               http.StatusUnauthorized,
		"name=" + url.QueryEscape(personName):                                              http.StatusUnauthorized,
		"name=" + url.QueryEscape(personName) + "&password[]=x":                            http.StatusUnauthorized,
		"name=" + url.QueryEscape(personName) + "&password=c":                              http.StatusUnauthorized,
		"name=" + url.QueryEscape(personName) + "&password=" + strings.Repeat("x", 1024):   http.StatusUnauthorized,
		"name=" + url.QueryEscape(personName) + "&password=" + strings.Repeat("x", 1025):   http.StatusBadRequest,
		"name=" + url.QueryEscape(personName) + "&password=" + strings.Repeat("x", 10_000): http.StatusBadRequest,
		"name=x&password=" + strings.Repeat("x", 1<<20):                                    http.StatusRequestEntityTooLarge,
		"name=%zz":                  http.StatusBadRequest,
		"name=a%00b&password=a%00b": http.StatusUnauthorized,
	} {
		a := g.do(http.MethodPost, "/signin", strings.NewReader(form), "Content-Type: application/x-www-form-urlencoded")
		if a.StatusCode != status {
			t.Errorf("%.60s is answered with %d, want %d", form, a.StatusCode, status)
		}
		if len(a.Cookies()) != 0 {
			t.Errorf("%.60s is given a session", form)
		}
	}
}

func TestA04_SigningInForForeignPagesIsRefused(t *testing.T) {
	g := claimed(t)
	me := g.enter()
	for _, foreign := range []string{"Origin: https://evil.example", "Origin: null", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site"} {
		for _, path := range []string{
			"/signin", "/setup", "/signout", "/account/password", "/account/sessions/end", "/account/sessions/x/end", "/account/tokens", "/account/tokens/x/revoke",
		} {
			a := g.postForm(path, credentials(personName, password), foreign, me)
			a.wantErrorPage(t, http.StatusForbidden)
			if len(a.Cookies()) != 0 {
				t.Errorf("%s from %s sets %v", path, foreign, a.Cookies())
			}
		}
	}
	g.get("/account", me).want(t, http.StatusOK)
}

func TestA05_NoSessionIsTakenOver(t *testing.T) {
	g := claimed(t)
	chosen := sessionAt(g.url, accounts.SignedIn{SessionToken: strings.Repeat("A", 26)})
	first := cookies(g.postForm("/signin", credentials(personName, password), chosen).want(t, http.StatusSeeOther))
	g.get("/api/v1/images", chosen).wantProblem(t, http.StatusUnauthorized, "unauthenticated")
	second := cookies(g.postForm("/signin", credentials(personName, password), first).want(t, http.StatusSeeOther))
	g.get("/api/v1/images", first).wantProblem(t, http.StatusUnauthorized, "unauthenticated")
	form := url.Values{"current": {password}, "password": {"another long password"}}
	third := cookies(g.postForm("/account/password", form, second).want(t, http.StatusSeeOther))
	g.get("/api/v1/images", second).wantProblem(t, http.StatusUnauthorized, "unauthenticated")
	g.get("/api/v1/images", third).want(t, http.StatusOK)
}

// A browser keeps one set of cookies for all ports of a host. Who signs in to two
// galleries there, and out of one, is still signed in to the other.
func TestGalleriesOnOneHostAreApart(t *testing.T) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	one, other := claimed(t), claimed(t)
	one.client.Jar, other.client.Jar = jar, jar
	for _, g := range []*guarded{one, other} {
		g.postForm("/signin", credentials(personName, password)).want(t, http.StatusSeeOther)
	}
	one.get("/api/v1/images").want(t, http.StatusOK)
	other.get("/api/v1/images").want(t, http.StatusOK)
	one.postForm("/signout", nil).want(t, http.StatusSeeOther)
	one.get("/api/v1/images").wantProblem(t, http.StatusUnauthorized, "unauthenticated")
	other.get("/api/v1/images").want(t, http.StatusOK)
}

// The port that counts is the browser's, which a proxy may have changed.
func TestCookiesNameThePort(t *testing.T) {
	for origin, want := range map[string]string{
		"https://photos.example.org": "__Host-sajin_session", "https://photos.example.org:443": "__Host-sajin_session",
		"https://photos.example.org:8443": "__Host-sajin_session_8443", "http://photos.example.org": "sajin_session", "http://photos.example.org:8081": "sajin_session_8081",
	} {
		g := claimed(t, func(s *site) { s.options.PublicOrigin, _ = url.Parse(origin) })
		me := g.postForm("/signin", credentials(personName, password)).want(t, http.StatusSeeOther)
		if got := me.Cookies()[0].Name; got != want {
			t.Errorf("%s: %s, want %s", origin, got, want)
		}
		g.get("/api/v1/images", cookies(me)).want(t, http.StatusOK)
	}
}

func TestA06_WhatEndsIsRefusedAtOnce(t *testing.T) {
	g := claimed(t)
	id := g.put(0)
	everything := []string{"/api/v1/images", "/media/" + id + "/original", "/api/v1/changes"}
	for what, path := range map[string]string{"sign out": "/signout", "everywhere": "/account/sessions/end"} {
		me := g.enter()
		for _, path := range everything {
			g.get(path, me).want(t, http.StatusOK)
		}
		left := g.postForm(path, nil, me).want(t, http.StatusSeeOther)
		if left.Header.Get("Clear-Site-Data") != `"cache"` || left.Header.Get("Location") != "/signin?notice=signed_out" {
			t.Errorf("%s: %v", what, left.Header)
		}
		for _, path := range everything {
			g.get(path, me).wantProblem(t, http.StatusUnauthorized, "unauthenticated")
		}
	}
	token := g.token()
	for _, path := range everything {
		g.get(path, token).want(t, http.StatusOK)
	}
	if _, err := g.people.ResetPassword(t.Context(), personName, "another long password"); err != nil {
		t.Fatal(err)
	}
	for _, path := range everything {
		g.get(path, token).wantProblem(t, http.StatusUnauthorized, "unauthenticated")
	}
}

func TestA07_Cookies(t *testing.T) {
	for what, g := range map[string]*guarded{"http on loopback": claimed(t), "https": claimed(t, public)} {
		in := g.postForm("/signin", credentials(personName, password))
		out := g.postForm("/signout", nil, cookies(in))
		all := append(in.Cookies(), out.Cookies()...)
		if len(all) != 3 {
			t.Fatalf("%s: %v", what, all)
		}
		for _, c := range all {
			https := what == "https"
			if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.Secure != https || strings.HasPrefix(c.Name, "__Host-") != https {
				t.Errorf("%s: %s", what, c)
			}
		}
		me := cookies(in)
		for name, header := range map[string]string{
			"tampered": me[:30] + "X" + me[31:], "swapped": "Cookie: " + strings.NewReplacer("session", "device", "device", "session").Replace(me[8:]),
			"oversized": me + strings.Repeat("A", 10_000), "none": "Cookie: ", "in a header": "Authorization: Bearer " + in.Cookies()[0].Value,
		} {
			g.get("/api/v1/images", header).wantProblem(t, http.StatusUnauthorized, "unauthenticated")
			_ = name
		}
	}
}

func TestA15_LinksDoNotComeFromTheRequest(t *testing.T) {
	g := claimed(t, func(s *site) { public(s); s.options.Addr = "0.0.0.0:8080" })
	for _, host := range []string{"evil.example", "photos.example.org.evil.example", "photos.example.org:8080", ""} {
		for _, path := range []string{"/signin", "/setup?token=x", "/"} {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.Host = host
			r.Header.Set("X-Forwarded-Host", "photos.example.org")
			w := httptest.NewRecorder()
			g.server.Handler().ServeHTTP(w, r)
			if w.Code != http.StatusMisdirectedRequest {
				t.Errorf("Host %q at %s: %d", host, path, w.Code)
			}
		}
	}
	r := httptest.NewRequest(http.MethodGet, "http://evil.example/signin", nil) // an absolute URI makes it the Host
	w := httptest.NewRecorder()
	if g.server.Handler().ServeHTTP(w, r); w.Code != http.StatusMisdirectedRequest {
		t.Errorf("an absolute URI: %d", w.Code)
	}
	r = httptest.NewRequest(http.MethodGet, "/albums", nil)
	r.Host = "photos.example.org"
	r.Header.Set("X-Forwarded-Host", "evil.example")
	w = httptest.NewRecorder()
	g.server.Handler().ServeHTTP(w, r)
	if to := w.Header().Get("Location"); to != "/signin?next=%2Falbums" {
		t.Errorf("it leads to %q", to)
	}
}

func TestW10_NothingInternalIsServedToStrangers(t *testing.T) {
	g := claimed(t)
	for _, path := range []string{"/debug/pprof/", "/debug/vars", "/metrics", "/.git/HEAD", "/.env", "/v1/images", "/healthz", "/server-status", "/admin/"} {
		if to := g.get(path).want(t, http.StatusSeeOther).Header.Get("Location"); !strings.HasPrefix(to, "/signin") {
			t.Errorf("%s leads a stranger to %q", path, to)
		}
	}
	me := g.enter()
	for _, path := range []string{"/debug/pprof/", "/metrics", "/.git/HEAD", "/.env", "/v1/images", "/healthz"} {
		g.get(path, me).wantErrorPage(t, http.StatusNotFound)
	}
	g.get("/api/v1/openapi.yaml").wantProblem(t, http.StatusUnauthorized, "unauthenticated")
	if got := g.get("/healthz/live").want(t, http.StatusOK).body; got != "ok\n" {
		t.Errorf("a probe tells %q", got)
	}
	if page := g.get("/static/nothing.css"); strings.Contains(page.body, `href="/albums"`) || strings.Contains(page.body, `id="messages"`) {
		t.Error("a stranger's page offers the gallery")
	}
}

// Whatever a request says of itself, who acts is who has the session.
func TestS05_ForgedHeadersDoNothing(t *testing.T) {
	forged := []string{
		"Sajin-Acting-Owner: local", "X-User-ID: local", "X-Internal: 1", "X-Forwarded-User: local", "X-Forwarded-For: 127.0.0.1", "X-Forwarded-Host: 127.0.0.1",
		"X-Cloud-Trace-Context: 1/1;o=1", "X-Serverless-Authorization: Bearer x", "X-Goog-Authenticated-User-Email: accounts.google.com:hong@example.org",
		"X-Goog-IAP-JWT-Assertion: eyJhbGciOiJub25lIn0.eyJlbWFpbCI6ImhvbmdAZXhhbXBsZS5vcmcifQ.", "Authorization: Basic bG9jYWw6bG9jYWw=", "X-Original-URL: /healthz/live",
	}
	var acting []identity.Owner
	g := claimed(t, func(s *site) { s.store = witness{s.media, &acting} })
	for _, header := range forged {
		g.get("/api/v1/images", header).wantProblem(t, http.StatusUnauthorized, "unauthenticated")
	}
	g.get("/api/v1/images", forged...).wantProblem(t, http.StatusUnauthorized, "unauthenticated")

	me := g.enter()
	g.get("/media/"+g.put(0)+"/original", me, "Sajin-Acting-Owner: another", "X-User-ID: another").want(t, http.StatusOK)
	if want := []identity.Owner{"local"}; !slices.Equal(acting, want) {
		t.Errorf("%v have acted, want %v", acting, want)
	}
}
