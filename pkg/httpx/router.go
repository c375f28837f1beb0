package httpx

import (
	"net/http"
	"slices"
	"strings"

	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
)

// Router is a ServeMux that knows its routes (so that a test can compare them
// with the OpenAPI file) and answers an unknown path and a wrong method with an
// error of ours rather than the mux's plain text.
type Router struct {
	mux    *http.ServeMux
	routes []string
	fail   func(http.ResponseWriter, *http.Request, error, int)
}

// NewRouter makes a router. fail answers 404 and 405; nil means problem+json.
func NewRouter(fail func(w http.ResponseWriter, r *http.Request, err error, status int)) *Router {
	if fail == nil {
		fail = problem.WriteStatus
	}
	return &Router{mux: http.NewServeMux(), fail: fail}
}

// Handle registers h for a pattern "METHOD /path" of http.ServeMux.
func (rt *Router) Handle(pattern string, h http.Handler) {
	rt.routes = append(rt.routes, pattern)
	rt.mux.Handle(pattern, h)
}

// HandleFunc is Handle for a function.
func (rt *Router) HandleFunc(pattern string, h func(http.ResponseWriter, *http.Request)) {
	rt.Handle(pattern, http.HandlerFunc(h))
}

// Routes lists the registered patterns, sorted.
func (rt *Router) Routes() []string { return slices.Sorted(slices.Values(rt.routes)) }

var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut,
	http.MethodPatch, http.MethodDelete,
}

// ServeHTTP serves the registered route. A path that the mux would clean by a
// redirect ("//host", "/a/../b") is not found instead: no route of ours has
// such a form, and the redirect can be made to point elsewhere.
func (rt *Router) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if path := r.URL.Path; !strings.HasPrefix(path, "/") || strings.Contains(path, "//") || hasDotSegment(path) {
		rt.notFound(w, r)
		return
	}
	if _, pattern := rt.mux.Handler(r); pattern != "" {
		tookRoute(r, pattern)
		rt.mux.ServeHTTP(w, r) // sets the path values, which Handler does not
		return
	}
	if allowed := rt.allowed(r); len(allowed) > 0 {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		rt.fail(w, r, fault.New(fault.Invalid, "method_not_allowed",
			"This address does not take "+safeMethod(r.Method)+" requests."), http.StatusMethodNotAllowed)
		return
	}
	rt.notFound(w, r)
}

func (rt *Router) notFound(w http.ResponseWriter, r *http.Request) {
	rt.fail(w, r, fault.New(fault.NotFound, "not_found", "There is nothing at this address."), http.StatusNotFound)
}

// allowed lists the methods that the path of r has routes for.
func (rt *Router) allowed(r *http.Request) []string {
	var out []string
	for _, method := range methods {
		probe := &http.Request{Method: method, URL: r.URL, Host: r.Host}
		if _, pattern := rt.mux.Handler(probe); pattern != "" {
			out = append(out, method)
		}
	}
	return out
}

func safeMethod(m string) string {
	if slices.Contains(methods, m) || m == http.MethodOptions || m == http.MethodTrace || m == http.MethodConnect {
		return m
	}
	return "such"
}

func hasDotSegment(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}
