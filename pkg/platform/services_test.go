package platform_test

import (
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/config"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/pkg/kitx"
	"github.com/sajin-gallery/sajin/pkg/platform"
	"github.com/sajin-gallery/sajin/pkg/process"
	"github.com/sajin-gallery/sajin/pkg/serviceauth"
)

func key(id, letter string) string {
	return id + ":" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat(letter, 32)))
}

// guardedByGoogle is what a door in the cloud is told.
var guardedByGoogle = []string{
	"SAJIN_SERVICE_AUTH=google", "SAJIN_SERVICE_KEYS=" + key("k", "a"), "SAJIN_SERVICE_AUDIENCE=https://catalog.example", "SAJIN_SERVICE_CALLERS=web@p.example",
}

func TestServiceAuthIsChecked(t *testing.T) {
	const auth, keys, audience, callers = "SAJIN_SERVICE_AUTH=", "SAJIN_SERVICE_KEYS=", "SAJIN_SERVICE_AUDIENCE=", "SAJIN_SERVICE_CALLERS="
	good := keys + key("k", "a")
	for name, tt := range map[string]struct {
		environ []string
		named   string // what the error must name; "" for none
	}{
		"nothing":               {nil, ""},
		"none":                  {[]string{auth + "none"}, ""},
		"local":                 {[]string{auth + "local", good}, ""},
		"local, others may":     {[]string{auth + "local", good, callers + "web,edge=web", audience + "catalog-2"}, ""},
		"another word":          {[]string{auth + "basic"}, "SAJIN_SERVICE_AUTH"},
		"local without keys":    {[]string{auth + "local"}, "SAJIN_SERVICE_KEYS"},
		"keys that are none":    {[]string{auth + "local", keys + "k:c2VjcmV0"}, "SAJIN_SERVICE_KEYS"},
		"google without keys":   {[]string{auth + "google", audience + "x", callers + "y"}, "SAJIN_SERVICE_KEYS"},
		"google, for whom?":     {[]string{auth + "google", good, callers + "web@p.example"}, "SAJIN_SERVICE_AUDIENCE"},
		"google, from whom?":    {[]string{auth + "google", good, audience + "https://catalog.example"}, "SAJIN_SERVICE_CALLERS"},
		"a role that is no one": {[]string{auth + "local", good, callers + "web=root"}, "SAJIN_SERVICE_CALLERS"},
	} {
		door := platform.CatalogDoor()
		err := config.Load(tt.environ, &door)
		if (err == nil) != (tt.named == "") || (err != nil && !strings.Contains(err.Error(), tt.named)) {
			t.Errorf("%s: %v, want it to name %q", name, err, tt.named)
		}
		if err != nil && strings.Contains(err.Error(), "c2VjcmV0") {
			t.Errorf("%s: the error shows the key", name)
		}
		if asks := door.Guard() != nil; asks != (err == nil && len(tt.environ) > 1) {
			t.Errorf("%s: asks for a token: %v", name, asks)
		}
	}
}

// Beyond loopback it must be said outright that nobody is asked.
func TestADoorBeyondLoopbackMustBeGuarded(t *testing.T) {
	for _, tt := range []struct {
		addr, auth string
		ok         bool
	}{
		{"127.0.0.1:8081", "", true},
		{"[::1]:8081", "", true},
		{":8081", "", false},
		{"10.0.0.2:8081", "", false},
		{":8081", "none", true},
		{":8081", "local", true},
		{"nonsense", "", false},
	} {
		door := platform.UploadDoor()
		// SAJIN_AUTH is about users, and opens no service.
		environ := []string{"SAJIN_ADDR=" + tt.addr, "SAJIN_SERVICE_AUTH=" + tt.auth, "SAJIN_SERVICE_KEYS=" + key("k", "a"), "SAJIN_AUTH=none"}
		err := process.Configure(environ, &config.Common{}, &door)
		if (err == nil) != tt.ok {
			t.Errorf("%s with %q: %v", tt.addr, tt.auth, err)
		}
		if err != nil && tt.addr != "nonsense" && !strings.Contains(err.Error(), "SAJIN_SERVICE_AUTH") {
			t.Errorf("%s with %q: %v does not say what to set", tt.addr, tt.auth, err)
		}
	}
}

func TestGooglesTokensStayOffAnOpenLine(t *testing.T) {
	for address, ok := range map[string]bool{"http://catalog.internal": false, "https://catalog.example": true, "http://127.0.0.1:8081": true} {
		err := config.Load([]string{
			"SAJIN_CATALOG_URL=" + address, "SAJIN_UPLOAD_URL=https://upload.example", "SAJIN_SERVICE_AUTH=google", "SAJIN_SERVICE_KEYS=" + key("k", "a"),
		}, &platform.Peers{})
		if (err == nil) != ok {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// called is what a request to a service of the stack comes to: who it acted for,
// or the error.
func called(t *testing.T, door platform.Door, doorEnv, peerEnv []string) (string, error) {
	t.Helper()
	if err := config.Load(doorEnv, &door); err != nil {
		t.Fatal(err)
	}
	guard := door.Guard().Middleware(serviceauth.Access{serviceauth.RoleWeb: {"/v1/"}})
	server := httptest.NewServer(guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Header.Get(identity.OwnerHeader))
	})))
	defer server.Close()
	var p platform.Peers
	if err := config.Load(append(peerEnv, "SAJIN_CATALOG_URL="+server.URL, "SAJIN_UPLOAD_URL="+server.URL), &p); err != nil {
		t.Fatal(err)
	}
	target, _, err := p.Targets()
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(identity.WithOwner(t.Context(), "mina"), http.MethodGet, server.URL+"/v1/months", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	kitx.SetCaller(req.Context(), req.Header)
	resp, err := target.HTTP.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

// F43: what web and a service are told must agree, and may change a step at a
// time.
func TestF43_PeersAndDoorsAgree(t *testing.T) {
	const auth = "SAJIN_SERVICE_AUTH=local"
	a, b := key("a", "a"), key("b", "b")
	for name, tt := range map[string]struct {
		door       platform.Door
		theirs, my string
		ok         bool
	}{
		"the same key":            {platform.CatalogDoor(), a, a, true},
		"the new one is known":    {platform.CatalogDoor(), a + "," + b, a, true},
		"the new one signs":       {platform.CatalogDoor(), a + "," + b, b + "," + a, true},
		"the old one is gone":     {platform.CatalogDoor(), b, a, false},
		"a token for the catalog": {platform.UploadDoor(), a, a, false},
	} {
		owner, err := called(t, tt.door, []string{auth, "SAJIN_SERVICE_KEYS=" + tt.theirs}, []string{auth, "SAJIN_SERVICE_KEYS=" + tt.my})
		if tt.ok != (err == nil && owner == "mina") {
			t.Errorf("%s: acted for %q, %v", name, owner, err)
		}
	}
	if owner, err := called(t, platform.CatalogDoor(), nil, nil); owner != "mina" || err != nil {
		t.Errorf("on loopback, unsaid: acted for %q, %v", owner, err)
	}
}

func TestPushNeedsItsAudienceItsAccountAndPubSub(t *testing.T) {
	const events, audience, account = "SAJIN_EVENTS_URL=", "SAJIN_EVENTS_PUSH_AUDIENCE=https://upload.example", "SAJIN_EVENTS_PUSH_ACCOUNT=push@p.example"
	for name, tt := range map[string]struct {
		environ []string
		ok      bool
	}{
		"both":        {[]string{events + "pubsub://p", audience, account}, true},
		"neither":     {[]string{events + "pubsub://p"}, true},
		"no account":  {[]string{events + "pubsub://p", audience}, false},
		"no audience": {[]string{events + "pubsub://p", account}, false},
		"NATS":        {[]string{events + "nats://host:4222", audience, account}, false},
	} {
		if err := config.Load(tt.environ, &platform.Config{}); (err == nil) != tt.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// S09: a service that sends its caller elsewhere does not get the token there.
func TestS09_TheTokenIsNotTakenElsewhere(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("called with %v", r.Header)
	}))
	defer elsewhere.Close()
	server := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	var p platform.Peers
	if err := config.Load([]string{"SAJIN_CATALOG_URL=" + server.URL, "SAJIN_UPLOAD_URL=" + server.URL, "SAJIN_SERVICE_AUTH=local", "SAJIN_SERVICE_KEYS=" + key("k", "a")}, &p); err != nil {
		t.Fatal(err)
	}
	toCatalog, toUpload, err := p.Targets()
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range []kitx.Target{toCatalog, toUpload} {
		ask := kitx.Client[kitx.None, struct{}](target, http.MethodGet, func(kitx.None) (string, url.Values, any) { return "/v1/months", nil, nil })
		if _, err := ask(identity.WithOwner(t.Context(), "mina"), kitx.None{}); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("a redirect: %v", err)
		}
	}
}
