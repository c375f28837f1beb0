package doctor

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/sajin-gallery/sajin/pkg/event"
	"github.com/sajin-gallery/sajin/pkg/fault"
	"github.com/sajin-gallery/sajin/pkg/gormdb"
)

// Lack is what is wrong about a subscription, with the command that mends it.
type Lack struct{ What, Mend string }

// Subscribed says what is wrong about a subscription, in the order in which it can
// be mended, and where that is nothing how its events are delivered.
type Subscribed func(ctx context.Context, s event.Subscription) (delivered string, lacks []Lack, err error)

// Events looks at the subscriptions, with their topics and dead letters.
func Events(subscribed Subscribed, subscriptions []event.Subscription) Check {
	return func(ctx context.Context) []Finding {
		var out []Finding
		for _, s := range subscriptions {
			delivered, lacks, err := subscribed(ctx, s)
			switch {
			case fault.KindOf(err) == fault.Forbidden: // the services need no such right
				f := failed("events", "this account may not look at topics and subscriptions", err,
					"gcloud projects add-iam-policy-binding PROJECT --member=serviceAccount:ACCOUNT --role=roles/pubsub.viewer")
				f.Level = Warning
				return append(out, f)
			case err != nil:
				return append(out, failed("events", "the bus cannot be asked for its subscriptions", err, "gcloud pubsub subscriptions list"))
			case len(lacks) == 0:
				out = append(out, good("events", "%s is subscribed to %s, %s", s.Name, s.Topic, delivered))
			}
			for _, lack := range lacks {
				out = append(out, Finding{Problem, "events", lack.What, lack.Mend})
			}
		}
		return out
	}
}

// Ping looks whether something answers.
func Ping(about string, ping func(context.Context) error, mend string) Check {
	return func(ctx context.Context) []Finding {
		if err := ping(ctx); err != nil {
			return []Finding{failed(about, "it does not answer", err, mend)}
		}
		return []Finding{good(about, "it answers")}
	}
}

// Schema compares a database's schema with what this program knows.
// reach is what to do where its database does not answer.
func Schema(name, reach string, versions func(context.Context) (gormdb.Versions, error)) Check {
	return func(ctx context.Context) []Finding {
		about := "schema of " + name
		v, err := versions(ctx)
		switch {
		case err != nil:
			return []Finding{failed(about, "its database does not answer", err, reach)}
		case v.Have > v.Known:
			return []Finding{{Problem, about, fmt.Sprintf("it is at version %d, of a later program: this one knows %d", v.Have, v.Known), "start that program, or restore the backup made before it"}}
		case v.Have < v.Known:
			return []Finding{{Problem, about, fmt.Sprintf("it is at version %d, and this program needs %d", v.Have, v.Known), "sajin migrate"}}
		default:
			return []Finding{good(about, "up to date at version %d", v.Have)}
		}
	}
}

// Unsent is what the catalog has decided to tell the other services and has not.
type Unsent struct {
	Waiting int       // events that are tried by themselves
	Oldest  time.Time // when the oldest of them came about
	Aside   int       // events that are tried no more
	Reason  string    // why the last of those could not be published
}

// lateAfter is how long an event waits before somebody should look: the catalog
// publishes it at once, and the job that does it where that sleeps comes each
// half hour.
const lateAfter = time.Hour

// Outbox looks at what waits to be published.
func Outbox(unsent func(context.Context) (Unsent, error), now func() time.Time) Check {
	return func(ctx context.Context) (out []Finding) {
		const about = "outbox"
		u, err := unsent(ctx)
		if err != nil {
			return []Finding{failed(about, "it cannot be read", err, "")}
		}
		if u.Aside > 0 {
			out = append(out, Finding{
				Problem, about, fmt.Sprintf("%d events could not be published and were set aside, the last because: %s", u.Aside, u.Reason),
				"sajin purge -retry-failed, once that is mended; until then the files of purged images stay",
			})
		}
		if age := now().Sub(u.Oldest); u.Waiting > 0 && age >= lateAfter {
			out = append(out, Finding{
				Warning, about, fmt.Sprintf("%d events wait to be published, the oldest for %s", u.Waiting, age.Round(time.Minute)),
				"sajin purge, which says why; they are also tried by themselves",
			})
		}
		if len(out) == 0 {
			out = []Finding{good(about, "%d events wait to be published, none was set aside", u.Waiting)}
		}
		return out
	}
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 64 << 10

// Ready asks a service whether it is ready.
func Ready(client *http.Client, variable, base string) Check {
	return func(ctx context.Context) []Finding {
		about := strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(variable, "SAJIN_"), "_URL"))
		resp, err := get(ctx, client, base+"/healthz/ready", nil)
		if err != nil {
			return []Finding{failed(about, "there is nobody at "+variable, err, "set "+variable+" to the address of that service")}
		}
		if resp.code != http.StatusOK {
			return []Finding{{Problem, about, fmt.Sprintf("it is not ready (%s)", resp.status), "look at its log (on Cloud Run: gcloud run services logs read sajin-" + about + ")"}}
		}
		return append([]Finding{good(about, "it is ready")}, dated(about, resp)...)
	}
}

// Believed asks a service for something below the paths that only the gallery's
// own services may ask for. It is not there, and the service says so to whoever it
// believes.
func Believed(door Door, about, base string) Check {
	return func(ctx context.Context) []Finding {
		const mend = "give both sides the same SAJIN_SERVICE_AUTH and SAJIN_SERVICE_KEYS; SAJIN_SERVICE_AUDIENCE there is its address as it is here, and SAJIN_SERVICE_CALLERS names who calls"
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/v1/doctor", http.NoBody)
		if err != nil {
			return []Finding{failed(about, "it cannot be called", err, mend)}
		}
		resp, err := door.Do(r)
		if err != nil {
			return []Finding{failed(about, "it cannot be called with a token of this account", err, mend)}
		}
		defer func() { _ = resp.Body.Close() }() // the answer is its status
		if resp.StatusCode != http.StatusNotFound {
			return []Finding{{Problem, about, "it does not believe this caller (" + resp.Status + ")", mend}}
		}
		return []Finding{good(about, "it believes the token of this caller")}
	}
}

// Door sends requests to a service that asks who is calling.
type Door interface {
	Do(r *http.Request) (*http.Response, error)
}

// dated compares the clocks, where the answer has a date, which is in seconds.
func dated(whose string, resp answer) []Finding {
	at, err := http.ParseTime(resp.header.Get("Date"))
	if err != nil {
		return nil
	}
	now := time.Now()
	return []Finding{skew(whose, at, span{now.Add(-2 * time.Second), now})}
}

// Static looks whether the interface's files are where pages refer to, and
// whether pages of the origin may read them.
func Static(client *http.Client, base, origin string, names []string) Check {
	return func(ctx context.Context) []Finding {
		for _, name := range names {
			resp, err := get(ctx, client, base+"/"+name, http.Header{"Origin": {origin}})
			if err != nil {
				return []Finding{failed("static files", "they cannot be read", err, "set SAJIN_STATIC_URL to where they are")}
			}
			if resp.code != http.StatusOK {
				return []Finding{{Problem, "static files", fmt.Sprintf("%s is not there (%s)", name, resp.status), "sajin collectstatic gs://bucket"}}
			}
			if allowed := resp.header.Get("Access-Control-Allow-Origin"); strings.HasSuffix(name, ".js") && origin != "" && allowed != "*" && allowed != origin {
				return []Finding{{
					Problem, "static files", "pages of " + origin + " may not run the scripts: the bucket's CORS rules do not allow GET from there",
					fmt.Sprintf("echo '[{\"origin\": [%q], \"method\": [\"GET\"], \"responseHeader\": [\"Content-Type\"], \"maxAgeSeconds\": 86400}]' > cors.json\n", origin) +
						"gcloud storage buckets update gs://bucket --cors-file=cors.json",
				}}
			}
		}
		return []Finding{good("static files", "all %d are at SAJIN_STATIC_URL", len(names))}
	}
}

// answer is what is looked at of an answer.
type answer struct {
	code   int
	status string
	header http.Header
}

func get(ctx context.Context, client *http.Client, url string, header http.Header) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return answer{}, err
	}
	maps.Copy(r.Header, header)
	resp, err := client.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = resp.Body.Close() }() // the answer is its status
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswer))
	return answer{code: resp.StatusCode, status: resp.Status, header: resp.Header}, err
}
