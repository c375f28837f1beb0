package apply

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

// ordered sees that Terraform waits for everything that something needs: what
// the double asked for while it made a thing has to be among what the state says
// that the thing depends on. Without that an apply works on the days on which
// Google is quick.
func (d *deployment) ordered(t *testing.T) {
	t.Helper()
	owners := map[string]resource{}
	for _, each := range d.state(t) {
		for _, name := range names(each) {
			owners[name] = each
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for made, needs := range d.needs {
		maker, ok := owners[owned(made)]
		if !ok {
			t.Errorf("the state has nothing that is %s", made)
			continue
		}
		for name := range needs {
			needed, ok := owners[owned(name)]
			if !ok {
				if !given(name) {
					t.Errorf("%s needs %s, which the state does not have", maker.address, name)
				}
				continue
			}
			base, _, _ := strings.Cut(needed.address, "[")
			if needed.address != maker.address && !slices.Contains(maker.dependsOn, base) {
				t.Errorf("%s needs %s, and does not wait for %s", maker.address, name, base)
			}
		}
	}
}

// given is what is there before, by docs/operations.md.
func given(name string) bool {
	for _, api := range []string{"cloudresourcemanager", "serviceusage"} {
		if name == "projects/"+project+"/services/"+api+".googleapis.com" {
			return true
		}
	}
	return name == project || name == cluster
}

// names are by what the double knows a resource of Terraform's.
func names(r resource) []string {
	id, _ := r.values["id"].(string)
	instance := "projects/" + project + "/instances/" + text(r.values, "instance")
	switch r.kind {
	case "google_project_service":
		return []string{"projects/" + project + "/services/" + text(r.values, "service")}
	case "google_sql_database_instance":
		return []string{"projects/" + project + "/instances/" + id}
	case "google_sql_user":
		user, _, _ := strings.Cut(text(r.values, "name"), "@")
		return []string{instance + "/users/" + user}
	case "google_sql_provision_script":
		return []string{instance + "/script"}
	case "google_storage_bucket":
		return []string{"b/" + id}
	case "google_storage_notification":
		return []string{"b/" + strings.TrimPrefix(id, "b/")}
	case "google_storage_project_service_account":
		return []string{"projects/" + project + "/serviceAccount"}
	case "google_service_networking_connection":
		network, _, _ := strings.Cut(id, ":")
		if whole, err := url.PathUnescape(network); err == nil {
			network = whole
		}
		return []string{network + "/connections/" + text(r.values, "service")}
	case "google_cloud_scheduler_job":
		return []string{"clocks/" + id}
	case "google_secret_manager_secret_version":
		return []string{strings.Replace(id, "projects/"+number, "projects/"+project, 1)}
	case "terraform_data":
		if strings.HasPrefix(r.address, "terraform_data.images") {
			return []string{"images"}
		}
		return []string{r.address}
	}
	return []string{strings.Replace(id, "projects/"+number, "projects/"+project, 1)}
}

// owned is the name of what a thing came with.
func owned(name string) string {
	switch {
	case strings.HasPrefix(name, "images of ") || strings.Contains(name, "/repositories/sajin/images/"):
		return "images"
	case strings.Contains(name, "/roles_of_mysql/"):
		return name[:strings.Index(name, "/roles_of_mysql/")] + "/script"
	case strings.Contains(name, "/iap_web/cloud_run-") && !strings.Contains(name, "/roles/"):
		return strings.Replace(name, "iap_web/cloud_run-", "locations/", 1)
	case strings.HasSuffix(name, "/services/iap.googleapis.com/identity"):
		return "terraform_data.iap[0]"
	}
	return name
}
