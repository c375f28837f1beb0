package stack

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// maxPage is the most objects of a page, as Cloud Storage has it.
const maxPage = 1000

// listing answers for the emulator which objects there are. fake-gcs-server
// walks over its whole bucket for every page, which among ten thousand pictures
// takes longer than all else that a service does; this reads only the folders
// in which a page's names can be. What it does not know, a delimiter or older
// versions, is asked of the emulator.
type listing struct {
	emulator http.Handler
	dir      string // with a folder for each bucket
}

// page is Cloud Storage's answer: https://docs.cloud.google.com/storage/docs/json_api/v1/objects/list#response.
type page struct {
	Kind          string            `json:"kind"`
	Items         []json.RawMessage `json:"items,omitempty"`
	NextPageToken string            `json:"nextPageToken,omitempty"`
}

func (l listing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	bucket, isList := listedBucket(r)
	query := r.URL.Query()
	if !isList || query.Get("delimiter") != "" || query.Get("versions") == "true" || query.Get("endOffset") != "" {
		l.emulator.ServeHTTP(w, r)
		return
	}
	from := query.Get("startOffset")
	if token := query.Get("pageToken"); token != "" {
		from = token
	}
	limit := maxPage
	if n, err := strconv.Atoi(query.Get("maxResults")); err == nil && n > 0 {
		limit = min(n, maxPage)
	}
	s := search{prefix: query.Get("prefix"), from: from, limit: limit + 1}
	if err := s.folder(filepath.Join(l.dir, url.PathEscape(bucket)), ""); err != nil {
		l.emulator.ServeHTTP(w, r)
		return
	}
	out := page{Kind: "storage#objects"}
	if len(s.names) > limit {
		out.NextPageToken, s.names = s.names[limit], s.names[:limit]
	}
	for _, name := range s.names {
		if item := l.attributes(r, bucket, name); item != nil {
			out.Items = append(out.Items, item)
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(out)
}

// listedBucket is the bucket that a request wants the objects of.
func listedBucket(r *http.Request) (string, bool) {
	rest, ok := strings.CutPrefix(r.URL.Path, "/storage/v1/b/")
	bucket, end, _ := strings.Cut(rest, "/")
	return bucket, ok && r.Method == http.MethodGet && strings.TrimSuffix(end, "/") == "o"
}

// attributes asks the emulator about one object; nil where it has just gone.
func (l listing) attributes(r *http.Request, bucket, name string) json.RawMessage {
	ask := r.Clone(r.Context())
	ask.URL = &url.URL{Path: "/storage/v1/b/" + bucket + "/o/" + name, RawPath: "/storage/v1/b/" + url.PathEscape(bucket) + "/o/" + url.PathEscape(name)}
	ask.RequestURI = ask.URL.RequestURI()
	answer := httptest.NewRecorder()
	l.emulator.ServeHTTP(answer, ask)
	if answer.Code != http.StatusOK {
		return nil
	}
	return answer.Body.Bytes()
}

// search finds names in the order of their bytes.
type search struct {
	prefix, from string
	limit        int
	names        []string
}

// folder looks through dir, whose objects' names begin with base. A folder that
// has just gone has none.
func (s *search) folder(dir, base string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && base != "" && os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
		if e.IsDir() {
			names[i] += "/" // so that a folder stands where its objects do
		}
	}
	slices.Sort(names)
	for _, name := range names {
		if len(s.names) == s.limit {
			return nil
		}
		if err := s.entry(dir, base, name); err != nil {
			return err
		}
	}
	return nil
}

func (s *search) entry(dir, base, name string) error {
	full := base + name
	if !strings.HasSuffix(name, "/") {
		if strings.HasPrefix(full, s.prefix) && full >= s.from {
			s.names = append(s.names, full)
		}
		return nil
	}
	within := strings.HasPrefix(full, s.prefix) || strings.HasPrefix(s.prefix, full)
	before := full < s.from && !strings.HasPrefix(s.from, full)
	if !within || before {
		return nil
	}
	return s.folder(filepath.Join(dir, name), full)
}
