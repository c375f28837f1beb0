package apply

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// servesRevisions answers for the revisions of services.
func (c *cloud) servesRevisions() {
	c.handle("GET run.googleapis.com/v2/"+runParent+"/services/{service}/revisions", func(r *request) (object, error) {
		out := r.list("revisions", strings.TrimPrefix(r.URL.Path, "/v2/")+"/")
		slices.Reverse(out["revisions"].([]any)) // the newest first, as Google has it
		return out, nil
	})
}

// needsTemplate refuses what Cloud Run refuses of a revision or a task before it
// starts anything.
func (r *request) needsTemplate(template object) error {
	email := text(template, "serviceAccount")
	if err := r.need(account(email), refuse(http.StatusForbidden, "PERMISSION_DENIED", "Permission 'iam.serviceaccounts.actAs' denied on service account %s (or it may not exist).", email)); err != nil {
		return err
	}
	for _, one := range each(at(template, "vpcAccess", "networkInterfaces")) {
		for _, field := range []string{"network", "subnetwork"} {
			if err := r.needNetwork(text(one, field)); err != nil {
				return err
			}
		}
	}
	var secrets []string
	for _, volume := range each(template["volumes"]) {
		if secret := text(volume, "secret", "secret"); secret != "" {
			secrets = append(secrets, secret)
		}
	}
	for _, container := range each(template["containers"]) {
		if err := r.needsImage(text(container, "image")); err != nil {
			return err
		}
		for _, variable := range each(container["env"]) {
			if secret := text(variable, "valueSource", "secretKeyRef", "secret"); secret != "" {
				secrets = append(secrets, secret)
			}
		}
	}
	for _, secret := range secrets {
		name := "projects/" + project + "/secrets/" + secret
		versions := r.under(name + "/versions/")
		if len(versions) == 0 {
			return notFound(name + "/versions/latest")
		}
		for _, version := range versions {
			_ = r.need(version, nil)
		}
		if err := r.need(name+"/roles/secretmanager.secretAccessor/serviceAccount:"+email, refuse(http.StatusForbidden, "PERMISSION_DENIED", "Permission denied on secret: %s/versions/latest for Revision service account %s.", name, email)); err != nil {
			return err
		}
	}
	return nil
}

// publishes are the topics that a program publishes to, which only its code says.
var publishes = map[string]string{"upload": "sajin-images", "catalog": "sajin-purges"}

// starts says why a program of Sajin's would not start where it is told of what
// is not there, or may not do what it has to.
func (r *request) starts(template object) error {
	email := text(template, "serviceAccount")
	program, _, _ := strings.Cut(strings.TrimPrefix(email, "sajin-"), "@")
	if topic := publishes[program]; topic != "" {
		right := "projects/" + project + "/topics/" + topic + "/roles/pubsub.publisher/serviceAccount:" + email
		if err := r.need(right, fmt.Errorf("%s may not publish to %s", email, topic)); err != nil {
			return err
		}
	}
	for _, variable := range each(each(template["containers"])[0]["env"]) {
		value := text(variable, "value")
		if secret := text(variable, "valueSource", "secretKeyRef", "secret"); secret != "" {
			payload := text(r.things["projects/"+project+"/secrets/"+secret+"/versions/1"], "payload", "data")
			data, err := base64.StdEncoding.DecodeString(payload)
			if err != nil {
				return err
			}
			value = string(data)
		}
		if err := r.reaches(value, email, template); err != nil {
			return fmt.Errorf("%s: %w", text(variable, "name"), err)
		}
	}
	return nil
}

// reaches says why a program could not use what a variable's value leads to.
func (r *request) reaches(value, email string, template object) error {
	if bucket, ok := strings.CutPrefix(value, "gs://"); ok {
		member := "/serviceAccount:" + email
		user, viewer := "b/"+bucket+"/roles/storage.objectUser"+member, "b/"+bucket+"/roles/storage.objectViewer"+member
		if r.rights[viewer] {
			user = viewer
		}
		return r.need(user, fmt.Errorf("%s may not read gs://%s", email, bucket))
	}
	if !strings.HasPrefix(value, "cloudsql://") && !strings.HasPrefix(value, "mysql://") {
		return nil
	}
	address, err := url.Parse(strings.Replace(value, project+":"+region+":", project+"."+region+".", 1))
	if err != nil {
		return err
	}
	instance, user := "projects/"+project+"/instances/sajin", address.User.Username()
	if address.Scheme == "cloudsql" {
		user = address.Query().Get("iam")
	} else if !mounts(template, project+":"+region+":sajin") {
		return fmt.Errorf("%s is not there", address.Query().Get("socket"))
	}
	for _, need := range []string{
		instance, instance + "/databases" + address.Path, instance + "/users/" + user,
		project + "/roles/cloudsql.client/serviceAccount:" + email,
	} {
		if err := r.need(need, fmt.Errorf("the database is not reached: %s is not there", need)); err != nil {
			return err
		}
	}
	if address.Scheme == "mysql" {
		return nil
	}
	login := project + "/roles/cloudsql.instanceUser/serviceAccount:" + email
	return r.need(login, fmt.Errorf("%s may not sign in to the database", email))
}

func mounts(template object, instance string) bool {
	return slices.ContainsFunc(each(template["volumes"]), func(volume object) bool {
		instances, _ := at(volume, "cloudSqlInstance", "instances").([]any)
		return slices.Contains(instances, any(instance))
	})
}
