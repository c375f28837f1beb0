package kitx_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/kitx"
)

// roundTripper is an http.RoundTripper of a function.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestClientCallsThePathBelowItsBase(t *testing.T) {
	for base, want := range map[string]string{
		"http://catalog.invalid":      "http://catalog.invalid/v1/months?a=b",
		"http://catalog.invalid/":     "http://catalog.invalid/v1/months?a=b",
		"http://catalog.invalid/sub":  "http://catalog.invalid/sub/v1/months?a=b",
		"http://catalog.invalid/sub/": "http://catalog.invalid/sub/v1/months?a=b",
	} {
		u, err := url.Parse(base)
		if err != nil {
			t.Fatal(err)
		}
		var called string
		transport := roundTripper(func(r *http.Request) (*http.Response, error) {
			called = r.URL.String()
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("{}")), Request: r}, nil
		})
		call := kitx.Client[kitx.None, struct{}](kitx.Target{Base: u, HTTP: kitx.NoRedirects(transport)}, http.MethodGet,
			func(kitx.None) (string, url.Values, any) { return "/v1/months", url.Values{"a": {"b"}}, nil })
		if _, err := call(context.Background(), kitx.None{}); err != nil || called != want {
			t.Errorf("with the base %s it called %s (%v), want %s", base, called, err, want)
		}
	}
}
