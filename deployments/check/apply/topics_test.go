package apply

import (
	"slices"
	"strings"
	"time"
)

// servesTopics answers for Pub/Sub.
func (c *cloud) servesTopics() {
	c.serves(collection{
		api: "pubsub.googleapis.com/v1", parent: "projects/{project}", kind: "topics", puts: true, policy: true,
		made: func(*request, string, object) error { return nil },
		removes: func(r *request, name string) error {
			for _, subscription := range r.under("projects/" + project + "/subscriptions/") {
				if text(r.things[subscription], "topic") == name {
					r.things[subscription]["topic"] = "_deleted-topic_"
				}
			}
			return nil
		},
	})
	c.serves(collection{
		api: "pubsub.googleapis.com/v1", parent: "projects/{project}", kind: "subscriptions", puts: true, policy: true,
		made: madeSubscription,
	})
}

func madeSubscription(r *request, _ string, o object) error {
	or(o, object{"state": "ACTIVE", "ackDeadlineSeconds": float64(10), "messageRetentionDuration": "604800s", "pushConfig": object{}})
	for _, topic := range []string{text(o, "topic"), text(o, "deadLetterPolicy", "deadLetterTopic")} {
		if topic == "" {
			continue
		}
		if err := r.need(topic, notFound(topic)); err != nil {
			return err
		}
	}
	if email := text(o, "pushConfig", "oidcToken", "serviceAccountEmail"); email != "" {
		if err := r.need(account(email), notFound(account(email))); err != nil {
			return err
		}
	}
	if endpoint := text(o, "pushConfig", "pushEndpoint"); endpoint != "" && !strings.HasPrefix(endpoint, "https://") {
		return invalid("Invalid push endpoint given (endpoint=%s).", endpoint)
	}
	if seconds, _ := o["ackDeadlineSeconds"].(float64); seconds < 10 || seconds > 600 {
		return invalid("Invalid ack deadline given: %v.", seconds)
	}
	if attempts, ok := at(o, "deadLetterPolicy", "maxDeliveryAttempts").(float64); ok && (attempts < 5 || attempts > 100) {
		return invalid("Invalid max delivery attempts given: %v.", attempts)
	}
	return between(o, "messageRetentionDuration", 10*time.Minute, 31*24*time.Hour)
}

// between refuses a time that is shorter or longer than Google lets it be.
func between(o object, field string, least, most time.Duration) error {
	length, err := time.ParseDuration(text(o, field))
	if err != nil || length < least || length > most {
		return invalid("%s is %q; it is from %v to %v.", field, text(o, field), least, most)
	}
	return nil
}

// servesSecrets answers for Secret Manager, whose things know their project by
// its number.
func (c *cloud) servesSecrets() {
	byNumber := func(name string) string { return strings.Replace(name, project, number, 1) }
	const secrets = "secretmanager.googleapis.com/v1/projects/{project}/secrets"
	c.serves(collection{
		api: "secretmanager.googleapis.com/v1", parent: "projects/{project}", kind: "secrets", asks: "secretId", policy: true,
		made: func(_ *request, name string, o object) error {
			o["name"] = byNumber(name)
			or(o, object{"createTime": "2026-11-23T00:00:00Z", "etag": "\"1\""})
			return nil
		},
	})
	c.handle("POST "+secrets+"/{secret}/:addVersion", func(r *request) (object, error) {
		secret := "projects/" + project + "/secrets/" + r.PathValue("secret")
		version := "1"
		for slices.Contains(r.under(secret+"/versions/"), secret+"/versions/"+version) {
			version += "1"
		}
		name := secret + "/versions/" + version
		r.makes(name)
		if err := r.need(secret, notFound(secret)); err != nil {
			return nil, err
		}
		r.things[name] = object{"name": byNumber(name), "state": "ENABLED", "createTime": "2026-11-23T00:00:00Z", "payload": r.body["payload"]}
		return r.things[name], nil
	})
	version := func(r *request) (object, error) {
		return r.get("projects/" + project + "/secrets/" + r.PathValue("secret") + "/versions/" + r.PathValue("version"))
	}
	c.handle("GET "+secrets+"/{secret}/versions/{version}", version)
	c.handle("GET "+secrets+"/{secret}/versions/{version}/:access", func(r *request) (object, error) {
		o, err := version(r)
		return object{"name": o["name"], "payload": o["payload"]}, err
	})
	c.handle("POST "+secrets+"/{secret}/versions/{version}/:enable", version)
	c.handle("POST "+secrets+"/{secret}/versions/{version}/:destroy", func(r *request) (object, error) {
		o, err := version(r)
		if err == nil {
			r.remove(strings.Replace(text(o, "name"), number, project, 1))
		}
		return o, err
	})
}
