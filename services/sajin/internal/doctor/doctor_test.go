package doctor_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sajin-gallery/sajin/pkg/blob"
	"github.com/sajin-gallery/sajin/pkg/blob/fileblob"
	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/gormdb"
	"github.com/sajin-gallery/sajin/services/sajin/internal/doctor"
)

// report runs one check and gives what is written.
func report(t *testing.T, check doctor.Check) (text string, problems int) {
	t.Helper()
	var out strings.Builder
	problems = doctor.Run(t.Context(), &out, []doctor.Check{check})
	return out.String(), problems
}

type reader struct {
	setup blob.Setup
	err   error
}

func (r reader) Setup(context.Context) (blob.Setup, error) { return r.setup, r.err }

// A bucket is looked at for what a gallery needs of it, and each thing that is
// not so comes with its command.
func TestBucket(t *testing.T) {
	const origin = "https://photos.example"
	right := func() blob.Setup {
		return blob.Setup{
			PublicPrevented: true, UniformAccess: true,
			CORS:          []blob.CORS{{Origins: []string{origin}, Methods: []string{"PUT", "DELETE"}}},
			Notifications: []blob.Notification{{Topic: "sajin-objects", Events: []string{"OBJECT_FINALIZE"}, Prefix: "originals/"}},
		}
	}
	for _, tt := range []struct {
		name     string
		change   func(*blob.Setup)
		problems int
		want     []string
	}{
		{"all right", func(*blob.Setup) {}, 0, nil},
		{"everything is told", func(s *blob.Setup) { s.Notifications[0].Events, s.Notifications[0].Prefix = nil, "" }, 0, nil},
		{"no rules", func(s *blob.Setup) { s.CORS = nil }, 0, nil},
		{"no notification", func(s *blob.Setup) { s.Notifications = nil }, 1, []string{"problem  notification", "> gcloud storage buckets notifications create gs://media --topic=sajin-objects"}},
		{"of deletions", func(s *blob.Setup) { s.Notifications[0].Events = []string{"OBJECT_DELETE"} }, 1, []string{"problem  notification"}},
		{"of renditions", func(s *blob.Setup) { s.Notifications[0].Prefix = "renditions/" }, 1, []string{"problem  notification"}},
		{"another topic", func(s *blob.Setup) { s.Notifications[0].Topic = "other" }, 1, []string{"problem  notification"}},
		{"another origin", func(s *blob.Setup) { s.CORS[0].Origins = []string{"https://other.example"} }, 1, []string{"problem  CORS", "none allows PUT from " + origin, "--cors-file=cors.json"}},
		{"only reading", func(s *blob.Setup) { s.CORS[0].Methods = []string{"GET"} }, 1, []string{"problem  CORS"}},
		{"any origin", func(s *blob.Setup) { s.CORS[0].Origins = []string{"*"} }, 0, []string{"warning  CORS"}},
		{"it may become public", func(s *blob.Setup) { s.PublicPrevented = false }, 0, []string{"warning  privacy", "> gcloud storage buckets update gs://media --public-access-prevention"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := right()
			tt.change(&s)
			text, problems := report(t, doctor.Bucket(reader{setup: s}, "media", origin))
			if problems != tt.problems {
				t.Errorf("%d problems, want %d:\n%s", problems, tt.problems, text)
			}
			for _, want := range tt.want {
				if !strings.Contains(text, want) {
					t.Errorf("no %q in\n%s", want, text)
				}
			}
			if len(tt.want) == 0 && strings.Contains(text, ">") {
				t.Errorf("there is nothing to mend:\n%s", text)
			}
		})
	}
	if text, problems := report(t, doctor.Bucket(reader{err: errors.New("403 storage.buckets.get")}, "media", origin)); problems != 0 || !strings.Contains(text, "warning  bucket") || !strings.Contains(text, "403 storage.buckets.get") {
		t.Errorf("settings that may not be read:\n%s", text)
	}
}

// refusing is a store that one right is missing for.
type refusing struct {
	blob.Store
	remove error
}

func (r refusing) Delete(ctx context.Context, key string) error {
	return errors.Join(r.remove, r.Store.Delete(ctx, key))
}

func TestMediaTriesWhatAGalleryDoes(t *testing.T) {
	store, err := fileblob.Open(t.TempDir(), fileblob.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	text, problems := report(t, doctor.Media(store, time.Now, "grant"))
	if problems != 0 || strings.Contains(text, "grant") {
		t.Errorf("a store that works:\n%s", text)
	}
	denied := blob.ErrUnavailable.With("test", errors.New("403 storage.objects.delete"))
	if text, problems = report(t, doctor.Media(refusing{Store: store, remove: denied}, time.Now, "grant")); problems != 1 || !strings.Contains(text, "403 storage.objects.delete") || !strings.Contains(text, "> grant") {
		t.Errorf("a store that deletes nothing:\n%s", text)
	}
	left, err := store.List(t.Context(), "", "", 10)
	if err != nil || len(left) != 0 {
		t.Errorf("it left %v, %v", left, err)
	}
	for _, tt := range []struct {
		off      time.Duration
		problems int
		want     string
	}{{29 * time.Second, 0, "the same here"}, {-29 * time.Second, 0, "the same here"}, {2 * time.Minute, 1, "behind this machine's"}, {-2 * time.Minute, 1, "ahead of this machine's"}, {31 * time.Second, 1, ""}, {-31 * time.Second, 1, ""}} {
		clock := func() time.Time { return time.Now().Add(tt.off) }
		if text, problems := report(t, doctor.Media(store, clock, "grant")); problems != tt.problems || !strings.Contains(text, tt.want) {
			t.Errorf("a clock that is %s off: %d problems\n%s", tt.off, problems, text)
		}
	}
}

func TestSchema(t *testing.T) {
	for _, tt := range []struct {
		v        gormdb.Versions
		problems int
		want     string
	}{
		{gormdb.Versions{Have: 2, Known: 2}, 0, "up to date at version 2"},
		{gormdb.Versions{Have: 1, Known: 2}, 1, "> sajin migrate"},
		{gormdb.Versions{Have: 3, Known: 2}, 1, "of a later program"},
	} {
		text, problems := report(t, doctor.Schema("catalog", "start it", func(context.Context) (gormdb.Versions, error) { return tt.v, nil }))
		if problems != tt.problems || !strings.Contains(text, tt.want) {
			t.Errorf("%+v: %s", tt.v, text)
		}
	}
}

func TestTheOutboxIsLookedAt(t *testing.T) {
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		u        doctor.Unsent
		err      error
		problems int
		want     string
	}{
		{doctor.Unsent{}, nil, 0, "ok       outbox: 0 events wait to be published, none was set aside\n"},
		{doctor.Unsent{Waiting: 2, Oldest: noon.Add(-time.Hour + 1)}, nil, 0, "ok       outbox: 2 events wait"},
		{doctor.Unsent{Waiting: 2, Oldest: noon.Add(-time.Hour)}, nil, 0, "warning  outbox: 2 events wait to be published, the oldest for 1h0m0s\n         > sajin purge,"},
		{doctor.Unsent{Aside: 1, Reason: "It is too large."}, nil, 1, "set aside, the last because: It is too large.\n         > sajin purge -retry-failed,"},
		{doctor.Unsent{}, errors.New("no such table"), 1, "no such table"},
	} {
		look := func(context.Context) (doctor.Unsent, error) { return tt.u, tt.err }
		text, problems := report(t, doctor.Outbox(look, func() time.Time { return noon }))
		if problems != tt.problems || !strings.Contains(text, tt.want) {
			t.Errorf("%+v: %s", tt.u, text)
		}
	}
}

func TestEventsNamesWhatIsMissing(t *testing.T) {
	subscribed := func(_ context.Context, s event.Subscription) (string, []doctor.Lack, error) {
		if s.Name == "there" {
			return "pulled", nil, nil
		}
		return "", []doctor.Lack{{What: "topic b is not there", Mend: "make b"}, {What: "subscription a is not there", Mend: "make a"}}, nil
	}
	text, problems := report(t, doctor.Events(subscribed, []event.Subscription{{Name: "there", Topic: "t"}, {Name: "not"}}))
	want := "ok       events: there is subscribed to t, pulled\n" +
		"problem  events: topic b is not there\n         > make b\n" + // before what needs it
		"problem  events: subscription a is not there\n         > make a\n"
	if problems != 2 || text != want {
		t.Errorf("%s", text)
	}
}

// answering is a service that gives one answer below /v1/, or none.
type answering int

func (a answering) Do(r *http.Request) (*http.Response, error) {
	if a == 0 {
		return nil, errors.New("its token is not taken")
	}
	if !strings.HasPrefix(r.URL.Path, "/v1/") { // the guard's, which only our own services come past
		return nil, errors.New("anybody may ask for " + r.URL.Path)
	}
	return &http.Response{StatusCode: int(a), Status: http.StatusText(int(a)), Body: http.NoBody}, nil
}

// Whoever is believed is told that there is no such thing.
func TestACallerIsBelievedOrNot(t *testing.T) {
	for door, want := range map[answering]string{
		http.StatusNotFound:           "ok       catalog: it believes the token of this caller\n",
		http.StatusUnauthorized:       "problem  catalog: it does not believe this caller (Unauthorized)\n         > give both sides the same",
		http.StatusForbidden:          "problem  catalog: it does not believe this caller (Forbidden)\n         > give both sides the same",
		http.StatusServiceUnavailable: "problem  catalog: it does not believe this caller (Service Unavailable)\n",
		0:                             "problem  catalog: it cannot be called with a token of this account: its token is not taken\n         > give both sides the same",
	} {
		text, problems := report(t, doctor.Believed(door, "catalog", "http://catalog.example"))
		if !strings.HasPrefix(text, want) || problems != strings.Count(want, "problem ") {
			t.Errorf("%d: %s", door, text)
		}
	}
}

// A line says one thing, whatever the other side has answered.
func TestAFindingIsOneLine(t *testing.T) {
	ping := func(context.Context) error { return errors.New("no answer\nand again none") }
	if text, _ := report(t, doctor.Ping("events", ping, "start it")); text != "problem  events: it does not answer: no answer and again none\n         > start it\n" {
		t.Errorf("%q", text)
	}
}

// Jobs have no right to look at topics, and need none; a bus that is away is a
// problem.
func TestEventsThatMayNotBeLookedAt(t *testing.T) {
	for kind, want := range map[fault.Kind]string{
		fault.Forbidden:   "warning  events: this account may not look at topics and subscriptions: PermissionDenied\n         > gcloud projects add-iam-policy-binding",
		fault.Unavailable: "problem  events: the bus cannot be asked for its subscriptions: PermissionDenied\n",
	} {
		subscribed := func(context.Context, event.Subscription) (string, []doctor.Lack, error) {
			return "", nil, fault.As(kind, "test", errors.New("PermissionDenied"))
		}
		text, problems := report(t, doctor.Events(subscribed, []event.Subscription{{Name: "a"}, {Name: "b"}}))
		if !strings.HasPrefix(text, want) || problems != strings.Count(text, "problem ") || strings.Count(text, "events:") != 1 {
			t.Errorf("%s: %s", kind, text)
		}
	}
}

func TestStaticFilesAreLookedFor(t *testing.T) {
	allow := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/static/missing.css" {
			http.NotFound(w, r)
			return
		}
		if allow != "" && r.Header.Get("Origin") != "" {
			w.Header().Set("Access-Control-Allow-Origin", allow)
		}
	}))
	defer server.Close()
	const origin = "https://photos.example"
	for _, tt := range []struct {
		allow    string
		names    []string
		problems int
		want     string
	}{
		{origin, []string{"static/a.css", "static/a.js"}, 0, "all 2 are at SAJIN_STATIC_URL"},
		{"*", []string{"static/a.js"}, 0, "all 1 are"},
		{"", []string{"static/a.css"}, 0, "all 1 are"},
		{"", []string{"static/a.js"}, 1, "may not run the scripts"},
		{"https://other.example", []string{"static/a.js"}, 1, "may not run the scripts"},
		{"*", []string{"static/missing.css"}, 1, "> sajin collectstatic"},
	} {
		allow = tt.allow
		if text, problems := report(t, doctor.Static(server.Client(), server.URL, origin, tt.names)); problems != tt.problems || !strings.Contains(text, tt.want) {
			t.Errorf("%v with %q: %s", tt.names, tt.allow, text)
		}
	}
}
