package check

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// pushed are the variables by which a service waits for Pub/Sub's calls.
var pushed = []string{"SAJIN_EVENTS_PUSH_AUDIENCE", "SAJIN_EVENTS_PUSH_ACCOUNT"}

// Who is called on Cloud Run waits to be; who pulls in a cluster does not, and
// Terraform lets both.
func TestEventsComeAsTheyAreAwaited(t *testing.T) {
	for name, s := range local(t, "subscriptions").AsValueMap() {
		service := s.GetAttr("service").AsString()
		for _, variable := range pushed {
			if !gives(services(t)[service].Spec.Template.Spec.Containers[0].Env, variable) {
				t.Errorf("%s is pushed to %s, which has no %s", name, service, variable)
			}
		}
	}
	for _, p := range pods(render(t, gke)) {
		for _, variable := range pushed {
			if gives(p.spec.Containers[0].Env, variable) {
				t.Errorf("%s is in a cluster, where nobody calls it, and has %s", p.name, variable)
			}
		}
	}
	for _, kind := range []string{"push", "pull", "cluster"} {
		for name := range services(t) {
			if account := local(t, "accounts").AsValueMap()[name]; !slices.Contains(elementsOf(account.GetAttr("with")), kind) {
				t.Errorf("%s: nobody makes the account of %s", kind, name)
			}
		}
	}
}

func gives(env []corev1.EnvVar, name string) bool {
	return slices.ContainsFunc(env, func(e corev1.EnvVar) bool { return e.Name == name })
}

// The accounts of the cluster are those that Terraform lets act for Google's, by
// the name of the one that each is said to act for.
func TestTerraformKnowsTheClustersAccounts(t *testing.T) {
	found := map[string]string{}
	for _, overlay := range []string{gke, migrate} {
		for _, a := range all[*corev1.ServiceAccount](render(t, overlay)) {
			if a.Namespace != "sajin" {
				t.Errorf("%s is in the namespace %s", a.Name, a.Namespace)
			}
			found[a.Name] = a.Annotations["iam.gke.io/gcp-service-account"]
		}
	}
	known := elementsOf(local(t, "workloads"))
	accounts := local(t, "accounts").AsValueMap()
	for _, name := range known {
		if want := "sajin-" + name + "@sajin-example.iam.gserviceaccount.com"; found[name] != want {
			t.Errorf("%s acts for %q, Terraform lets it for %s", name, found[name], want)
		}
		if account, ok := accounts[name]; !ok || !slices.Contains(elementsOf(account.GetAttr("with")), "cluster") {
			t.Errorf("in a cluster, nobody makes the account of %s", name)
		}
		delete(found, name)
	}
	if len(found) > 0 {
		t.Errorf("%v act for nobody", found)
	}
}
