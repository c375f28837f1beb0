package apply

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
)

const (
	project = "some-photos"
	number  = "424242424242"
	region  = "asia-northeast3"
	person  = "ada@example.org"
)

// object is a thing as Google's APIs write it.
type object = map[string]any

// cloud is a double of Google's APIs for one project, which is empty at first.
// It may be used at once by many. What there is has the name that Terraform
// calls it by, such as projects/some-photos/topics/sajin-objects; a right is
// its resource's name, the role and who has it, joined by slashes.
type cloud struct {
	mux *http.ServeMux

	mu       sync.Mutex
	things   map[string]object
	rights   map[string]bool
	needs    map[string]map[string]bool // by what was made: what had to be there before
	happened []string                   // in their order: images pushed, jobs run, revisions started and served
	outside  []string                   // calls that nobody here answers
	refused  []string                   // changes that were answered with an error
	counted  int
}

func newCloud() *cloud {
	c := &cloud{
		mux:    http.NewServeMux(),
		things: map[string]object{}, rights: map[string]bool{}, needs: map[string]map[string]bool{},
	}
	// What docs/operations.md has the operator enable before.
	for _, api := range []string{"cloudresourcemanager", "serviceusage"} {
		c.things["projects/"+project+"/services/"+api+".googleapis.com"] = object{}
	}
	for _, serve := range []func(){
		c.servesProject, c.servesAccounts, c.servesNetwork, c.servesDatabase, c.servesDatabaseUsers, c.servesBuckets, c.servesTopics,
		c.servesSecrets, c.servesImages, c.servesRun, c.servesRevisions, c.servesWatch,
	} {
		serve()
	}
	c.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.outside = append(c.outside, r.Method+" "+r.Host+r.URL.Path)
		answer(w, nil, refuse(http.StatusNotImplemented, "UNIMPLEMENTED", "the double has no %s %s%s", r.Method, r.Host, r.URL.Path))
	})
	return c
}

// request is one call, answered while nothing else happens.
type request struct {
	*http.Request
	*cloud
	body object
	made string // by what name, where something is made, for what it needs
}

// refusal is an error as Google writes it.
type refusal struct {
	code    int
	status  string
	message string
	reason  string
	old     string // the reason as older clients know it
	service string
}

func (e *refusal) Error() string { return e.message }

func refuse(code int, status, format string, args ...any) error {
	return &refusal{code: code, status: status, message: fmt.Sprintf(format, args...)}
}

func notFound(what string) error {
	return refuse(http.StatusNotFound, "NOT_FOUND", "Resource not found (resource=%s).", what)
}

func invalid(format string, args ...any) error {
	return refuse(http.StatusBadRequest, "INVALID_ARGUMENT", format, args...)
}

// handle answers a method and path, such as "GET pubsub.googleapis.com/v1/…". A
// verb behind a colon is a part of its own there, such as "/:setIamPolicy".
// What the API's project has not enabled is refused.
func (c *cloud) handle(pattern string, f func(r *request) (object, error)) {
	_, rest, _ := strings.Cut(pattern, " ")
	api, _, _ := strings.Cut(rest, "/")
	c.mux.HandleFunc(pattern, func(w http.ResponseWriter, hr *http.Request) {
		r := &request{Request: hr, cloud: c}
		data, err := io.ReadAll(hr.Body)
		if err == nil && len(data) > 0 {
			err = json.Unmarshal(data, &r.body)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		var out object
		if err = r.enabled(api); err == nil {
			out, err = f(r)
		}
		if known := new(refusal); errors.As(err, &known) && hr.Method != http.MethodGet {
			c.refused = append(c.refused, fmt.Sprintf("%s %s%s: %d %s", hr.Method, hr.Host, hr.URL.Path, known.code, known.message))
		}
		answer(w, out, err)
	})
}

// enabled refuses a call to an API that the project may not use.
func (r *request) enabled(api string) error {
	if api == "openidconnect.googleapis.com" || strings.HasSuffix(api, ".pkg.dev") {
		return nil
	}
	name := "projects/" + project + "/services/" + api
	if r.things[name] == nil {
		return &refusal{
			code: http.StatusForbidden, status: "PERMISSION_DENIED", reason: "SERVICE_DISABLED", old: "accessNotConfigured", service: api,
			message: fmt.Sprintf("%s has not been used in project %s before or it is disabled.", api, number),
		}
	}
	return nil
}

// makes says what a request makes, so that what it needs is known of it.
func (r *request) makes(name string) {
	r.made = name
	api, _, _ := strings.Cut(r.Host, ":")
	if strings.HasSuffix(api, ".pkg.dev") {
		api = "artifactregistry.googleapis.com"
	}
	_ = r.need("projects/"+project+"/services/"+api, nil)
}

// need says that something must be there already.
func (r *request) need(name string, missing error) error {
	if r.made != "" && r.made != name {
		if r.needs[r.made] == nil {
			r.needs[r.made] = map[string]bool{}
		}
		r.needs[r.made][name] = true
	}
	if r.things[name] == nil && !r.rights[name] {
		return missing
	}
	return nil
}

// ServeHTTP gives a verb behind a colon a part of its own. A project is the same
// by its number.
func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.URL.Path = strings.Replace(r.URL.Path, "projects/"+number, "projects/"+project, 1)
	last := strings.LastIndex(r.URL.Path, "/")
	if verb := strings.Index(r.URL.Path[last+1:], ":"); verb >= 0 {
		r.URL.Path = r.URL.Path[:last+1+verb] + "/" + r.URL.Path[last+1+verb:]
	}
	c.mux.ServeHTTP(w, r)
}

func answer(w http.ResponseWriter, out object, err error) {
	w.Header().Set("Content-Type", "application/json")
	if err != nil {
		var known *refusal
		if !errors.As(err, &known) {
			known = &refusal{code: http.StatusInternalServerError, status: "INTERNAL", message: err.Error()}
		}
		w.WriteHeader(known.code)
		out = object{"error": object{
			"code": known.code, "status": known.status, "message": known.message,
			"errors": []object{{"reason": known.old, "message": known.message}},
			"details": []object{{
				"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": known.reason, "domain": "googleapis.com",
				"metadata": object{"service": known.service, "consumer": "projects/" + number},
			}},
		}}
	}
	if out == nil {
		out = object{}
	}
	_ = json.NewEncoder(w).Encode(out) // who has gone needs no answer
}

// next is a number that was not given before.
func (c *cloud) next() int {
	c.counted++
	return c.counted
}

// under are the names below one, in order.
func (c *cloud) under(prefix string) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(c.things)), func(name string) bool {
		return !strings.HasPrefix(name, prefix) || strings.Contains(name[len(prefix):], "/")
	})
}

// list is all of a collection, as a field.
func (c *cloud) list(field, prefix string) object {
	all := []any{}
	for _, name := range c.under(prefix) {
		all = append(all, c.things[name])
	}
	return object{field: all}
}

// text is a field of a thing, down a path of fields.
func text(o object, path ...string) string {
	s, _ := at(o, path...).(string)
	return s
}

func at(o object, path ...string) any {
	var value any = o
	for _, field := range path {
		inner, _ := value.(object)
		value = inner[field]
	}
	return value
}

// each are the objects of a list.
func each(value any) []object {
	all, _ := value.([]any)
	var out []object
	for _, one := range all {
		if o, ok := one.(object); ok {
			out = append(out, o)
		}
	}
	return out
}

// or fills in what Google does where nothing is said.
func or(o object, defaults object) object {
	for field, value := range defaults {
		if inner, ok := value.(object); ok {
			below, _ := o[field].(object)
			if below == nil {
				below = object{}
			}
			o[field] = or(below, inner)
		} else if o[field] == nil {
			o[field] = value
		}
	}
	return o
}
