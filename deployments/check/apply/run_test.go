package apply

import (
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
)

const runParent = "projects/{project}/locations/{region}"

// servesRun answers for Cloud Run's services and jobs. What Google makes of
// them, their revisions and executions, is below their names.
func (c *cloud) servesRun() {
	c.serves(collection{
		api: "run.googleapis.com/v2", parent: runParent, kind: "services", asks: "serviceId", operation: true, policy: true,
		keeps: []string{"uid", "generation", "createTime", "latestReadyRevision", "latestCreatedRevision"}, made: madeService,
		removes: func(r *request, name string) error {
			r.remove(webName(name))
			return r.lets(name)
		},
	})
	c.serves(collection{
		api: "run.googleapis.com/v2", parent: runParent, kind: "jobs", asks: "jobId", operation: true, policy: true,
		keeps: []string{"uid", "generation", "createTime"}, made: madeJob,
		removes: func(r *request, name string) error { return r.lets(name) },
	})
	// A person who passes Cloud IAP may open a service.
	c.servesPolicy("iap.googleapis.com/v1/projects/{project}/iap_web/{where}/services/{id}", func(r *request) string {
		return strings.TrimPrefix(r.URL.Path, "/v1/")
	})
	c.serves(collection{
		api: "cloudscheduler.googleapis.com/v1", parent: runParent, kind: "jobs", within: "clocks/", policy: false,
		made: madeClock,
	})
	c.handle("POST cloudscheduler.googleapis.com/v1/"+runParent+"/jobs/{id}/:resume", func(r *request) (object, error) {
		return r.get("clocks/" + strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/v1/"), "/:resume"))
	})
}

// lets has a subnetwork's addresses in use for a while after what had them.
func (r *request) lets(name string) error {
	template, _ := r.things[name]["template"].(object)
	if inner, ok := template["template"].(object); ok {
		template = inner
	}
	for i, one := range each(at(template, "vpcAccess", "networkInterfaces")) {
		held := fmt.Sprintf("projects/%s/regions/%s/addresses/serverless-ipv4-%d%d", project, region, r.next(), i)
		r.things[held] = object{"subnetwork": one["subnetwork"]}
	}
	return nil
}

// hoursLater lets go of the addresses that Cloud Run had.
func (c *cloud) hoursLater() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range c.under("projects/" + project + "/regions/" + region + "/addresses/") {
		c.remove(name)
	}
}

// webName is how Cloud IAP calls a service.
func webName(service string) string {
	return strings.Replace(service, "locations/", "iap_web/cloud_run-", 1)
}

func ready(o object, name string) {
	generation, _ := strconv.Atoi(text(o, "generation"))
	o["generation"] = strconv.Itoa(generation + 1)
	or(o, object{"uid": "uid-of-" + name, "createTime": "2026-11-23T00:00:00Z", "launchStage": "GA"})
	o["observedGeneration"], o["etag"], o["reconciling"] = o["generation"], "\""+text(o, "generation")+"\"", false
	o["terminalCondition"] = object{"type": "Ready", "state": "CONDITION_SUCCEEDED"}
}

func madeService(r *request, name string, o object) error {
	template, _ := o["template"].(object)
	if err := r.needsTemplate(template); err != nil {
		return err
	}
	service := name[strings.LastIndex(name, "/")+1:]
	ready(o, name)
	or(template, object{"maxInstanceRequestConcurrency": float64(80), "timeout": "300s", "scaling": object{"maxInstanceCount": float64(100)}})
	before := r.things[name]
	if before == nil || !reflect.DeepEqual(before["template"], o["template"]) {
		if err := r.starts(template); err != nil {
			return refuse(http.StatusBadRequest, "FAILED_PRECONDITION", "Revision of '%s' is not ready and cannot serve traffic. The user-provided container failed to start: %v.", service, err)
		}
		revision := fmt.Sprintf("%s-%05d", service, r.next())
		r.things[name+"/revisions/"+revision] = object{"name": name + "/revisions/" + revision, "image": image(template)}
		o["latestReadyRevision"], o["latestCreatedRevision"] = name+"/revisions/"+revision, name+"/revisions/"+revision
		r.happened = append(r.happened, service+" starts "+image(template))
	}
	uri := fmt.Sprintf("https://%s-%s.%s.run.app", service, number, region)
	or(o, object{"ingress": "INGRESS_TRAFFIC_ALL"})
	o["uri"], o["urls"] = uri, []any{uri}
	if o["traffic"] == nil {
		o["traffic"] = []any{object{"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", "percent": float64(100)}}
	}
	var statuses []any
	for _, target := range each(o["traffic"]) {
		revision := text(target, "revision")
		if revision == "" {
			revision = strings.TrimPrefix(text(o, "latestReadyRevision"), name+"/revisions/")
		}
		if r.things[name+"/revisions/"+revision] == nil {
			return notFound(name + "/revisions/" + revision)
		}
		statuses = append(statuses, object{"type": target["type"], "percent": target["percent"], "revision": revision})
		r.happened = append(r.happened, service+" serves "+text(r.things[name+"/revisions/"+revision], "image"))
	}
	o["trafficStatuses"] = statuses
	if o["iapEnabled"] == true {
		if err := r.need("projects/"+project+"/services/iap.googleapis.com", refuse(http.StatusForbidden, "PERMISSION_DENIED", "Cloud IAP is not enabled.")); err != nil {
			return err
		}
		r.things[webName(name)] = object{}
	}
	return nil
}

func madeJob(r *request, name string, o object) error {
	task, _ := at(o, "template", "template").(object)
	if err := r.needsTemplate(task); err != nil {
		return err
	}
	ready(o, name)
	token := text(o, "runExecutionToken")
	if token == "" || token == text(r.things[name], "runExecutionToken") {
		return nil
	}
	job := name[strings.LastIndex(name, "/")+1:]
	execution := name + "/executions/" + job + "-" + token
	if r.things[execution] != nil {
		return refuse(http.StatusConflict, "ALREADY_EXISTS", "Resource '%s' already exists.", execution)
	}
	if err := r.starts(task); err != nil {
		return refuse(http.StatusBadRequest, "FAILED_PRECONDITION", "The execution of '%s' failed: %v.", job, err)
	}
	r.things[execution] = object{"name": execution}
	o["latestCreatedExecution"] = object{"name": job + "-" + token, "completionStatus": "EXECUTION_SUCCEEDED"}
	r.happened = append(r.happened, job+" ran "+image(task))
	return nil
}

func image(template object) string {
	name := text(each(template["containers"])[0], "image")
	return name[strings.LastIndex(name, "/")+1:]
}

func madeClock(r *request, _ string, o object) error {
	uri := text(o, "httpTarget", "uri")
	job := strings.TrimSuffix(strings.TrimPrefix(uri, "https://run.googleapis.com/v2/"), ":run")
	email := text(o, "httpTarget", "oauthToken", "serviceAccountEmail")
	or(o, object{"state": "ENABLED", "retryConfig": object{
		"retryCount": float64(0), "maxRetryDuration": "0s", "minBackoffDuration": "5s", "maxBackoffDuration": "3600s", "maxDoublings": float64(5),
	}})
	or(o["httpTarget"].(object), object{"headers": object{"User-Agent": "Google-Cloud-Scheduler"}, "oauthToken": object{"scope": "https://www.googleapis.com/auth/cloud-platform"}})
	if err := r.need(account(email), invalid("Service account %s does not exist.", email)); err != nil {
		return err
	}
	// Google takes a clock for a job that is not there, which then strikes in vain.
	return r.need(job, notFound(job))
}
