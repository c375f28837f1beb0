package httpapi

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/sajin-gallery/sajin/pkg/httpx"
)

// apiPolicy is for what is no page: nothing in it may do anything.
const apiPolicy = "default-src 'none'; frame-ancestors 'none'"

// secureHeaders sets what every response carries, errors and pictures
// included, before anything can be answered. Media replaces the policies on
// caching and content with its own.
func (s *Server) secureHeaders(next http.Handler) http.Handler {
	pagePolicy := s.Pages.ContentSecurityPolicy()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", pagePolicy)
		if forMachines(r) {
			header.Set("Content-Security-Policy", apiPolicy)
		}
		header.Set("X-Content-Type-Options", "nosniff")
		// Not no-referrer: browsers then send "Origin: null" with our own forms,
		// which could not be told from a foreign page's where they send no
		// Sec-Fetch-Site (plain http beyond loopback).
		header.Set("Referrer-Policy", "same-origin")
		header.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
		header.Set("Cross-Origin-Opener-Policy", "same-origin")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		header.Set("Cache-Control", "private, no-store")
		next.ServeHTTP(w, r)
	})
}

// checkHost refuses requests that were sent to another name. On loopback that
// is what keeps a foreign page away that has its own name resolve to 127.0.0.1
// (DNS rebinding): such a page is "same-origin" for every other check. The
// probes are exempt, since an orchestrator asks by address.
func (s *Server) checkHost(next http.Handler) http.Handler {
	names := newHostNames(s.Addr, s.PublicOrigin)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/healthz/") && !names.allow(r) {
			s.fail(w, r, errMisdirected)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hostNames are the values of Host that are ours.
type hostNames struct {
	any    bool     // not known: everything goes
	public string   // host or host:port of the public origin
	local  []string // names without the port, on loopback
	port   string   // of local, where the connection does not tell it
}

func newHostNames(addr string, public *url.URL) hostNames {
	var names hostNames
	if public != nil {
		names.public = strings.ToLower(public.Host)
	}
	if httpx.Loopback(addr) {
		host, port, _ := net.SplitHostPort(addr)
		names.local, names.port = []string{"localhost", "127.0.0.1", "::1", host}, port
	}
	names.any = public == nil && names.local == nil
	return names
}

func (n hostNames) allow(r *http.Request) bool {
	host := strings.ToLower(r.Host)
	if n.any || (n.public != "" && host == n.public) {
		return true
	}
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"), "80"
	}
	return slices.Contains(n.local, name) && port == n.localPort(r)
}

// localPort is the port that the request came in by; the address that was
// asked for may have said 0, for any.
func (n hostNames) localPort(r *http.Request) string {
	if addr, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok {
		return strconv.Itoa(addr.Port)
	}
	return n.port
}

// checkOrigin refuses a change that a foreign page asked a browser for. A
// request with neither Sec-Fetch-Site nor Origin comes from no browser and is
// the owner's own tool.
func (s *Server) checkOrigin(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	if s.PublicOrigin != nil {
		// New has checked that it is an origin, so this cannot fail.
		_ = protection.AddTrustedOrigin(s.PublicOrigin.String())
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := protection.Check(r); err != nil {
			s.fail(w, r, errCrossOrigin.With("httpapi.checkOrigin", err))
			return
		}
		next.ServeHTTP(w, r)
	})
}
