package gcsblob_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/blob/blobtest"
	"github.com/sajin-gallery/sajin/pkg/blob/gcsblob"
)

// A part of a bucket as an inbox: what is taken is copied within the bucket.
func TestInbox(t *testing.T) {
	server := conditionalCopies(t, startEmulator(t))
	t.Setenv("STORAGE_EMULATOR_HOST", strings.TrimPrefix(server, "http://"))
	buckets := 0
	blobtest.RunInbox(t, func(t *testing.T) blobtest.InboxHarness {
		buckets++
		name := fmt.Sprintf("inbox-%d", buckets)
		createBucket(t, server, name)
		return blobtest.InboxIn(t, mustOpen(t, name, gcsblob.Options{}))
	})
}

// conditionalCopies adds to the emulator what it leaves out: a copy under the
// condition that nothing is there is refused where something is.
// https://cloud.google.com/storage/docs/json_api/v1/objects/rewrite
func conditionalCopies(t *testing.T, emulator string) string {
	t.Helper()
	base, err := url.Parse(emulator)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(base) }}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, to, isCopy := strings.Cut(r.URL.EscapedPath(), "/rewriteTo/")
		if isCopy && r.URL.Query().Get("ifGenerationMatch") == "0" && exists(t, emulator+"/storage/v1/"+to) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusPreconditionFailed)
			_, _ = io.WriteString(w, `{"error":{"code":412,"message":"conditionNotMet"}}`)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func exists(t *testing.T, object string) bool {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, object, http.NoBody)
	if err != nil {
		t.Error(err)
		return false
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Error(err)
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}
