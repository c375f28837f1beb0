package httpapi_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/web/internal/accounts"
	"github.com/sajin-gallery/sajin/services/web/internal/accounts/accountstest"
	"github.com/sajin-gallery/sajin/services/web/internal/gallery"
)

const (
	personName = "홍길동"
	password   = "correct horse battery"
)

// guarded is a site whose people sign in, and whose clock of theirs stands: how
// fast the machine is decides nothing. change adapts it as that of serve.
type guarded struct {
	*site
	people *accounts.Service
	store  *accountstest.Store
	hasher *accountstest.Hasher
	passed atomic.Int64 // nanoseconds on that clock
}

func guard(t *testing.T, change ...func(*site)) *guarded {
	t.Helper()
	g := &guarded{store: &accountstest.Store{}, hasher: &accountstest.Hasher{}}
	began := time.Now()
	g.people = accounts.New(g.store, g.hasher, accounts.Options{
		SetupToken: "the token of the set-up", Now: func() time.Time { return began.Add(time.Duration(g.passed.Load())) },
	})
	g.site = serve(t, append([]func(*site){func(s *site) { s.options.Accounts = g.people }}, change...)...)
	return g
}

// claimed is guarded with the owner's account.
func claimed(t *testing.T, change ...func(*site)) *guarded {
	t.Helper()
	g := guard(t, change...)
	if _, err := g.people.CreateOwner(t.Context(), accounts.NewAccount{Name: personName, Email: "hong@example.org", Password: password}); err != nil {
		t.Fatal(err)
	}
	return g
}

// public makes it one that browsers reach by https.
func public(s *site) { s.options.PublicOrigin = &url.URL{Scheme: "https", Host: "photos.example.org"} }

func credentials(name, password string) url.Values {
	return url.Values{"name": {name}, "password": {password}}
}

// cookies are those that an answer sets, as the header that sends them back.
func cookies(a answer) string {
	var out []string
	for _, c := range a.Cookies() {
		out = append(out, c.Name+"="+c.Value)
	}
	return "Cookie: " + strings.Join(out, "; ")
}

// sessionAt is the header with a session's cookie, as a browser sends it to a
// gallery on a port of its own.
func sessionAt(address string, in accounts.SignedIn) string {
	return "Cookie: sajin_session_" + address[strings.LastIndexByte(address, ':')+1:] + "=" + in.SessionToken
}

// enter signs in and gives the header with the cookies.
func (g *guarded) enter() string {
	g.t.Helper()
	return cookies(g.postForm("/signin", credentials(personName, password)).want(g.t, http.StatusSeeOther))
}

func (g *guarded) token() string {
	g.t.Helper()
	owner, err := g.people.SignIn(g.t.Context(), personName, password, accounts.Visit{Address: "192.0.2.99"})
	if err != nil {
		g.t.Fatal(err)
	}
	text, _, err := g.people.MakeToken(g.t.Context(), owner.Actor, "laptop")
	if err != nil {
		g.t.Fatal(err)
	}
	return "Authorization: Bearer " + text
}

func TestEveryRouteIsBehindTheDoor(t *testing.T) {
	g := claimed(t)
	id := g.put(0)
	open := []string{"/favicon.ico", "/manifest.webmanifest", "/static/nothing.css", "/healthz/live", "/healthz/ready"}
	for _, path := range append(everywhere(id), "/sw.js", "/albums", "/account", "/api/v1/openapi.yaml", "/api/v1/changes") {
		if path == "/api/v1/nothing" {
			continue // see TestS05_NothingIsToldToStrangers: the OpenAPI file does not know it
		}
		a := g.get(path)
		switch {
		case slices.Contains(open, path) || path == "/sw.js":
			if a.StatusCode == http.StatusUnauthorized || a.StatusCode == http.StatusSeeOther {
				t.Errorf("%s is not open: %d", path, a.StatusCode)
			}
		case strings.HasPrefix(path, "/api/"), strings.HasPrefix(path, "/media/"):
			a.wantProblem(t, http.StatusUnauthorized, "unauthenticated")
			if a.Header.Get("Www-Authenticate") == "" {
				t.Errorf("%s does not say how", path)
			}
		case strings.HasPrefix(path, "/fragments/"):
			a.wantErrorPage(t, http.StatusUnauthorized)
		default:
			if to := a.want(t, http.StatusSeeOther).Header.Get("Location"); !strings.HasPrefix(to, "/signin") {
				t.Errorf("%s leads to %s", path, to)
			}
		}
	}
	for _, a := range changes(g.site) {
		if a.Request.URL.Path != "/language" && a.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s %s is answered with %d", a.Request.Method, a.Request.URL.Path, a.StatusCode)
		}
	}
	if _, err := g.catalog.Get(local(t), id); err != nil {
		t.Errorf("a stranger has changed something: %v", err)
	}
}

// What a script asks for is no page to sign in.
func TestScriptsAreToldByTheStatus(t *testing.T) {
	g := claimed(t)
	g.get("/images/"+g.put(0), "Sec-Fetch-Dest: empty").wantErrorPage(t, http.StatusUnauthorized)
	g.get("/images/"+g.put(0), "Sec-Fetch-Dest: document").want(t, http.StatusSeeOther)
}

func TestSetUpAndThenEverythingIsThere(t *testing.T) {
	g := guard(t)
	id := g.put(0)
	if page := g.get("/signin").want(t, http.StatusOK); !strings.Contains(page.body, "new") || strings.Contains(page.body, "password") {
		t.Error("a gallery without an account asks for a password")
	}
	g.get("/setup").wantErrorPage(t, http.StatusForbidden)
	g.get("/setup?token=wrong").wantErrorPage(t, http.StatusForbidden)
	const link = "/setup?token=the+token+of+the+set-up"
	g.get(link).want(t, http.StatusOK)
	form := credentials("a@b", password)
	form.Set("token", "the token of the set-up")
	if page := g.postForm("/setup", form).want(t, http.StatusBadRequest); !strings.Contains(page.body, `value="a@b"`) || strings.Contains(page.body, password) {
		t.Error("the form does not show what was entered, or shows the password")
	}
	form.Set("name", personName)
	me := cookies(g.postForm("/setup", form).want(t, http.StatusSeeOther))
	if page := g.get("/", me).want(t, http.StatusOK); !strings.Contains(page.body, id) || !strings.Contains(page.body, personName) {
		t.Error("what was in the gallery is not the owner's")
	}
	if to := g.get(link).want(t, http.StatusSeeOther).Header.Get("Location"); to != "/signin" {
		t.Errorf("the link leads to %s once there is an account", to)
	}
	g.postForm("/setup", form).wantErrorPage(t, http.StatusConflict)
}

func TestSignInLeadsOn(t *testing.T) {
	g := claimed(t)
	to := g.get("/albums?cursor=x").Header.Get("Location")
	if to != "/signin?next=%2Falbums%3Fcursor%3Dx" {
		t.Fatalf("it leads to %s", to)
	}
	if page := g.get(to).want(t, http.StatusOK); !strings.Contains(page.body, `name="next" value="/albums?cursor=x"`) {
		t.Error("the form does not know where to go on")
	}
	for next, want := range map[string]string{
		"/albums?cursor=x": "/albums?cursor=x", "": "/", "//evil.example": "/", "https://evil.example": "/", `/\evil.example`: "/", "javascript:alert(1)": "/",
	} {
		form := credentials(personName, password)
		form.Set("next", next)
		if to := g.postForm("/signin", form).want(t, http.StatusSeeOther).Header.Get("Location"); to != want {
			t.Errorf("next %q leads to %q", next, to)
		}
	}
	if to := g.get("/signin?next=/albums", g.enter()).want(t, http.StatusSeeOther).Header.Get("Location"); to != "/albums" {
		t.Errorf("who is signed in is led to %q", to)
	}
}

func TestA01_TooManyWrongPasswords(t *testing.T) {
	g := claimed(t)
	var last answer
	for range 20 {
		last = g.postForm("/signin", credentials(personName, "wrong"))
	}
	last.want(t, http.StatusTooManyRequests)
	if last.Header.Get("Retry-After") == "" || !strings.Contains(last.body, "too many wrong passwords") || !strings.Contains(last.body, `name="password"`) {
		t.Errorf("Retry-After %q, the page %.300s", last.Header.Get("Retry-After"), last.body)
	}
	g.postForm("/signin", credentials(personName, password)).want(t, http.StatusTooManyRequests)
}

// The page says how long to wait in whole seconds and never less than it is, and
// in minutes where there are many.
func TestA01_ThePageSaysHowLongToWait(t *testing.T) {
	g := claimed(t)
	for range 5 {
		g.postForm("/signin", credentials(personName, "wrong")).want(t, http.StatusUnauthorized)
	}
	say := func(after time.Duration, want string) {
		t.Helper()
		g.passed.Add(int64(after))
		a := g.postForm("/signin", credentials(personName, password)).want(t, http.StatusTooManyRequests)
		if !strings.Contains(a.body, want) {
			t.Errorf("it does not say %q: %s", want, a.body[strings.Index(a.body, "<main"):])
		}
	}
	say(0, "Another try is possible in 1 second.")
	say(999*time.Millisecond, "Another try is possible in 1 second.")
	for range 8 {
		g.passed.Add(int64(time.Hour))
		g.postForm("/signin", credentials(personName, "wrong")).want(t, http.StatusUnauthorized)
	}
	say(0, "Another try is possible in 5 minutes.") // 256 seconds
	say(196*time.Second, "Another try is possible in 60 seconds.")
}

func TestA01_AKnownBrowserGetsIn(t *testing.T) {
	g := claimed(t)
	me := g.enter()
	for range 20 {
		g.postForm("/signin", credentials(personName, "wrong"))
	}
	g.postForm("/signin", credentials(personName, password), me).want(t, http.StatusSeeOther)
}

func TestTokensArePutInAndShownOnce(t *testing.T) {
	g := claimed(t)
	me := g.enter()
	page := g.postForm("/account/tokens", url.Values{"name": {"laptop"}}, me).want(t, http.StatusCreated)
	start := strings.Index(page.body, "sajin_")
	token := page.body[start : start+len("sajin_")+26]
	g.get("/api/v1/images", "Authorization: Bearer "+token).want(t, http.StatusOK)
	if again := g.get("/account", me); strings.Contains(again.body, token) || !strings.Contains(again.body, "laptop") {
		t.Error("the token is shown again, or not listed")
	}
	for _, other := range []string{"Authorization: Bearer " + token + "x", "Authorization: Bearer sajin_"} {
		// With a good cookie beside it: what says that it is a token must be one.
		g.get("/api/v1/images", other, me).wantProblem(t, http.StatusUnauthorized, "unauthenticated")
	}
	g.get("/api/v1/images?token="+token, me).wantProblem(t, http.StatusBadRequest, "unknown_parameter")
	g.get("/account", "Authorization: Bearer "+token).want(t, http.StatusSeeOther) // a program has no account
	actor, err := g.people.ByToken(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	g.postForm("/account/tokens/"+actor.Token+"/revoke", nil, me).want(t, http.StatusSeeOther)
	g.get("/api/v1/images", "Authorization: Bearer "+token).wantProblem(t, http.StatusUnauthorized, "unauthenticated")
}

func TestTheAccountsPage(t *testing.T) {
	g := claimed(t)
	me := g.enter()
	other, err := g.people.SignIn(t.Context(), personName, password, accounts.Visit{
		Address: "198.51.100.7", Agent: "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0) AppleWebKit/605.1.15 Version/19.0 Mobile/15E148 Safari/604.1",
	})
	if err != nil {
		t.Fatal(err)
	}
	if page := g.get("/account", me).want(t, http.StatusOK); !strings.Contains(page.body, "Safari, iPhone") || !strings.Contains(page.body, "198.51.100.7") {
		t.Error("the other browser is not listed")
	}
	g.postForm("/account/sessions/"+other.Session+"/end", nil, me).want(t, http.StatusSeeOther)
	g.get("/api/v1/images", sessionAt(g.url, other)).wantProblem(t, http.StatusUnauthorized, "unauthenticated")
	g.postForm("/account/password", url.Values{"current": {"wrong"}, "password": {"another long password"}}, me).want(t, http.StatusForbidden)
	short := g.postForm("/account/password", url.Values{"current": {password}, "password": {"short"}}, me).want(t, http.StatusBadRequest)
	if !strings.Contains(short.body, "too short") || len(short.Cookies()) != 0 {
		t.Error("a short password is not explained")
	}
}

// The log tells who came in and who was refused, and no secret.
func TestTheLogTellsOfTheDoor(t *testing.T) {
	var log bytes.Buffer
	g := claimed(t, func(s *site) { s.options.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	g.postForm("/signin", credentials("my secret by mistake", "wrong secret")).want(t, http.StatusUnauthorized)
	me := g.enter()
	page := g.postForm("/account/tokens", url.Values{"name": {"laptop"}}, me).want(t, http.StatusCreated)
	form := url.Values{"current": {password}, "password": {"another long password"}}
	me2 := cookies(g.postForm("/account/password", form, me).want(t, http.StatusSeeOther))
	g.postForm("/signout", nil, me2).want(t, http.StatusSeeOther)
	for _, line := range []string{`"a sign-in was refused" code=credentials_wrong address=127.0.0.1`, `"signed in" account=local`, `"a token was made"`, `"a password was changed"`, `"signed out"`} {
		if !strings.Contains(log.String(), line) {
			t.Errorf("the log does not say %s:\n%s", line, &log)
		}
	}
	token := page.body[strings.Index(page.body, "sajin_"):][:32]
	_, session, _ := strings.Cut(strings.SplitN(me, ";", 2)[0], "=")
	for _, secret := range []string{"secret", password, "another long password", token, session} {
		if strings.Contains(log.String(), secret) {
			t.Errorf("the log tells %q", secret)
		}
	}
}

// witness notes for whom pictures are read.
type witness struct {
	gallery.Media
	acting *[]identity.Owner
}

func (m witness) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, blob.Info, error) {
	*m.acting = append(*m.acting, identity.OwnerFrom(ctx))
	return m.Media.Open(ctx, key, offset, length)
}

// A store that is away lets nobody in and signs nobody out.
func TestWithoutTheStoreNobodyIsTurnedAway(t *testing.T) {
	g := claimed(t)
	me := g.enter()
	g.store.FailWith(fault.New(fault.Unavailable, "database_unavailable", "Not now.").RetryAfter(time.Second))
	g.get("/", me).wantErrorPage(t, http.StatusServiceUnavailable)
	g.get("/api/v1/images", me).wantProblem(t, http.StatusServiceUnavailable, "database_unavailable")
	g.postForm("/signin", credentials(personName, password)).wantErrorPage(t, http.StatusServiceUnavailable)
	g.get("/healthz/live").want(t, http.StatusOK)
	g.store.FailWith(nil)
	g.get("/", me).want(t, http.StatusOK)
	g.store.FailWith(errors.New("a defect"))
	g.get("/", me).wantErrorPage(t, http.StatusInternalServerError)
}
