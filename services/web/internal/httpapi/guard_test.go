package httpapi_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/web/internal/accounts"
	"github.com/sajin-gallery/sajin/services/web/internal/accounts/accountstest"
)

func local(t *testing.T) context.Context {
	t.Helper()
	return identity.WithOwner(t.Context(), identity.LocalOwner)
}

// handler is a guarded site without a listener, so that its clock can be a
// bubble's.
func handler(t *testing.T, change func(*site)) (*accounts.Service, http.Handler) {
	t.Helper()
	people := accounts.New(&accountstest.Store{}, &accountstest.Hasher{}, accounts.Options{})
	if _, err := people.CreateOwner(t.Context(), accounts.NewAccount{Name: personName, Password: password}); err != nil {
		t.Fatal(err)
	}
	s := newSite(t, func(s *site) { s.options.Addr, s.options.Accounts = "127.0.0.1:8080", people }, change)
	return people, s.server.Handler()
}

func ask(h http.Handler, path, from string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host, r.RemoteAddr = "127.0.0.1:8080", from+":1234"
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// A request that waits ends soon after what let it in.
func TestA06_WaitingRequestsEndWithTheirSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		people, h := handler(t, func(*site) {})
		in, err := people.SignIn(t.Context(), personName, password, accounts.Visit{})
		if err != nil {
			t.Fatal(err)
		}
		text, token, err := people.MakeToken(t.Context(), in.Actor, "laptop")
		if err != nil {
			t.Fatal(err)
		}
		for header, end := range map[string]func() error{
			sessionAt("127.0.0.1:8080", in): func() error { return people.SignOut(t.Context(), in.Actor, "") },
			"Authorization: Bearer " + text: func() error { return people.Revoke(t.Context(), in.Actor, token.ID) },
		} {
			answered := make(chan *httptest.ResponseRecorder)
			start := time.Now()
			go func() { answered <- ask(h, "/api/v1/changes?cursor=0&wait_ms=25000", "127.0.0.1", header) }()
			time.Sleep(7 * time.Second)
			synctest.Wait()
			if err := end(); err != nil {
				t.Fatal(err)
			}
			w := <-answered
			if took := time.Since(start); w.Code != http.StatusUnauthorized || took > 12*time.Second {
				t.Errorf("%.13s: %d after %v: %s", header, w.Code, took, w.Body)
			}
		}
	})
}

// A stranger is not told what there is and what there is not, in whichever way
// the path is written.
func TestS05_NothingIsToldToStrangers(t *testing.T) {
	_, h := handler(t, func(*site) {})
	for path, want := range map[string]int{
		"/api/v1/nothing": 401, "/api/v1/images": 401, "/media/../api/v1/images": 401, "//api/v1/images": 303, "api/v1/images": 303, "*": 303,
		"/static/../api/v1/images": 404, "/static/../trash": 404, "/healthz/../api/v1/images": 404, "/healthz/x": 404, "/v1/images": 303,
		"/signin/../trash": 303, "/SIGNIN": 303, "/signin/": 303,
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.Path, r.Host = path, "127.0.0.1:8080"
		r.Header.Set(identity.OwnerHeader, "local")
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != want {
			t.Errorf("%s is answered with %d, want %d", path, w.Code, want)
		}
	}
}

func TestP17_RequestsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		people, h := handler(t, func(s *site) { s.options.RateLimit = 100 })
		in, err := people.SignIn(t.Context(), personName, password, accounts.Visit{})
		if err != nil {
			t.Fatal(err)
		}
		text, _, err := people.MakeToken(t.Context(), in.Actor, "laptop")
		if err != nil {
			t.Fatal(err)
		}
		program, me := "Authorization: Bearer "+text, sessionAt("127.0.0.1:8080", in)
		for n := range 300 {
			w := ask(h, "/api/v1/months", "198.51.100.1", program)
			if w.Code != http.StatusOK || w.Header().Get("RateLimit-Limit") != "300" || w.Header().Get("RateLimit-Remaining") != fmt.Sprint(299-n) {
				t.Fatalf("request %d: %d %v", n+1, w.Code, w.Header())
			}
		}
		w := ask(h, "/api/v1/months", "198.51.100.2", program) // from elsewhere
		if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" || w.Header().Get("RateLimit-Remaining") != "0" ||
			w.Header().Get("RateLimit-Reset") != "3" || !strings.Contains(w.Body.String(), "rate_limited") {
			t.Errorf("one more: %d %v %s", w.Code, w.Header(), w.Body)
		}
		if w := ask(h, "/media/x/original", "198.51.100.1", program); w.Code != http.StatusNotFound || w.Header().Get("RateLimit-Limit") != "900" {
			t.Errorf("pictures have a limit of their own: %d %v", w.Code, w.Header())
		}
		if w := ask(h, "/api/v1/months", "198.51.100.1", me); w.Code != http.StatusOK {
			t.Errorf("the person is counted with the program: %d", w.Code)
		}
		time.Sleep(time.Second)
		for n := range 101 {
			if w := ask(h, "/api/v1/months", "198.51.100.1", program); (w.Code == http.StatusOK) != (n < 100) {
				t.Errorf("a second later request %d: %d", n+1, w.Code)
			}
		}
	})
}

// Only what a proxy of ours wrote says where a request comes from.
func TestP17_AForgedAddressIsNoOther(t *testing.T) {
	for _, tt := range []struct {
		proxies int
		from    func(n int) (remote, forwarded string)
		limited bool
	}{
		{0, func(n int) (string, string) { return "198.51.100.1", fmt.Sprintf("203.0.113.%d", n%250) }, true},
		{1, func(n int) (string, string) { return "10.0.0.1", fmt.Sprintf("203.0.113.%d, 198.51.100.1", n%250) }, true},
		{1, func(n int) (string, string) { return "10.0.0.1", fmt.Sprintf("198.51.100.1, 203.0.113.%d", n%250) }, false},
		{2, func(n int) (string, string) {
			return "10.0.0.1", fmt.Sprintf("203.0.113.%d, 198.51.100.1, 10.0.0.2", n%250)
		}, true},
		{1, func(int) (string, string) { return "198.51.100.1", "not an address" }, true},
		{1, func(n int) (string, string) { return "10.0.0.1", fmt.Sprintf("2001:db8::%x", n+1) }, true}, // of one holder
		{1, func(n int) (string, string) { return "10.0.0.1", fmt.Sprintf("2001:db8:0:%x::1", n) }, false},
		{2, func(n int) (string, string) { return "198.51.100.1", fmt.Sprintf("203.0.113.%d", n%250) }, true}, // past a proxy
	} {
		synctest.Test(t, func(t *testing.T) {
			_, h := handler(t, func(s *site) { s.options.RateLimit, s.options.TrustedProxies = 10, tt.proxies })
			refused := 0
			for n := range 60 {
				remote, forwarded := tt.from(n)
				if ask(h, "/api/v1/months", remote, "X-Forwarded-For: "+forwarded).Code == http.StatusTooManyRequests {
					refused++
				}
			}
			if _, forwarded := tt.from(0); (refused == 30) != tt.limited || !tt.limited && refused != 0 {
				t.Errorf("%d proxies, %q: %d of 60 were refused", tt.proxies, forwarded, refused)
			}
		})
	}
}

// However many addresses there are, the memory of the limiter is bounded.
func TestP17_TheLimiterForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, h := handler(t, func(s *site) { s.options.RateLimit = 1 })
		for n := range 10_100 {
			ask(h, "/manifest.webmanifest", fmt.Sprintf("10.%d.%d.%d", n>>16, n>>8&255, n&255))
		}
		for n := range 4 {
			if w := ask(h, "/manifest.webmanifest", "192.0.2.1"); (w.Code == http.StatusTooManyRequests) != (n == 3) {
				t.Errorf("a full limiter answers request %d with %d", n+1, w.Code)
			}
		}
	})
}

// provider speaks for people by their name.
type provider struct{}

func (provider) Verify(_ context.Context, assertion string) (accounts.Asserted, error) {
	who, ok := strings.CutPrefix(assertion, "signed:")
	if !ok {
		return accounts.Asserted{}, fault.New(fault.Unauthenticated, "unauthenticated", "No.")
	}
	return accounts.Asserted{Subject: who, Email: who + "@example.org"}, nil
}

func TestCloudIAPSaysWhoIsThere(t *testing.T) {
	people := accounts.New(&accountstest.Store{}, &accountstest.Hasher{}, accounts.Options{})
	s := serve(t, func(s *site) { s.options.Accounts, s.options.Assertions = people, provider{} })
	const ann, ben = "X-Goog-IAP-JWT-Assertion: signed:ann", "X-Goog-IAP-JWT-Assertion: signed:ben"
	id := s.put(0)
	s.get("/").wantErrorPage(t, http.StatusUnauthorized)
	s.get("/api/v1/images").wantProblem(t, http.StatusUnauthorized, "unauthenticated")
	s.get("/api/v1/images", "X-Goog-IAP-JWT-Assertion: forged").wantProblem(t, http.StatusUnauthorized, "unauthenticated")
	s.get("/api/v1/images", ann[:len(ann)-3]+strings.Repeat("a", 9000)).wantProblem(t, http.StatusUnauthorized, "unauthenticated")
	if page := s.get("/", ann).want(t, http.StatusOK); !strings.Contains(page.body, id) {
		t.Error("the first who comes does not own what is there")
	}
	s.get("/", ben).wantErrorPage(t, http.StatusForbidden)
	s.get("/api/v1/images", ben).wantProblem(t, http.StatusForbidden, "not_invited")
	if page := s.get("/account", ann).want(t, http.StatusOK); !strings.Contains(page.body, "ann@example.org") || strings.Contains(page.body, "/account/password") {
		t.Error("the page of the account offers what the provider does")
	}
	for _, path := range []string{"/signin", "/setup?token=x", "/signout"} {
		s.get(path, ann).wantErrorPage(t, http.StatusNotFound)
	}
	s.get("/healthz/live").want(t, http.StatusOK)
	s.get("/static/nothing").want(t, http.StatusNotFound)
}
