package acceptance

import (
	"context"
	"net/http"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/pkg/serviceauth"
	"github.com/sajin-gallery/sajin/pkg/serviceauth/googletokens/googletest"
	"github.com/sajin-gallery/sajin/pkg/serviceauth/keyring"
	"github.com/sajin-gallery/sajin/pkg/serviceauth/localtokens"
	"github.com/sajin-gallery/sajin/services/sajin/internal/stack"
)

// proof is what a caller of a service says to prove itself and for whom it acts.
type proof struct {
	token    string // none where it is ""
	keys     string // that sign the owner; the owner is said without where it is ""
	audience string // of the signed owner
}

// call asks a service for something as the owner, and gives the status.
func (p proof) call(t *testing.T, service *stack.Process) int {
	t.Helper()
	path := map[string]string{"upload": "/v1/uploads/01ARZ3NDEKTSV4RRFFQ69G5FAV/complete", "catalog": "/v1/known"}[service.Name]
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, service.URL()+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set(identity.OwnerHeader, string(identity.LocalOwner))
	if p.token != "" {
		req.Header.Set("Authorization", "Bearer "+p.token)
	}
	send := httpClient(t).Do
	if p.keys != "" {
		send = (&serviceauth.Client{HTTP: httpClient(t), Actors: ring(t, p.keys), Audience: p.audience, Tokens: said(p.token)}).Do
	}
	resp, err := send(req)
	if err != nil { // as the client of the services says a refusal
		return 0
	}
	defer func() { _ = resp.Body.Close() }()
	return resp.StatusCode
}

// said is a source of one token.
type said string

func (s said) Token(context.Context) (string, error) { return string(s), nil }

func ring(t *testing.T, keys string) *keyring.Ring {
	t.Helper()
	r, err := keyring.Parse(keys)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// local is a token as web makes it with shared keys.
func local(t *testing.T, keys, audience string) string {
	t.Helper()
	token, err := localtokens.Source{Keys: ring(t, keys), Name: "web", Audience: audience}.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// onlyServicesAreServed asks upload and catalog past the edge, with all that
// somebody could make up, and with what web says.
func (g *guarded) onlyServicesAreServed(t *testing.T) {
	servicesAreGuarded(t, g.split, g.stranger)
	ours, theirs := serviceKey("shared", "k"), serviceKey("shared", "x")
	for name, other := range map[string]string{"upload": "catalog", "catalog": "upload"} {
		service := g.Process(name)
		for what, tt := range map[string]struct {
			proof
			want int
		}{
			"nothing":                           {proof{}, http.StatusUnauthorized},
			"a token of another key":            {proof{token: local(t, theirs, name)}, http.StatusUnauthorized},
			"a token for the other service":     {proof{token: local(t, ours, other)}, http.StatusForbidden},
			"an owner that is not signed":       {proof{token: local(t, ours, name)}, http.StatusUnauthorized},
			"an owner signed with another key":  {proof{local(t, ours, name), theirs, name}, 0},
			"an owner signed for another place": {proof{local(t, ours, name), ours, other}, 0},
		} {
			if got := tt.call(t, service); got != tt.want {
				t.Errorf("%s, with %s: %d, want %d", name, what, got, tt.want)
			}
		}
		if got := (proof{local(t, ours, name), ours, name}).call(t, service); got == 0 || got == http.StatusUnauthorized || got == http.StatusForbidden {
			t.Errorf("%s does not serve what web says: %d", name, got)
		}
	}
}

// servicesKnowEachOtherByGoogle starts the services again as on Cloud Run, where
// Google's tokens prove who calls: web is given them by the machine's metadata
// server, and the others judge them by the keys that Google publishes.
func (g *guarded) servicesKnowEachOtherByGoogle(t *testing.T) {
	const web = "web@sajin.iam.gserviceaccount.com"
	google := googletest.New()
	machine := googletest.NewMachine(t, google, web)
	stopAll(t, g.replica)
	g.stop(t)
	for _, p := range append(g.processes(), g.replica) {
		p.Tell(append(machine.Environment(), "SAJIN_SERVICE_AUTH=google", "SAJIN_SERVICE_AUDIENCE="+p.URL(), "SAJIN_SERVICE_CALLERS="+web)...)
	}
	g.start(t)
	f := g.fresh(t)
	id := g.owner.mustStore(t, f)[0]
	g.owner.ready(t, id)
	if sum := g.owner.originalSum(t, id); sum != f.sha256() {
		t.Errorf("the picture comes back as %s, sent as %s", sum, f.sha256())
	}
	keys := serviceKey("shared", "k")
	for _, name := range []string{"upload", "catalog"} {
		service := g.Process(name)
		token := func(account, audience string) string {
			return googletest.Token(t, googletest.Claims(account, audience))
		}
		for what, tt := range map[string]struct {
			token string
			want  int
		}{
			"nothing":                   {"", http.StatusUnauthorized},
			"the shared keys":           {local(t, keys, name), http.StatusUnauthorized},
			"another account":           {token("mallory@sajin.iam.gserviceaccount.com", service.URL()), http.StatusForbidden},
			"a token for another place": {token(web, g.url()), http.StatusForbidden},
		} {
			if got := (proof{token: tt.token}).call(t, service); got != tt.want {
				t.Errorf("%s, with %s: %d, want %d", name, what, got, tt.want)
			}
		}
		if got := (proof{token(web, service.URL()), keys, service.URL()}).call(t, service); got == 0 || got == http.StatusUnauthorized || got == http.StatusForbidden {
			t.Errorf("%s does not serve what web says: %d", name, got)
		}
	}
	// Once for each of the two, and once or twice more where a slow machine gave up.
	if asked, vouched := google.Asked(), machine.Vouched(); asked < 2 || asked > 6 || vouched < 2 || vouched > 6 {
		t.Errorf("the keys were fetched %d times and %d tokens asked for, by calls of two services: they are not kept", asked, vouched)
	}
}
