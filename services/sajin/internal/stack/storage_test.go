package stack_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/services/sajin/internal/stack"
)

// The stack's own listing gives what the bucket has, in the order of the names'
// bytes and in pages of any size.
func TestStorageLists(t *testing.T) {
	t.Setenv("PUBSUB_EMULATOR_HOST", "127.0.0.1:1") // nothing here is worth a message
	s, err := stack.OpenStorage(stack.StorageOptions{Dir: t.TempDir(), Public: "localhost", Project: "p", Bucket: "photos"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	names := []string{"a-b", "a/b.c/d", "a/b/c", "a/bb", "a0", "b/사진.jpg", "b/x y+z?%", "c"}
	slices.Sort(names)
	for _, name := range names {
		call(t, s, http.MethodPost, "/upload/storage/v1/b/photos/o?uploadType=media&name="+url.QueryEscape(name), name)
	}
	for _, prefix := range []string{"", "a", "a/", "a/b", "a/b/", "b/사", "c", "d", "a/b/c/d"} {
		for _, from := range []string{"", "a/b/c", "a/b0", "b", "z"} {
			var want []string
			for _, name := range names {
				if strings.HasPrefix(name, prefix) && name >= from {
					want = append(want, name)
				}
			}
			for _, limit := range []int{1, 2, 1000} {
				if got := list(t, s, prefix, from, limit); !slices.Equal(got, want) {
					t.Errorf("prefix %q from %q by %d: %q, want %q", prefix, from, limit, got, want)
				}
			}
		}
	}
	call(t, s, http.MethodDelete, "/storage/v1/b/photos/o/"+url.PathEscape("a/b/c"), "")
	if got := list(t, s, "a/b/", "", 10); len(got) != 0 {
		t.Errorf("after it was deleted: %q", got)
	}
	if got := call(t, s, http.MethodGet, "/storage/v1/b/photos/o?delimiter=/&prefix=a/", ""); !strings.Contains(got, `"a/b.c/"`) {
		t.Errorf("with a delimiter: %s", got)
	}
}

// list gives the names of every page; each has the size that was written.
func list(t *testing.T, s http.Handler, prefix, from string, limit int) (names []string) {
	t.Helper()
	query := url.Values{"prefix": {prefix}, "startOffset": {from}, "maxResults": {strconv.Itoa(limit)}}
	for {
		var page struct {
			Items         []struct{ Name, Size string }
			NextPageToken string
		}
		if err := json.Unmarshal([]byte(call(t, s, http.MethodGet, "/storage/v1/b/photos/o?"+query.Encode(), "")), &page); err != nil {
			t.Fatal(err)
		}
		if len(page.Items) > limit {
			t.Fatalf("a page of %d, asked for %d", len(page.Items), limit)
		}
		for _, item := range page.Items {
			names = append(names, item.Name)
			if item.Size != strconv.Itoa(len(item.Name)) {
				t.Errorf("%q is said to have %s bytes", item.Name, item.Size)
			}
		}
		if page.NextPageToken == "" {
			return names
		}
		query.Set("pageToken", page.NextPageToken)
	}
}

func call(t *testing.T, s http.Handler, method, target, body string) string {
	t.Helper()
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body)))
	if w.Code >= http.StatusBadRequest {
		t.Fatalf("%s %s: %d %s", method, target, w.Code, w.Body)
	}
	return w.Body.String()
}
