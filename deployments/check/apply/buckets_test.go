package apply

import (
	"net/http"
	"strconv"
	"strings"
)

// servesBuckets answers for Cloud Storage.
func (c *cloud) servesBuckets() {
	const api = "storage.googleapis.com/storage/v1/b"
	named := func(r *request) string { return "b/" + r.PathValue("bucket") }
	c.handle("POST "+api, func(r *request) (object, error) {
		name := "b/" + text(r.body, "name")
		r.makes(name)
		if r.things[name] != nil {
			return nil, refuse(http.StatusConflict, "ALREADY_EXISTS", "Your previous request to create the named bucket succeeded and you already own it.")
		}
		r.things[name] = or(r.body, object{
			"kind": "storage#bucket", "id": text(r.body, "name"), "projectNumber": number, "storageClass": "STANDARD", "locationType": "region", "metageneration": "1",
			"timeCreated": "2026-11-23T00:00:00Z", "updated": "2026-11-23T00:00:00Z", "rpo": "DEFAULT",
			"selfLink":         "https://www.googleapis.com/storage/v1/" + name,
			"iamConfiguration": object{"publicAccessPrevention": "inherited"},
			"softDeletePolicy": object{"retentionDurationSeconds": "604800", "effectiveTime": "2026-11-23T00:00:00Z"},
		})
		r.body["location"] = strings.ToUpper(text(r.body, "location"))
		return r.body, nil
	})
	c.handle("GET "+api+"/{bucket}", func(r *request) (object, error) { return r.get(named(r)) })
	c.handle("PATCH "+api+"/{bucket}", func(r *request) (object, error) {
		before, err := r.get(named(r))
		if err != nil {
			return nil, err
		}
		r.things[named(r)] = or(r.body, before)
		return r.things[named(r)], nil
	})
	c.handle("DELETE "+api+"/{bucket}", func(r *request) (object, error) {
		if _, err := r.get(named(r)); err != nil {
			return nil, err
		}
		if len(r.under(named(r)+"/o/")) > 0 {
			return nil, refuse(http.StatusConflict, "FAILED_PRECONDITION", "The bucket you tried to delete is not empty.")
		}
		r.remove(named(r))
		return nil, nil
	})
	c.handle("GET "+api+"/{bucket}/anywhereCaches/", func(*request) (object, error) { return nil, nil })
	c.handle("GET "+api+"/{bucket}/o", func(r *request) (object, error) { return r.list("items", named(r)+"/o/"), nil })
	c.handle("DELETE "+api+"/{bucket}/o/{object}", func(r *request) (object, error) {
		r.remove(named(r) + "/o/" + r.PathValue("object"))
		return nil, nil
	})
	c.handle("GET "+api+"/{bucket}/iam", func(r *request) (object, error) {
		if _, err := r.get(named(r)); err != nil {
			return nil, err
		}
		return r.policy(named(r)), nil
	})
	c.handle("PUT "+api+"/{bucket}/iam", func(r *request) (object, error) {
		if enforced := text(r.things[named(r)], "iamConfiguration", "publicAccessPrevention"); enforced == "enforced" {
			for _, binding := range each(r.body["bindings"]) {
				members, _ := binding["members"].([]any)
				for _, member := range members {
					if strings.HasPrefix(member.(string), "all") {
						return nil, refuse(http.StatusPreconditionFailed, "FAILED_PRECONDITION", "The member bindings allUsers and allAuthenticatedUsers are not allowed since public access prevention is enforced.")
					}
				}
			}
		}
		return r.setPolicy(named(r), r.body)
	})
	c.servesNotifications(api, named)
	c.handle("GET storage.googleapis.com/storage/v1/projects/{project}/serviceAccount", func(r *request) (object, error) {
		name := "projects/" + project + "/serviceAccount"
		r.things[name] = object{"kind": "storage#serviceAccount", "email_address": "service-" + number + "@gs-project-accounts.iam.gserviceaccount.com"}
		return r.things[name], nil
	})
}

// servesNotifications has buckets say what happens in them, where their account
// may publish that.
func (c *cloud) servesNotifications(api string, named func(r *request) string) {
	c.handle("POST "+api+"/{bucket}/notificationConfigs", func(r *request) (object, error) {
		id := strconv.Itoa(r.next())
		name := named(r) + "/notificationConfigs/" + id
		r.makes(name)
		if err := r.need(named(r), notFound(named(r))); err != nil {
			return nil, err
		}
		topic := strings.TrimPrefix(text(r.body, "topic"), "//pubsub.googleapis.com/")
		if err := r.need(topic, notFound(topic)); err != nil {
			return nil, err
		}
		publisher := topic + "/roles/pubsub.publisher/serviceAccount:service-" + number + "@gs-project-accounts.iam.gserviceaccount.com"
		if err := r.need(publisher, refuse(http.StatusForbidden, "PERMISSION_DENIED", "The service account 'service-%s@gs-project-accounts.iam.gserviceaccount.com' does not have permission to publish messages to to the Cloud Pub/Sub topic '//pubsub.googleapis.com/%s', or that topic does not exist.", number, topic)); err != nil {
			return nil, err
		}
		r.things[name] = or(r.body, object{"id": id, "kind": "storage#notification", "selfLink": "https://www.googleapis.com/storage/v1/" + name})
		return r.body, nil
	})
	c.handle("GET "+api+"/{bucket}/notificationConfigs/{id}", func(r *request) (object, error) {
		return r.get(named(r) + "/notificationConfigs/" + r.PathValue("id"))
	})
	c.handle("DELETE "+api+"/{bucket}/notificationConfigs/{id}", func(r *request) (object, error) {
		r.remove(named(r) + "/notificationConfigs/" + r.PathValue("id"))
		return nil, nil
	})
}
