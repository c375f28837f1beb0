package staticfiles_test

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fsouza/fake-gcs-server/fakestorage"

	"github.com/sajin-gallery/sajin/services/sajin/internal/dirstatic"
	"github.com/sajin-gallery/sajin/services/sajin/internal/gcsstatic"
	"github.com/sajin-gallery/sajin/services/sajin/internal/staticfiles"
	"github.com/sajin-gallery/sajin/services/web"
)

var day = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func file(name, text string) web.StaticFile {
	return web.StaticFile{Name: "static/" + name, ContentType: "text/css; charset=utf-8", CacheControl: "public, max-age=31536000, immutable", Plain: []byte(text)}
}

// packed has compressed forms, of which these tests look at nothing but where
// they are.
func packed(name, text string) web.StaticFile {
	f := file(name, text)
	f.Gzip, f.Brotli = []byte("gzip of "+text), []byte("brotli of "+text)
	return f
}

// bucket is an empty bucket and how it is seen from outside.
func bucket(t *testing.T) (staticfiles.Place, *fakestorage.Server) {
	t.Helper()
	fake, err := fakestorage.NewServerWithOptions(fakestorage.Options{NoListener: true, Writer: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Stop)
	fake.CreateBucketWithOpts(fakestorage.CreateBucketOpts{Name: "static"})
	server := httptest.NewServer(fake.HTTPHandler())
	t.Cleanup(server.Close)
	t.Setenv("STORAGE_EMULATOR_HOST", server.URL)
	place, err := gcsstatic.Open(t.Context(), "static")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = place.Close() })
	return place, fake
}

// run collects at a time and gives what was reported, in words.
func run(t *testing.T, to staticfiles.Place, at time.Time, o staticfiles.Options, files ...web.StaticFile) ([]string, staticfiles.Result) {
	t.Helper()
	var said []string
	o.Now = func() time.Time { return at }
	o.Report = func(do, name string, _ time.Time) { said = append(said, do+" "+strings.TrimPrefix(name, "static/")) }
	done, err := staticfiles.Collect(t.Context(), to, files, o)
	if err != nil {
		t.Fatal(err)
	}
	return said, done
}

// Every place sends what is new once, keeps what older revisions need by when
// they were current and not by when it was sent, and removes what was asked for.
func TestCollect(t *testing.T) {
	for name, open := range map[string]func(*testing.T) staticfiles.Place{
		"folder": func(t *testing.T) staticfiles.Place { return dirstatic.Open(filepath.Join(t.TempDir(), "new")) },
		"bucket": func(t *testing.T) staticfiles.Place { place, _ := bucket(t); return place },
	} {
		t.Run(name, func(t *testing.T) {
			to := open(t)
			a, b, c := packed("a.1.css", "a"), file("b.1.css", "b"), packed("a.2.css", "a again")
			month := 30 * 24 * time.Hour
			for i, tt := range []struct {
				at      time.Time
				options staticfiles.Options
				files   []web.StaticFile
				want    []string
			}{
				{day, staticfiles.Options{DryRun: true}, []web.StaticFile{a, b}, []string{"send a.1.css", "send b.1.css"}},
				{day, staticfiles.Options{}, []web.StaticFile{a, b}, []string{"send a.1.css", "send b.1.css"}},
				// A year later it is still current, which is noted.
				{day.Add(12 * month), staticfiles.Options{PruneAfter: month}, []web.StaticFile{a, b}, []string{"keep a.1.css", "keep b.1.css"}},
				// So what a page of yesterday needs is not a year old.
				{day.Add(12*month + time.Hour), staticfiles.Options{PruneAfter: month}, []web.StaticFile{b, c}, []string{"keep b.1.css", "send a.2.css", "older a.1.css"}},
				{day.Add(20 * month), staticfiles.Options{}, []web.StaticFile{b, c}, []string{"keep b.1.css", "keep a.2.css", "older a.1.css"}},
				{day.Add(20 * month), staticfiles.Options{PruneAfter: month, DryRun: true}, []web.StaticFile{b, c}, []string{"keep b.1.css", "keep a.2.css", "remove a.1.css"}},
				{day.Add(20 * month), staticfiles.Options{PruneAfter: month}, []web.StaticFile{b, c}, []string{"keep b.1.css", "keep a.2.css", "remove a.1.css"}},
				{day.Add(20 * month), staticfiles.Options{PruneAfter: month}, []web.StaticFile{b, c}, []string{"keep b.1.css", "keep a.2.css"}},
			} {
				if said, _ := run(t, to, tt.at, tt.options, tt.files...); !slices.Equal(said, tt.want) {
					t.Errorf("step %d: %v, want %v", i, said, tt.want)
				}
			}
			left, err := to.List(t.Context())
			if want := []string{"static/a.2.css", "static/b.1.css"}; err != nil || !slices.Equal(slices.Sorted(maps.Keys(left)), want) {
				t.Errorf("left is %v, %v", left, err)
			}
		})
	}
}

// In a bucket a file says how it is to be read and kept.
func TestABucketServesThemAsWebWould(t *testing.T) {
	to, fake := bucket(t)
	run(t, to, day, staticfiles.Options{}, packed("a.1.css", "a"), file("b.1.css", "b"))
	for name, want := range map[string]struct{ encoding, content string }{
		"static/a.1.css": {"gzip", "gzip of a"}, "static/b.1.css": {"", "b"},
	} {
		o, err := fake.GetObject("static", name)
		if err != nil {
			t.Fatal(err)
		}
		if o.ContentEncoding != want.encoding || string(o.Content) != want.content || o.ContentType != "text/css; charset=utf-8" ||
			o.CacheControl != "public, max-age=31536000, immutable" {
			t.Errorf("%s is %q, %q, %q, %q", name, o.ContentEncoding, o.Content, o.ContentType, o.CacheControl)
		}
	}
}

// In a folder the compressed forms are beside a file, and everybody may read them.
func TestAFolderHasTheFormsBesideEachFile(t *testing.T) {
	dir := t.TempDir()
	run(t, dirstatic.Open(dir), day, staticfiles.Options{}, packed("a.1.css", "a"), file("b.1.css", "b"))
	entries, err := os.ReadDir(filepath.Join(dir, "static"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
		if info, err := entry.Info(); err != nil || info.Mode().Perm() != 0o644 {
			t.Errorf("%s: %v, %v", entry.Name(), info.Mode(), err)
		}
	}
	if want := []string{"a.1.css", "a.1.css.br", "a.1.css.gz", "b.1.css"}; !slices.Equal(names, want) {
		t.Errorf("the folder has %v, want %v", names, want)
	}
}

// What a place refuses is said with the file's name.
func TestAFailureNamesTheFile(t *testing.T) {
	refuse := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			_, _ = io.WriteString(w, `{"kind":"storage#objects"}`)
			return
		}
		http.Error(w, "no", http.StatusForbidden)
	}))
	defer refuse.Close()
	t.Setenv("STORAGE_EMULATOR_HOST", refuse.URL)
	to, err := gcsstatic.Open(t.Context(), "static")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = to.Close() }()
	_, err = staticfiles.Collect(t.Context(), to, []web.StaticFile{file("a.1.css", "a")},
		staticfiles.Options{Now: time.Now, Report: func(string, string, time.Time) {}})
	if err == nil || !strings.Contains(err.Error(), "static/a.1.css") {
		t.Errorf("Collect: %v", err)
	}
}
