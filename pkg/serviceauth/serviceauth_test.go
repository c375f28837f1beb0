package serviceauth_test

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/pkg/serviceauth"
	"github.com/sajin-gallery/sajin/pkg/serviceauth/keyring"
	"github.com/sajin-gallery/sajin/pkg/serviceauth/localtokens"
)

func ring(t *testing.T, letter string) *keyring.Ring {
	t.Helper()
	r, err := keyring.Parse("k:" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(letter, 32))))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var access = serviceauth.Access{serviceauth.RoleWeb: {"/v1/"}}

func guard(keys *keyring.Ring, audience string) *serviceauth.Guard {
	return &serviceauth.Guard{
		Verifier: localtokens.Verifier{Keys: keys, Audience: audience}, Callers: serviceauth.Callers{"web": serviceauth.RoleWeb},
		Actors: keys, Audience: audience,
	}
}

// seen is what a service behind a guard was told.
type seen struct {
	called int
	owners []string
}

func (s *seen) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.called++
	s.owners = r.Header.Values(identity.OwnerHeader)
	_, _ = io.WriteString(w, "served")
}

// served is a service behind a guard, and what it sees.
func served(g *serviceauth.Guard) (http.Handler, *seen) {
	s := &seen{}
	return g.Middleware(access, "/healthz/live", "/events/push")(s), s
}

// calls sends through a Client as the service of that name.
func calls(h http.Handler, keys, actors *keyring.Ring, name, audience string) *serviceauth.Client {
	return &serviceauth.Client{
		HTTP:   &http.Client{Transport: httpx.InProcess{Handler: h}},
		Tokens: localtokens.Source{Keys: keys, Name: name, Audience: audience}, Actors: actors, Audience: audience,
	}
}

func request(t *testing.T, path, owner string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://catalog.internal"+path, strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	if owner != "" {
		r.Header.Set(identity.OwnerHeader, owner)
	}
	return r
}

func TestTheEdgeActsForAnOwner(t *testing.T) {
	keys := ring(t, "a")
	for _, owner := range []string{"mina", ""} {
		h, s := served(guard(keys, "catalog"))
		r := request(t, "/v1/images", owner)
		resp, err := calls(h, keys, keys, "web", "catalog").Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK || s.called != 1 || strings.Join(s.owners, " ") != owner {
			t.Errorf("for %q: %d, the service sees %q", owner, resp.StatusCode, s.owners)
		}
		if r.Header.Get("Authorization") != "" || r.Header.Get(identity.OwnerHeader) != owner {
			t.Errorf("the caller's own request was changed: %v", r.Header)
		}
	}
}

// S06: who may use what. A refusal is our own outage to the caller, whoever his
// user is.
func TestS06_ACallerMayUseItsRoutesOnly(t *testing.T) {
	keys := ring(t, "a")
	for name, tt := range map[string]struct{ caller, audience, path string }{
		"upload on the edge's routes": {"upload", "catalog", "/v1/images"},
		"a token for upload":          {"web", "upload", "/v1/images"},
		"a route of nobody":           {"web", "catalog", "/admin/purge"},
		"beside the route":            {"web", "catalog", "/v1"},
		"in other letters":            {"WEB", "catalog", "/v1/images"},
	} {
		h, s := served(guard(keys, "catalog"))
		resp, err := calls(h, keys, keys, tt.caller, tt.audience).Do(request(t, tt.path, "mina"))
		if fault.Public(err).Code != "service_unavailable" || fault.KindOf(err) != fault.Unavailable || s.called > 0 {
			t.Errorf("%s: %v", name, err)
			_ = resp.Body.Close()
		}
	}
}

// send asks a guarded service directly.
func send(h http.Handler, path string, header http.Header) *http.Response {
	r := httptest.NewRequest(http.MethodPost, path, untouched{})
	r.Header = header
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

// untouched is a body that must not be read before the caller is known.
type untouched struct{}

func (untouched) Read([]byte) (int, error) { panic("the body was read") }

// statement signs whatever is asked for.
func statement(t *testing.T, keys *keyring.Ring, kind keyring.Kind, subject, audience string) string {
	t.Helper()
	out, err := keys.Sign(kind, keyring.Statement{Subject: subject, Audience: audience})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// S05: an owner is believed if he is signed, for this service, and comes from a
// caller who may name one.
func TestS05_OnlyASignedOwnerIsBelieved(t *testing.T) {
	keys, foreign := ring(t, "a"), ring(t, "b")
	token := "Bearer " + statement(t, keys, "sajin-service+jwt", "web", "catalog")
	actor := statement(t, keys, "sajin-actor+jwt", "mina", "catalog")
	for name, tt := range map[string]struct {
		authorization, owners []string
		status                int
		code                  string
	}{
		"all is right":              {[]string{token}, []string{actor}, 200, ""},
		"no token":                  {nil, []string{actor}, 401, "service_token_invalid"},
		"two tokens":                {[]string{token, token}, []string{actor}, 401, "service_token_invalid"},
		"another scheme":            {[]string{"Basic " + token}, []string{actor}, 401, "service_token_invalid"},
		"a very long token":         {[]string{"Bearer " + strings.Repeat("a", serviceauth.MaxTokenBytes+1)}, []string{actor}, 401, "service_token_invalid"},
		"the owner for a token":     {[]string{"Bearer " + actor}, []string{actor}, 401, "service_token_invalid"},
		"the token for an owner":    {[]string{token}, []string{token[7:]}, 401, "acting_owner_invalid"},
		"a plain owner":             {[]string{token}, []string{"mina"}, 401, "acting_owner_invalid"},
		"an empty owner":            {[]string{token}, []string{""}, 401, "acting_owner_invalid"},
		"two owners":                {[]string{token}, []string{actor, actor}, 401, "acting_owner_invalid"},
		"an owner for upload":       {[]string{token}, []string{statement(t, keys, "sajin-actor+jwt", "mina", "upload")}, 401, "acting_owner_invalid"},
		"a foreign signature":       {[]string{token}, []string{statement(t, foreign, "sajin-actor+jwt", "mina", "catalog")}, 401, "acting_owner_invalid"},
		"an owner that can be none": {[]string{token}, []string{statement(t, keys, "sajin-actor+jwt", "../mina", "catalog")}, 401, "acting_owner_invalid"},
	} {
		h, s := served(guard(keys, "catalog"))
		header := http.Header{"X-User-Id": {"root"}, "X-Internal": {"1"}, "X-Serverless-Authorization": {token}, "X-Forwarded-For": {"127.0.0.1"}}
		header["Authorization"], header[http.CanonicalHeaderKey(identity.OwnerHeader)] = tt.authorization, tt.owners
		resp := send(h, "/v1/images?access_token="+token[7:], header)
		if resp.StatusCode != tt.status || (s.called == 1) != (tt.status == 200) {
			t.Errorf("%s: answered %d, the service was called %d times", name, resp.StatusCode, s.called)
		}
		if tt.code == "" {
			continue
		}
		if got := problem.Read(resp); fault.Public(got).Code != tt.code || resp.Header.Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%s: %v, %v", name, got, resp.Header)
		}
	}
}

// What asks for nobody's token gets no owner either, and is open by its exact
// path only.
func TestOpenPathsAreForNobody(t *testing.T) {
	keys := ring(t, "a")
	h, s := served(guard(keys, "catalog"))
	header := http.Header{identity.OwnerHeader: {"mina"}}
	for _, path := range []string{"/healthz/live", "/events/push"} {
		if resp := send(h, path, header); resp.StatusCode != http.StatusOK || len(s.owners) > 0 {
			t.Errorf("%s: %d, owners %v", path, resp.StatusCode, s.owners)
		}
	}
	s.called = 0
	for _, path := range []string{"/", "/healthz/live/", "/healthz/live/../../v1/images", "//healthz/live", "/healthz", "/events/other", "/v1/images"} {
		if resp := send(h, path, header); resp.StatusCode != http.StatusUnauthorized || s.called > 0 {
			t.Errorf("%s: %d", path, resp.StatusCode)
		}
	}
}

func TestNoGuardLetsEverythingPass(t *testing.T) {
	h, s := served(nil)
	if resp := send(h, "/v1/images", http.Header{identity.OwnerHeader: {"mina"}}); resp.StatusCode != http.StatusOK || s.owners[0] != "mina" {
		t.Errorf("%d, %v", resp.StatusCode, s.owners)
	}
}

// failing is a verifier that cannot judge, or a source that has no token.
type failing struct{ err error }

func (f failing) Verify(context.Context, string) (string, error) { return "", f.err }
func (f failing) Token(context.Context) (string, error)          { return "", f.err }

// F43: while the keys cannot be had, nobody gets in, and may come again.
func TestF43_WhatCannotBeJudgedIsRefusedForNow(t *testing.T) {
	g := guard(ring(t, "a"), "catalog")
	g.Verifier = failing{fault.As(fault.Unavailable, "x", errors.New("secret host"))}
	h, s := served(g)
	resp := send(h, "/v1/images", http.Header{"Authorization": {"Bearer x"}})
	text, _ := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" || s.called > 0 || strings.Contains(string(text), "secret") {
		t.Errorf("%d %v %s", resp.StatusCode, resp.Header, text)
	}
}

func TestWithoutATokenNothingIsSent(t *testing.T) {
	keys := ring(t, "a")
	h, s := served(nil)
	c := calls(h, keys, keys, "web", "catalog")
	c.Tokens = failing{errors.New("no metadata server")}
	body := &closing{Reader: strings.NewReader("x")}
	r := request(t, "/v1/images", "mina")
	r.Body = body
	if resp, err := c.Do(r); fault.KindOf(err) != fault.Unavailable || s.called > 0 || !body.closed {
		t.Errorf("%v %v, body closed %v", resp, err, body.closed)
	}
}

type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error { c.closed = true; return nil }

// What a service says of a user is passed on; only a guard asks for a token.
func TestARefusalOfTheUserIsPassedOn(t *testing.T) {
	keys := ring(t, "a")
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound} {
		h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		resp, err := calls(h, keys, keys, "web", "catalog").Do(request(t, "/v1/images", "mina"))
		if err != nil || resp.StatusCode != status {
			t.Errorf("%d: %v, %v", status, resp, err)
			continue
		}
		_ = resp.Body.Close()
	}
}

// The signature of an owner is for one call: it is worth nothing later.
func TestASignedOwnerExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := ring(t, "a")
		actor := statement(t, keys, "sajin-actor+jwt", "mina", "catalog")
		time.Sleep(keyring.Life + keyring.Leeway + time.Second)
		h, s := served(guard(keys, "catalog"))
		resp := send(h, "/v1/images", http.Header{
			"Authorization": {"Bearer " + statement(t, keys, "sajin-service+jwt", "web", "catalog")}, identity.OwnerHeader: {actor},
		})
		if resp.StatusCode != http.StatusUnauthorized || s.called > 0 {
			t.Errorf("a recorded owner: %d", resp.StatusCode)
		}
	})
}

func TestCallersAreChecked(t *testing.T) {
	for text, ok := range map[string]bool{
		"web": true, "web=web": true, "web@p.iam.gserviceaccount.com, other@p.iam.gserviceaccount.com=web": true,
		"": false, "=web": false, "web=": false, "web=root": false, "web,": false,
		strings.TrimSuffix(strings.Repeat("web,", serviceauth.MaxCallers), ","):   true,
		strings.TrimSuffix(strings.Repeat("web,", serviceauth.MaxCallers+1), ","): false,
	} {
		if _, err := serviceauth.ParseCallers(text); (err == nil) != ok {
			t.Errorf("%.80q: %v", text, err)
		}
	}
}

// BenchmarkProof is what it costs to prove a call and its owner, and to verify
// both.
func BenchmarkProof(b *testing.B) {
	keys, err := keyring.Parse("k:" + base64.StdEncoding.EncodeToString(make([]byte, 32)))
	if err != nil {
		b.Fatal(err)
	}
	h, _ := served(guard(keys, "catalog"))
	var got *http.Request
	c := calls(nil, keys, keys, "web", "catalog")
	c.HTTP = doer(func(r *http.Request) { got = r })
	r := httptest.NewRequest(http.MethodGet, "/v1/images", http.NoBody)
	r.Header.Set(identity.OwnerHeader, "mina")
	for b.Loop() {
		if _, err := c.Do(r); err != nil {
			b.Fatal(err)
		}
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, got); w.Code != http.StatusOK {
			b.Fatal(w.Code)
		}
	}
}

// doer is a client that sends nothing.
type doer func(*http.Request)

func (d doer) Do(r *http.Request) (*http.Response, error) {
	d(r)
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}
