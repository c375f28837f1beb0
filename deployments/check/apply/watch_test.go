package apply

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// servesWatch answers for alerts, who is told of them, and what may be spent.
func (c *cloud) servesWatch() {
	c.serves(collection{
		api: "monitoring.googleapis.com/v3", parent: "projects/{project}", kind: "notificationChannels",
		made: func(_ *request, _ string, o object) error {
			or(o, object{"enabled": true})
			return nil
		},
	})
	c.serves(collection{api: "monitoring.googleapis.com/v3", parent: "projects/{project}", kind: "alertPolicies", made: madeAlert})
	c.serves(collection{
		api: "billingbudgets.googleapis.com/v1", parent: "billingAccounts/{account}", kind: "budgets",
		made: func(r *request, _ string, o object) error {
			or(o, object{
				"etag":         "1",
				"budgetFilter": object{"calendarPeriod": "MONTH", "creditTypesTreatment": "INCLUDE_ALL_CREDITS"},
				"amount":       object{"specifiedAmount": object{"currencyCode": "USD"}},
			})
			for _, rule := range each(o["thresholdRules"]) {
				or(rule, object{"spendBasis": "CURRENT_SPEND"})
			}
			return r.needChannels(at(o, "notificationsRule", "monitoringNotificationChannels"))
		},
	})
}

func (r *request) needChannels(channels any) error {
	names, _ := channels.([]any)
	for _, name := range names {
		if err := r.need(name.(string), invalid("Notification channel %s not found.", name)); err != nil {
			return err
		}
	}
	return nil
}

// metrics are the measurements that alerts may watch, what they are of, and by
// what labels they may be told apart.
var metrics = map[string]struct{ resource, kind, labels string }{
	"pubsub.googleapis.com/subscription/oldest_unacked_message_age": {"pubsub_subscription", "GAUGE", "subscription_id"},
	"pubsub.googleapis.com/subscription/num_undelivered_messages":   {"pubsub_subscription", "GAUGE", "subscription_id"},
	"run.googleapis.com/request_count":                              {"cloud_run_revision", "DELTA", "service_name response_code_class"},
	"run.googleapis.com/job/completed_execution_count":              {"cloud_run_job", "DELTA", "job_name result"},
	"cloudsql.googleapis.com/database/disk/utilization":             {"cloudsql_database", "GAUGE", "database_id"},
}

var (
	metricType   = regexp.MustCompile(`metric\.type = "([^"]+)"`)
	resourceType = regexp.MustCompile(`resource\.type = "([^"]+)"`)
	labelNamed   = regexp.MustCompile(`\.labels\.(\w+)`)
)

func madeAlert(r *request, name string, o object) error {
	or(o, object{"enabled": true})
	if err := r.needChannels(o["notificationChannels"]); err != nil {
		return err
	}
	for i, condition := range each(o["conditions"]) {
		or(condition, object{"name": fmt.Sprintf("%s/conditions/%d", name, i)})
		if condition["conditionMatchedLog"] != nil && text(o, "alertStrategy", "notificationRateLimit", "period") == "" {
			return invalid("Log-match alerts must specify alert_strategy.notification_rate_limit.")
		}
		if watched, ok := condition["conditionThreshold"].(object); ok {
			if err := madeThreshold(watched); err != nil {
				return err
			}
		}
	}
	return between(o["alertStrategy"].(object), "autoClose", 30*time.Minute, 7*24*time.Hour)
}

func madeThreshold(watched object) error {
	filter := text(watched, "filter")
	types, resources := metricType.FindStringSubmatch(filter), resourceType.FindStringSubmatch(filter)
	if types == nil || resources == nil {
		return invalid("The filter must name a metric and a resource: %s", filter)
	}
	metric, ok := metrics[types[1]]
	if !ok || metric.resource != resources[1] {
		return refuse(404, "NOT_FOUND", "Cannot find metric that matches type = %q.", types[1])
	}
	all := filter
	for _, one := range each(watched["aggregations"]) {
		all += fmt.Sprint(one["groupByFields"])
		if aligner := text(one, "perSeriesAligner"); (aligner == "ALIGN_DELTA") != (metric.kind == "DELTA") {
			return invalid("The aggregation.perSeriesAligner has an invalid value of %q: the metric is of kind %s.", aligner, metric.kind)
		}
	}
	for _, label := range labelNamed.FindAllStringSubmatch(all, -1) {
		if !strings.Contains(" "+metric.labels+" ", " "+label[1]+" ") {
			return invalid("The supplied filter does not specify a valid combination of metric and monitored resource descriptors: there is no label %s.", label[1])
		}
	}
	if length, err := time.ParseDuration(text(watched, "duration")); err != nil || length%time.Minute != 0 {
		return invalid("The duration %s is no whole number of minutes.", text(watched, "duration"))
	}
	return nil
}

// servesImages answers for Artifact Registry, and for what is pushed there.
func (c *cloud) servesImages() {
	c.serves(collection{api: "artifactregistry.googleapis.com/v1", parent: runParent, kind: "repositories", asks: "repository_id", operation: true, made: func(_ *request, _ string, o object) error {
		or(o, object{"createTime": "2026-11-23T00:00:00Z", "mode": "STANDARD_REPOSITORY", "satisfiesPzs": false})
		return nil
	}})
	c.handle("PUT "+region+"-docker.pkg.dev/v2/{project}/{repository}/{image}/manifests/{tag}", func(r *request) (object, error) {
		repository := "projects/" + r.PathValue("project") + "/locations/" + region + "/repositories/" + r.PathValue("repository")
		r.makes("images of " + r.PathValue("tag"))
		if err := r.need(repository, refuse(404, "NAME_UNKNOWN", "Repository %q not found", r.PathValue("repository"))); err != nil {
			return nil, err
		}
		r.things[repository+"/images/"+r.PathValue("image")+":"+r.PathValue("tag")] = object{}
		r.happened = append(r.happened, "pushed "+r.PathValue("image")+":"+r.PathValue("tag"))
		return nil, nil
	})
}

// needsImage refuses an image of the project's registry that was not pushed.
func (r *request) needsImage(name string) error {
	path, ok := strings.CutPrefix(name, region+"-docker.pkg.dev/"+project+"/")
	if !ok {
		return nil // somebody else's
	}
	repository, image, _ := strings.Cut(path, "/")
	at := "projects/" + project + "/locations/" + region + "/repositories/" + repository + "/images/" + image
	return r.need(at, invalid("Image '%s' not found.", name))
}
