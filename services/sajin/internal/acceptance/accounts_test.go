package acceptance

import (
	"bytes"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/config"
	"github.com/sajin-gallery/sajin/pkg/httpx/loopback"
	"github.com/sajin-gallery/sajin/pkg/httpx/openapitest"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/pkg/telemetry/telemetrytest"
	"github.com/sajin-gallery/sajin/services/sajin/internal/stack"
	"github.com/sajin-gallery/sajin/services/web/api"
)

// seedAccounts starts the seeds of these tests' photographs.
const seedAccounts = 800_000

// TestAccounts runs the services apart with accounts, as they are deployed: what
// is seen of that from outside is seen across processes. Each part goes on where
// the one before it has ended.
func TestAccounts(t *testing.T) {
	g := startGuarded(t)
	t.Run("StrangersGetNothing", g.strangersGetNothing)
	t.Run("TheConsoleInvitesTheOwner", g.theConsoleInvitesTheOwner)
	t.Run("EveryReplicaKnowsASession", g.everyReplicaKnowsASession)
	t.Run("TheCommandLineHasAToken", g.theCommandLineHasAToken)
	t.Run("S05_ForgedHeadersDoNothing", g.forgedHeadersDoNothing)
	t.Run("S05_OnlyServicesAreServed", g.onlyServicesAreServed)
	t.Run("OneTraceAPicture", g.oneTraceAPicture)
	t.Run("WhoSignsOutIsOutEverywhere", g.whoSignsOutIsOutEverywhere)
	t.Run("ServicesKnowEachOtherByGoogle", g.servicesKnowEachOtherByGoogle)
}

// guarded is a gallery with accounts, which two processes of web serve.
type guarded struct {
	split
	replica  *stack.Process // of web
	console  *console
	traces   *telemetrytest.Collector
	stranger client
	owner    client // signed in, once there is an owner
	program  client // with a token of the owner's
	seed     uint64
}

func startGuarded(t *testing.T) *guarded {
	t.Helper()
	g := &guarded{console: &console{}, traces: telemetrytest.Collect(t), seed: seedAccounts}
	keys := "SAJIN_SERVICE_KEYS=" + serviceKey("shared", "k")
	d, apart := startStack(t, stack.Options{
		Auth: config.AuthPassword, FakePubSub: true, Out: g.console, All: append(g.traces.Environment(), keys),
	}).(split)
	if !apart {
		t.Fatal("the services are not apart")
	}
	addr, err := loopback.Free(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	g.split, g.replica = d, d.Process("web").Replica(addr)
	startAll(t, g.replica)
	t.Cleanup(func() {
		if err := g.replica.Stop(); err != nil {
			t.Error(err)
		}
	})
	g.stranger = visitor(t, g.url())
	return g
}

// console keeps what the programs print. Safe for concurrent use.
type console struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.Write(p)
}

func (c *console) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.text.String()
}

// visitor is somebody at an address of the gallery who is sent nowhere else, and
// says headers with every request, each as its name and its value.
func visitor(t *testing.T, base string, header ...string) client {
	t.Helper()
	page := httpClient(t)
	page.Transport = &saying{page.Transport, header}
	page.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return client{
		base: base, page: page,
		api: &http.Client{Transport: openapitest.Transport(t, api.OpenAPI, page.Transport)},
	}
}

type saying struct {
	next   http.RoundTripper
	header []string
}

// RoundTrip implements http.RoundTripper.
func (s *saying) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	for i := 0; i+1 < len(s.header); i += 2 {
		r.Header.Set(s.header[i], s.header[i+1])
	}
	return s.next.RoundTrip(r)
}

// post sends a form of a page.
func (c client) post(t *testing.T, path string, form url.Values) response {
	t.Helper()
	resp, err := c.do(t.Context(), http.MethodPost, path, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

// cookies are those that an answer sets, as the header that sends them back.
func (r response) cookies() string {
	var out []string
	for _, line := range r.header.Values("Set-Cookie") {
		pair, _, _ := strings.Cut(line, ";")
		out = append(out, pair)
	}
	return strings.Join(out, "; ")
}

// isOut holds a client to being a stranger: nothing is shown, and nothing taken.
func isOut(t *testing.T, c client) {
	t.Helper()
	wantProblem(t, "the list", c.get(t, "/api/v1/images"), http.StatusUnauthorized, "unauthenticated")
	body, contentType := form("files", file{name: "a.jpg", data: []byte("x")})
	resp, err := c.do(t.Context(), http.MethodPost, "/api/v1/images", contentType, body)
	if err != nil {
		t.Fatal(err)
	}
	wantProblem(t, "a file", resp, http.StatusUnauthorized, "unauthenticated")
	if page := c.get(t, "/"); page.status != http.StatusSeeOther || !strings.HasPrefix(page.header.Get("Location"), "/signin") {
		t.Errorf("the first page: %d, to %q", page.status, page.header.Get("Location"))
	}
}

func (g *guarded) strangersGetNothing(t *testing.T) {
	for _, base := range []string{g.url(), g.replica.URL()} {
		c := visitor(t, base)
		isOut(t, c)
		for _, path := range []string{"/metrics", "/debug/pprof/", "/setup", "/setup?token=guessed"} {
			if resp := c.get(t, path); resp.status == http.StatusOK {
				t.Errorf("%s is there for everybody", path)
			}
		}
	}
}

var invitation = regexp.MustCompile(`http://[^\s"]+(/setup\?token=[^\s"&]+)`)

const (
	ownersName = "홍길동"
	password   = "correct horse battery"
)

// theConsoleInvitesTheOwner: the link that web prints makes one account, once.
func (g *guarded) theConsoleInvitesTheOwner(t *testing.T) {
	links := invitation.FindAllStringSubmatch(g.console.String(), -1)
	if len(links) == 0 || !strings.HasPrefix(links[0][0], g.url()) {
		t.Fatalf("the console tells the links %q, want one below %s", links, g.url())
	}
	link, err := url.Parse(links[0][1])
	if err != nil {
		t.Fatal(err)
	}
	if page := g.stranger.get(t, link.String()); page.status != http.StatusOK {
		t.Fatalf("the link is answered with %d", page.status)
	}
	entered := url.Values{"token": {link.Query().Get("token")}, "name": {ownersName}, "password": {password}}
	made := g.stranger.post(t, "/setup", entered)
	if made.status != http.StatusSeeOther || made.header.Get("Location") != "/" {
		t.Fatalf("the set-up is answered with %d to %q: %.300s", made.status, made.header.Get("Location"), made.body)
	}
	g.owner = visitor(t, g.url(), "Cookie", made.cookies())
	if page := g.owner.get(t, "/"); page.status != http.StatusOK || !strings.Contains(string(page.body), ownersName) {
		t.Errorf("the owner's first page: %d", page.status)
	}
	for _, base := range []string{g.url(), g.replica.URL()} {
		late := visitor(t, base)
		if again := late.post(t, "/setup", entered); again.status != http.StatusConflict || again.cookies() != "" {
			t.Errorf("the link used again at %s: %d", base, again.status)
		}
	}
	if text := g.console.String(); strings.Contains(text, password) {
		t.Error("the console tells the password")
	}
}

// fresh is a photograph that was not sent before.
func (g *guarded) fresh(t *testing.T) file {
	t.Helper()
	g.seed++
	return photo(t, g.seed, shot{width: 64, height: 48})
}

// elsewhere is the same visitor at the other process of web. Behind one address
// both would be sent the same cookies; here each is at a port, which their names
// say.
func (g *guarded) elsewhere(t *testing.T, c client) client {
	t.Helper()
	who, ok := c.page.Transport.(*saying)
	if !ok {
		t.Fatal("nobody known")
	}
	renamed := strings.NewReplacer("_"+portOf(t, g.url())+"=", "_"+portOf(t, g.replica.URL())+"=")
	header := slices.Clone(who.header)
	for i := range header {
		header[i] = renamed.Replace(header[i])
	}
	return visitor(t, g.replica.URL(), header...)
}

func portOf(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Port()
}

// everyReplicaKnowsASession: what is sent to one process of web, another shows.
func (g *guarded) everyReplicaKnowsASession(t *testing.T) {
	there := g.elsewhere(t, g.owner)
	for _, way := range [][2]client{{g.owner, there}, {there, g.owner}} {
		f := g.fresh(t)
		id := way[0].mustStore(t, f)[0]
		way[0].ready(t, id)
		if img := way[1].image(t, id); img.SHA256 != f.sha256() || way[1].originalSum(t, id) != f.sha256() {
			t.Errorf("the other process shows %+v", img)
		}
	}
}

var shownToken = regexp.MustCompile(`sajin_[A-Za-z0-9_-]{20,}`)

// theCommandLineHasAToken: a program of the owner's is let in by a token, as far
// as the API goes.
func (g *guarded) theCommandLineHasAToken(t *testing.T) {
	made := g.owner.post(t, "/account/tokens", url.Values{"name": {"laptop"}})
	token := shownToken.FindString(string(made.body))
	if made.status != http.StatusCreated || token == "" {
		t.Fatalf("a token is made: %d %.300s", made.status, made.body)
	}
	g.program = visitor(t, g.replica.URL(), "Authorization", "Bearer "+token)
	dir, want := t.TempDir(), map[string]bool{}
	for _, name := range []string{"a.jpg", "b.jpg"} {
		f := g.fresh(t)
		want[f.sha256()] = true
		if err := os.WriteFile(filepath.Join(dir, name), f.data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := g.send(t, dir); err == nil || !strings.Contains(out, "SAJIN_TOKEN") {
		t.Errorf("without a token it ended with %v: %s", err, out)
	}
	if out, err := g.send(t, dir, "SAJIN_TOKEN="+token); err != nil || strings.Contains(out, token) {
		t.Fatalf("%v: %s", err, out)
	}
	for _, img := range g.program.mustList(t, "") {
		delete(want, img.SHA256)
	}
	if len(want) > 0 {
		t.Errorf("%d of the 2 pictures are not there", len(want))
	}
	if page := g.program.get(t, "/account"); page.status != http.StatusSeeOther {
		t.Errorf("a token opens the page of the account: %d", page.status)
	}
}

// send runs sajin upload.
func (g *guarded) send(t *testing.T, dir string, env ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(binaries, "sajin"), "upload", "-server", g.url(), dir)
	cmd.Env = append(os.Environ(), append([]string{"SAJIN_TOKEN="}, env...)...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// forgedHeadersDoNothing: whatever headers of services and proxies a request
// brings along, its sender is who it was.
func (g *guarded) forgedHeadersDoNothing(t *testing.T) {
	mine := g.owner.mustList(t, "")
	for _, header := range [][]string{
		{identity.OwnerHeader, string(identity.LocalOwner)},
		{identity.OwnerHeader, "mallory"},
		{"X-Goog-Iap-Jwt-Assertion", "eyJhbGciOiJub25lIn0.eyJlbWFpbCI6ImFAZXhhbXBsZS5vcmcifQ."},
		{"X-Goog-Authenticated-User-Email", "accounts.google.com:a@example.org"},
		{"X-Serverless-Authorization", "Bearer x", "X-Forwarded-User", "root", "X-Forwarded-For", "127.0.0.1", "X-User-Id", "root"},
		{"Authorization", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ3ZWIifQ."},
	} {
		for _, base := range []string{g.url(), g.replica.URL()} {
			isOut(t, visitor(t, base, header...))
		}
		if header[0] == "Authorization" {
			continue // of another kind it is a proxy's, and the session counts
		}
		who, _ := g.owner.page.Transport.(*saying)
		known := visitor(t, g.url(), append(header, who.header...)...)
		if got := known.mustList(t, ""); len(got) != len(mine) {
			t.Errorf("with %q the owner has %d pictures of %d", header, len(got), len(mine))
		}
	}
}

// whoSignsOutIsOutEverywhere: at once, in every process of web, and alone.
func (g *guarded) whoSignsOutIsOutEverywhere(t *testing.T) {
	in := g.stranger.post(t, "/signin", url.Values{"name": {ownersName}, "password": {password}})
	if in.status != http.StatusSeeOther {
		t.Fatalf("the sign-in: %d %.300s", in.status, in.body)
	}
	phone := visitor(t, g.url(), "Cookie", in.cookies())
	there := g.elsewhere(t, g.owner)
	if out := there.post(t, "/signout", nil); out.status != http.StatusSeeOther {
		t.Fatalf("the sign-out: %d", out.status)
	}
	isOut(t, there)
	isOut(t, g.owner)
	for _, c := range []client{phone, g.elsewhere(t, phone), g.program} {
		c.mustList(t, "")
	}
	g.owner = phone
}
