package httpapi_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/httpx/openapitest"
	"github.com/sajin-gallery/sajin/pkg/httpx/problem"
	"github.com/sajin-gallery/sajin/services/upload/internal/httpapi"
)

func TestP10_Methods(t *testing.T) {
	s := newServer(t)
	for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "get", "post", "FOO"} {
		req := s.request(formType, http.NoBody)
		req.Method = method
		req.Header.Set("X-HTTP-Method-Override", "POST")
		resp, err := s.http.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != 405 || resp.Header.Get("Allow") != "POST" || resp.Header.Get("Content-Type") != problem.ContentType {
			t.Errorf("%s: answered %d %v", method, resp.StatusCode, resp.Header)
		}
	}
	for _, path := range []string{"/", "/v1", "/v1/images/", "//v1/images", "/v1/images/..", "/events/upload-objects"} {
		req := s.request(formType, http.NoBody)
		req.URL.Path = path
		resp, err := s.http.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != 404 {
			t.Errorf("%s: answered %d", path, resp.StatusCode)
		}
	}
}

// The routes are those of the OpenAPI file.
func TestRoutes(t *testing.T) {
	pushed := func(name string) httpapi.Push {
		return httpapi.Push{Subscription: name, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNoContent)
		})}
	}
	rt := httpapi.New(nil, defaultLimits(), health(), pushed("upload-objects"), pushed("upload-purges"))
	openapitest.Routes(t, rt, describedBy(t))
	if without := httpapi.New(nil, defaultLimits(), health()).Routes(); slices.Contains(without, "POST /events/upload-objects") {
		t.Error("the push door is open without a push")
	}
}

func TestProbes(t *testing.T) {
	s := newServer(t)
	for _, path := range []string{"/healthz/live", "/healthz/startup", "/healthz/ready"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.http.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := s.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Errorf("%s: answered %d", path, resp.StatusCode)
		}
	}
}
