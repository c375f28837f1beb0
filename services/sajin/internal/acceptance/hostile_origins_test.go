package acceptance

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
)

// hostileOrigins are requests that a foreign page makes a browser send, and what
// keeps such pages out.
var hostileOrigins = []hostileRow{
	{"W02_EveryResponseHasItsPolicies", everyResponseHasItsPolicies},
	{"W06_HostOnLoopback", hostOnLoopback},
	{"A04_ForeignPagesChangeNothing", foreignPagesChangeNothing},
	{"A04_OwnPagesAndToolsMayChange", ownPagesAndToolsMayChange},
}

// everyResponseHasItsPolicies asks for one address of every kind, with errors
// among them.
func everyResponseHasItsPolicies(t *testing.T, v *victim) {
	id := v.stored(t, upload("a.jpg", v.fresh(t))).ID
	for _, path := range []string{
		"/", "/trash", "/upload", "/imageapp/upload_image/", "/images/" + id, "/fragments/images", "/favicon.ico", "/nothing", "/static/nothing.css", "/?limit=0",
		"/api/v1/images", "/api/v1/images/" + id, "/api/v1/nothing", "/api/v1/images?limit=0", "/api/v1/openapi.yaml", "/media/" + id + "/original", "/media/" + id + "/w320", "/media/" + id + "/w9",
		"/healthz/live", "/healthz/ready", "/debug/pprof/", "/metrics",
	} {
		header := v.exchange(t, http.MethodGet, path).header
		policy := header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
			t.Errorf("%s: Content-Security-Policy %q", path, policy)
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := header.Get(name); got != want {
				t.Errorf("%s: %s %q, want %q", path, name, got, want)
			}
		}
		if header.Get("Permissions-Policy") == "" || header.Get("X-Request-Id") == "" || header.Get("Cache-Control") == "" || header.Get("Server") != "" || header.Get("X-Powered-By") != "" {
			t.Errorf("%s: %v", path, header)
		}
	}
}

// hostOnLoopback: a foreign name that resolves to this machine (DNS rebinding)
// leads nowhere.
func hostOnLoopback(t *testing.T, v *victim) {
	_, port, _ := strings.Cut(v.host(), ":")
	ask := func(host, path string) response {
		w := v.dial(t)
		w.send("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nX-Forwarded-Host: " + v.host() + "\r\nConnection: close\r\n\r\n")
		return w.reply(http.MethodGet)
	}
	for _, host := range []string{"evil.example", "evil.example:" + port, "127.0.0.1.evil.example:" + port, "127.0.0.1:1", "127.0.0.1", "localhost.:" + port, "0.0.0.0:" + port, "2130706433:" + port} {
		wantProblem(t, host, ask(host, "/api/v1/images"), http.StatusMisdirectedRequest, "misdirected")
		if page := ask(host, "/"); page.status != http.StatusMisdirectedRequest || !isPage(page) {
			t.Errorf("%s: %d", host, page.status)
		}
		if probe := ask(host, "/healthz/live"); probe.status != http.StatusOK {
			t.Errorf("%s: a probe is answered with %d", host, probe.status)
		}
	}
	for _, host := range []string{"localhost:" + port, "LOCALHOST:" + port, "[::1]:" + port} {
		if resp := ask(host, "/api/v1/images"); resp.status != http.StatusOK {
			t.Errorf("%s: %d", host, resp.status)
		}
	}
}

// change posts a form to path, as a page of the named origin would.
func (v *victim) change(t *testing.T, method, path string, body []byte, header ...string) response {
	t.Helper()
	contentType := ""
	if body != nil {
		contentType = frontierType
	}
	resp, err := v.do(t.Context(), method, path, contentType, bytes.NewReader(body), header...)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

func foreignPagesChangeNothing(t *testing.T, v *victim) {
	id := v.stored(t, upload("a.jpg", v.fresh(t))).ID
	form := formOf(upload("a.jpg", v.fresh(t)))
	for _, from := range [][]string{
		{"Origin", "https://evil.example"},
		{"Origin", "null"},
		{"Origin", "http://localhost"},
		{"Sec-Fetch-Site", "cross-site"},
		{"Sec-Fetch-Site", "same-site"},
		{"Sec-Fetch-Site", "cross-site", "Origin", "null"},
	} {
		wantProblem(t, "an upload", v.change(t, http.MethodPost, "/api/v1/images", form, from...), http.StatusForbidden, "csrf_failed")
		wantProblem(t, "a delete", v.change(t, http.MethodDelete, "/api/v1/images/"+id, nil, from...), http.StatusForbidden, "csrf_failed")
		wantProblem(t, "a purge", v.change(t, http.MethodDelete, "/api/v1/trash/"+id, nil, from...), http.StatusForbidden, "csrf_failed")
		for _, path := range []string{"/upload", "/imageapp/upload_image/", "/images/" + id + "/trash", "/images/" + id + "/purge", "/language"} {
			if page := v.change(t, http.MethodPost, path, form, from...); page.status != http.StatusForbidden || !isPage(page) {
				t.Errorf("%s from %v: %d", path, from, page.status)
			}
		}
	}
	if !contains(v.mustList(t, ""), id) {
		t.Error("a foreign page moved a picture to the trash")
	}
}

func ownPagesAndToolsMayChange(t *testing.T, v *victim) {
	for name, from := range map[string][]string{
		"curl": nil, "a page": {"Sec-Fetch-Site", "same-origin", "Origin", v.base}, "a page on plain http": {"Origin", v.base}, "a bookmark": {"Sec-Fetch-Site", "none"},
	} {
		p := upload("a.jpg", v.fresh(t))
		resp := v.change(t, http.MethodPost, "/api/v1/images", formOf(p), from...)
		if resp.status != http.StatusCreated {
			t.Errorf("an upload by %s was answered with %d %s", name, resp.status, resp.body)
			continue
		}
		id := v.remember(t, resp, []part{p})[0].ID
		for _, change := range []string{"DELETE /api/v1/images/" + id, "POST /api/v1/images/" + id + "/restore"} {
			method, path, _ := strings.Cut(change, " ")
			if resp := v.change(t, method, path, nil, from...); resp.status != http.StatusOK {
				t.Errorf("%s by %s was answered with %d %s", change, name, resp.status, resp.body)
			}
		}
	}
}
