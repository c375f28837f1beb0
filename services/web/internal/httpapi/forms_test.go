package httpapi_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/services/web/internal/httpapi"
)

func TestFormsLeadBackToWhereTheyWere(t *testing.T) {
	s := serve(t)
	for _, tt := range []struct{ verb, next, referer, want string }{
		{"trash", "", "", "/?notice=trashed&notice_id=ID"},
		{"trash", "", "/?month=2026-05", "/?month=2026-05&notice=trashed&notice_id=ID"},
		{"trash", "", "/images/01KAJ8Q4Y2M3N5P7R9T1V3X5Z7", "/?notice=trashed&notice_id=ID"},
		{"restore", "", "/?notice=trashed&notice_id=ID", "/?notice=restored&notice_id=ID"},
		{"restore", "", "/trash", "/trash?notice=restored&notice_id=ID"},
		{"restore", "", "/upload", "/?notice=restored&notice_id=ID"},
		{"restore", "/trash?cursor=x", "/", "/trash?cursor=x&notice=restored&notice_id=ID"},
		{"purge", "", "/trash", "/trash?notice=purged&notice_id=ID"},
		{"purge", "//evil.example", "", "/trash?notice=purged&notice_id=ID"},
	} {
		id := s.put(0)
		if tt.verb == "purge" {
			id = s.put(0, trashed)
		}
		var headers []string
		if tt.referer != "" {
			headers = []string{"Referer: " + s.url + strings.ReplaceAll(tt.referer, "ID", id)}
		}
		a := s.postForm("/images/"+id+"/"+tt.verb, url.Values{"next": {tt.next}}, headers...).want(t, http.StatusSeeOther)
		if got, want := a.Header.Get("Location"), strings.ReplaceAll(tt.want, "ID", id); got != want {
			t.Errorf("%s, next %q, from %q: to %s, want %s", tt.verb, tt.next, tt.referer, got, want)
		}
		s.get(a.Header.Get("Location")).want(t, map[bool]int{true: 400, false: 200}[strings.Contains(tt.next, "cursor")])
	}
	foreign := s.post("/images/"+s.put(0)+"/trash", "Referer: https://evil.example/trash").want(t, http.StatusSeeOther)
	if got := foreign.Header.Get("Location"); !strings.HasPrefix(got, "/?") {
		t.Errorf("after a foreign referer: to %s", got)
	}
}

func TestFormsDoWhatTheySay(t *testing.T) {
	s := serve(t)
	id := s.put(0)
	s.post("/images/"+id+"/purge").wantErrorPage(t, http.StatusConflict)
	s.post("/images/"+id+"/trash").want(t, http.StatusSeeOther)
	if image := decode[httpapi.Image](t, s.get("/api/v1/images/"+id)); image.TrashedAt == nil {
		t.Fatal("not in the trash")
	}
	s.post("/images/"+id+"/restore").want(t, http.StatusSeeOther)
	if image := decode[httpapi.Image](t, s.get("/api/v1/images/"+id)); image.TrashedAt != nil {
		t.Fatal("still in the trash")
	}
	s.post("/images/"+id+"/trash").want(t, http.StatusSeeOther)
	s.post("/images/"+id+"/purge").want(t, http.StatusSeeOther)
	s.get("/images/"+id).wantErrorPage(t, http.StatusNotFound)
}

func TestFormLimits(t *testing.T) {
	s := serve(t)
	id := s.put(0)
	path := "/images/" + id + "/trash"
	const limit = 16 << 10
	for size, status := range map[int]int{limit - 1: http.StatusSeeOther, limit: http.StatusSeeOther, limit + 1: http.StatusRequestEntityTooLarge} {
		a := s.do(http.MethodPost, path, strings.NewReader("x="+strings.Repeat("a", size-2)), "Content-Type: application/x-www-form-urlencoded")
		if a.StatusCode != status {
			t.Errorf("%d bytes: %d, want %d", size, a.StatusCode, status)
		}
	}
	for _, contentType := range []string{"text/plain", "application/json", "multipart/form-data; boundary=x", ""} {
		s.do(http.MethodPost, path, strings.NewReader("x=1"), "Content-Type: "+contentType).wantErrorPage(t, http.StatusUnsupportedMediaType)
	}
	s.do(http.MethodPost, path, strings.NewReader("%zz"), "Content-Type: application/x-www-form-urlencoded").wantErrorPage(t, http.StatusBadRequest)
}

func TestLanguageSwitch(t *testing.T) {
	s := serve(t)
	a := s.postForm("/language", url.Values{"lang": {"ko"}, "next": {"/trash?cursor=x"}}).want(t, http.StatusSeeOther)
	if got := a.Header.Get("Location"); got != "/trash?cursor=x" {
		t.Errorf("Location %q", got)
	}
	cookie := a.Cookies()[0]
	if cookie.Name != "lang" || cookie.Value != "ko" || !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || cookie.Secure {
		t.Errorf("cookie %v", cookie)
	}
	if page := s.get("/", "Cookie: "+cookie.Name+"="+cookie.Value, "Accept-Language: en"); !strings.Contains(page.body, `lang="ko"`) {
		t.Error("the page is not in Korean")
	}
	for _, lang := range []string{"", "xx", "ko; Path=/x", "KO"} {
		s.postForm("/language", url.Values{"lang": {lang}}).wantErrorPage(t, http.StatusBadRequest)
	}
}

func TestW07_RedirectsStayHere(t *testing.T) {
	s := serve(t)
	for _, next := range []string{
		"//evil.example", `/\evil.example`, `\/evil.example`, "https:evil.example", "https://evil.example/", "/%09/evil.example", "/\t/evil.example",
		"javascript:alert(1)", "@evil.example", "evil.example", "/a\r\nSet-Cookie: x=y", "/%0d%0aX: y", "/..//evil.example", "/x/%2e%2e//evil.example", "/%2f/evil.example",
		"/%5cevil.example", "http:/evil.example", "///evil.example", "/./evil", "?next=x", "#x", "/" + strings.Repeat("a", 2048),
	} {
		a := s.postForm("/language", url.Values{"lang": {"en"}, "next": {next}}).want(t, http.StatusSeeOther)
		if got := a.Header.Get("Location"); got != "/" {
			t.Errorf("next %q leads to %q", next, got)
		}
	}
}
