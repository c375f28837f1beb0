package httpapi

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/identity"
	"github.com/sajin-gallery/sajin/services/web/internal/accounts"
)

// Assertions verifies whom an identity provider in front of the gallery speaks
// for. What is not its word is a fault of the kind Unauthenticated.
type Assertions interface {
	Verify(ctx context.Context, assertion string) (accounts.Asserted, error)
}

// assertionHeader is where Cloud IAP says who is there.
// https://cloud.google.com/iap/docs/signed-headers-howto
const assertionHeader = "X-Goog-Iap-Jwt-Assertion"

// maxAssertionBytes bounds what is verified at all.
const maxAssertionBytes = 8 << 10

var errNoAssertion = fault.New(fault.Unauthenticated, "unauthenticated",
	"The gallery does not know who you are. Please open it at the address that its owner gave you, which asks.")

type actorKey struct{}

// actorOf is who acts in a request, once the guard has let it in.
func actorOf(ctx context.Context) (accounts.Actor, bool) {
	a, ok := ctx.Value(actorKey{}).(accounts.Actor)
	return a, ok
}

// guard lets in who is known, as the owner of what they see, and everybody to
// what is open. A gallery without accounts has one owner who is always there.
// What a request itself says of its owner is removed: it comes from outside.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del(identity.OwnerHeader)
		if s.Accounts == nil {
			next.ServeHTTP(w, r.WithContext(identity.WithOwner(r.Context(), identity.LocalOwner)))
			return
		}
		credential := s.credential(r)
		if s.flooded(w, r, credential) {
			return
		}
		actor, err := s.identify(w, r)
		if err == nil && credential != "" {
			s.lately.note(credential)
		}
		if !s.admit(w, r, actor, err == nil) {
			return
		}
		switch {
		case err == nil:
			ctx := context.WithValue(r.Context(), actorKey{}, actor)
			next.ServeHTTP(w, r.WithContext(identity.WithOwner(ctx, actor.Account.ID)))
		case isOpen(r.URL.Path):
			next.ServeHTTP(w, r)
		default:
			s.turnAway(w, r, err)
		}
	})
}

// isOpen reports whether a path is for everybody: what is needed to sign in, and
// what tells nothing.
func isOpen(path string) bool {
	switch path {
	case signInPath, setUpPath, "/language", "/favicon.ico", "/sw.js", "/manifest.webmanifest":
		return true
	default:
		return isStatic(path)
	}
}

// isStatic reports whether a path is the same for everybody, whoever asks.
func isStatic(path string) bool {
	return strings.HasPrefix(path, "/static/") || strings.HasPrefix(path, "/healthz/")
}

// identify says who asks: by the word of a provider in front, by a program's
// token, or by a session. A session that is given another token keeps it.
func (s *Server) identify(w http.ResponseWriter, r *http.Request) (accounts.Actor, error) {
	if isStatic(r.URL.Path) {
		return accounts.Actor{}, accounts.ErrUnauthenticated // nobody is looked up
	}
	ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
	defer cancel()
	if s.Assertions != nil {
		return s.asserted(ctx, r)
	}
	if token, ok := bearer(r); ok && forMachines(r) {
		return s.Accounts.ByToken(ctx, token)
	}
	actor, renewed, err := s.Accounts.Resume(ctx, s.cookie(r, sessionCookie))
	if err == nil && renewed != "" {
		s.setCookie(w, r, sessionCookie, renewed, accounts.SessionLife)
		s.lately.note(renewed)
	}
	return actor, err
}

// credential is what a request has to be looked up by; "" for nothing. The word of
// a provider is verified and not looked up.
func (s *Server) credential(r *http.Request) string {
	if isStatic(r.URL.Path) || s.Assertions != nil {
		return ""
	}
	if token, ok := bearer(r); ok && forMachines(r) {
		return token
	}
	return s.cookie(r, sessionCookie)
}

// bearer is a token of ours. One of another kind is for a proxy in front.
func bearer(r *http.Request) (string, bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	return token, strings.EqualFold(scheme, "Bearer") && accounts.IsToken(token)
}

func (s *Server) asserted(ctx context.Context, r *http.Request) (accounts.Actor, error) {
	assertion := r.Header.Get(assertionHeader)
	if assertion == "" || len(assertion) > maxAssertionBytes {
		return accounts.Actor{}, errNoAssertion
	}
	who, err := s.Assertions.Verify(ctx, assertion)
	if err != nil {
		return accounts.Actor{}, err
	}
	account, err := s.Accounts.Admit(ctx, who)
	return accounts.Actor{Account: account}, err
}

// turnAway answers a request that needs somebody to be known. A person is led to
// the sign-in and from there to where they wanted to go; a script and a program
// are told.
func (s *Server) turnAway(w http.ResponseWriter, r *http.Request, err error) {
	if r.ContentLength != 0 {
		w.Header().Set("Connection", "close") // what a stranger sends is not read
	}
	if fault.KindOf(err) != fault.Unauthenticated {
		s.fail(w, r, err)
		return
	}
	reading := r.Method == http.MethodGet || r.Method == http.MethodHead
	if s.Assertions == nil && reading && !forScripts(r) {
		next := url.URL{Path: r.URL.Path, RawQuery: r.URL.RawQuery}
		seeOther(w, &url.URL{Path: signInPath, RawQuery: nextQuery(next.String())})
		return
	}
	if s.Assertions == nil {
		w.Header().Set("Www-Authenticate", `Bearer realm="Sajin"`)
	}
	s.fail(w, r, err)
}

// nextQuery is the query by which the sign-in leads back.
func nextQuery(next string) string {
	if next == "/" || localURL(next) == nil {
		return ""
	}
	return url.Values{"next": {next}}.Encode()
}

// forScripts reports whether a request's answer is read by a program: a page to
// sign in is of no use to it.
func forScripts(r *http.Request) bool {
	dest := r.Header.Get("Sec-Fetch-Dest")
	return forMachines(r) || strings.HasPrefix(r.URL.Path, "/fragments/") || dest != "" && dest != "document"
}

// The cookies. Where there is https they are bound to this host by their name
// (RFC 6265bis, __Host-). Their names say the port where it is none of the
// web's own: a browser sends cookies to every port of a host (RFC 6265, section
// 8.5), and two galleries on one machine would sign each other's people out.
const (
	sessionCookie = "sajin_session"
	deviceCookie  = "sajin_device"
)

func (s *Server) secure() bool { return s.PublicOrigin != nil && s.PublicOrigin.Scheme == "https" }

func (s *Server) cookieName(r *http.Request, name string) string {
	at := s.PublicOrigin
	if at == nil {
		at = &url.URL{Host: r.Host}
	}
	if port := at.Port(); port != "" && port != "80" && port != "443" {
		name += "_" + port
	}
	if s.secure() {
		return "__Host-" + name
	}
	return name
}

func (s *Server) cookie(r *http.Request, name string) string {
	if c, err := r.Cookie(s.cookieName(r, name)); err == nil {
		return c.Value
	}
	return ""
}

// clientAddress is where a request comes from: the address of the connection,
// or, behind SAJIN_TRUSTED_PROXIES proxies that are ours, what the outermost of
// them saw. What comes before that in the header anybody may have written.
func (s *Server) clientAddress(r *http.Request) string {
	var hops []string
	for _, line := range r.Header.Values("X-Forwarded-For") {
		hops = append(hops, strings.Split(line, ",")...)
	}
	if n := s.TrustedProxies; n > 0 && len(hops) >= n {
		if ip := net.ParseIP(strings.TrimSpace(hops[len(hops)-n])); ip != nil {
			return ip.String()
		}
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
