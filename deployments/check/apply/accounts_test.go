package apply

import (
	"net/http"
	"strconv"
	"strings"
)

// agents are Google's own accounts, and what makes them: a thing of theirs that
// is there, or was asked for.
var agents = map[string]string{
	"service-" + number + "@gs-project-accounts.iam.gserviceaccount.com": "projects/" + project + "/serviceAccount",
	"service-" + number + "@gcp-sa-pubsub.iam.gserviceaccount.com":       "projects/" + project + "/topics/",
	"service-" + number + "@gcp-sa-iap.iam.gserviceaccount.com":          "projects/" + project + "/services/iap.googleapis.com/identity",
}

// cluster is one of the project's that somebody has made, with workload identity.
const cluster = "projects/" + project + "/locations/" + region + "/clusters/sajin"

func account(email string) string {
	return "projects/" + project + "/serviceAccounts/" + email
}

// needMember refuses a member of a policy who does not exist.
func (r *request) needMember(member string) error {
	kind, email, _ := strings.Cut(member, ":")
	missing := invalid("Service account %s does not exist.", email)
	pool, _, workload := strings.Cut(email, ".svc.id.goog[")
	switch {
	case kind != "serviceAccount":
		return nil // people, and allUsers
	case workload:
		return r.need(cluster, invalid("Identity Pool does not exist (%s.svc.id.goog). Please check that you specified a valid resource name as returned in the `name` attribute in the configuration API.", pool))
	case agents[email] == "":
		return r.need(account(email), missing)
	case strings.HasSuffix(agents[email], "/"): // any thing of the kind will do
		there := r.under(agents[email])
		if len(there) == 0 {
			return missing
		}
		return r.need(there[0], missing)
	default:
		return r.need(agents[email], missing)
	}
}

func (c *cloud) servesAccounts() {
	const api, parent = "iam.googleapis.com/v1", "projects/{project}/serviceAccounts"
	named := func(r *request) string { return strings.TrimPrefix(r.URL.Path, "/v1/") }
	c.handle("POST "+api+"/"+parent, func(r *request) (object, error) {
		id := text(r.body, "accountId")
		if len(id) < 6 || len(id) > 30 {
			return nil, invalid("The account ID %q does not have a length between 6 and 30.", id)
		}
		email := id + "@" + project + ".iam.gserviceaccount.com"
		r.makes(account(email))
		if r.things[account(email)] != nil {
			return nil, refuse(http.StatusConflict, "ALREADY_EXISTS", "Service account %s already exists within project.", id)
		}
		o, _ := r.body["serviceAccount"].(object)
		if len(text(o, "displayName")) > 100 {
			return nil, invalid("A display name has at most 100 bytes.")
		}
		r.things[account(email)] = or(o, object{
			"name": account(email), "projectId": project, "email": email, "uniqueId": strconv.Itoa(1e9 + r.next()), "oauth2ClientId": "1",
		})
		return o, nil
	})
	c.handle("GET "+api+"/"+parent+"/{id}", func(r *request) (object, error) { return r.get(named(r)) })
	c.handle("DELETE "+api+"/"+parent+"/{id}", func(r *request) (object, error) {
		_, err := r.get(named(r))
		r.remove(named(r))
		return nil, err
	})
	c.servesPolicy(api+"/"+parent+"/{id}", named)
}

// servesProject answers for the project itself, and for what it may use.
func (c *cloud) servesProject() {
	c.things[project] = object{} // by this name rights to it are kept
	const manager = "cloudresourcemanager.googleapis.com/v1/projects/{project}"
	c.handle("GET "+manager, func(*request) (object, error) {
		return object{"projectNumber": number, "projectId": project, "name": project, "lifecycleState": "ACTIVE"}, nil
	})
	c.servesPolicy(manager, func(*request) string { return project })

	const usage = "serviceusage.googleapis.com/v1/projects/{project}/services"
	enable := func(r *request, apis ...string) (object, error) {
		for _, api := range apis {
			r.things["projects/"+project+"/services/"+api] = object{"name": "projects/" + number + "/services/" + api, "state": "ENABLED"}
		}
		return object{"name": "operations/acat." + strconv.Itoa(r.next()), "done": true, "response": object{}}, nil
	}
	c.handle("POST "+usage+"/:batchEnable", func(r *request) (object, error) {
		var apis []string
		ids, _ := r.body["serviceIds"].([]any)
		for _, id := range ids {
			apis = append(apis, id.(string))
		}
		if len(apis) > 20 {
			return nil, invalid("No more than 20 services can be enabled at once.")
		}
		return enable(r, apis...)
	})
	c.handle("POST "+usage+"/{api}/:enable", func(r *request) (object, error) { return enable(r, r.PathValue("api")) })
	c.handle("GET "+usage, func(r *request) (object, error) {
		prefix := "projects/" + project + "/services/"
		all := []object{}
		for _, name := range r.under(prefix) {
			all = append(all, object{"name": "projects/" + number + "/services/" + strings.TrimPrefix(name, prefix), "state": "ENABLED"})
		}
		return object{"services": all}, nil
	})
	// Google's account for a product, where it is not made by the product's use.
	c.handle("POST serviceusage.googleapis.com/v1beta1/projects/{project}/services/{api}/:generateServiceIdentity", func(r *request) (object, error) {
		api := "projects/" + project + "/services/" + r.PathValue("api")
		r.makes(api + "/identity")
		if err := r.need(api, refuse(http.StatusForbidden, "PERMISSION_DENIED", "%s is not enabled.", api)); err != nil {
			return nil, err
		}
		r.things[api+"/identity"] = object{}
		return object{"name": "operations/finished", "done": true, "response": object{}}, nil
	})
	c.handle("GET cloudbilling.googleapis.com/v1/projects/{project}/billingInfo", func(*request) (object, error) {
		return object{"billingAccountName": "billingAccounts/012345-6789AB-CDEF01", "billingEnabled": true}, nil
	})
	c.handle("GET openidconnect.googleapis.com/v1/userinfo", func(*request) (object, error) {
		return object{"email": person, "email_verified": true}, nil
	})
}
