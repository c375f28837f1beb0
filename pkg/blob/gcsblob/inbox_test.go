package gcsblob_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/blob"
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

// A file that is put there again in the last moment, after it was seen to be the
// one that was taken, stays. The emulator knows no condition on a deletion.
func TestInboxRemovesNoOtherFile(t *testing.T) {
	s, f := startFront(t, gcsblob.Options{})
	inbox := blob.InboxOf(s, "inbox/", "aside/")
	put := func(data string) blob.Info {
		t.Helper()
		if _, err := putString(t.Context(), s, "inbox/anna/a.jpg", data, blob.WriteOptions{}); err != nil {
			t.Fatal(err)
		}
		file, err := inbox.Look(t.Context(), "anna/a.jpg")
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	taken := put("first")
	var again blob.Info
	f.answer(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodDelete {
			return false
		}
		again = put("second")
		if r.URL.Query().Get("ifGenerationMatch") != fmt.Sprint(taken.Generation) {
			return false
		}
		w.WriteHeader(http.StatusPreconditionFailed)
		return true
	})
	if err := inbox.Remove(t.Context(), taken); err != nil {
		t.Errorf("Remove: %v", err)
	}
	if got, err := readAll(t.Context(), s, "inbox/anna/a.jpg", 0, -1); err != nil || got != "second" {
		t.Errorf("of the second is left: %q, %v", got, err)
	}
	f.answer(nil)
	for range 2 { // it may be done again
		if err := inbox.Remove(t.Context(), again); err != nil {
			t.Errorf("Remove: %v", err)
		}
	}
	if _, err := inbox.Look(t.Context(), "anna/a.jpg"); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("after Remove: %v", err)
	}
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
