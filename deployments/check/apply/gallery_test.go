package apply

import (
	"slices"
	"strings"
	"testing"
)

// A household's gallery, as it is without a word more than must be said.
func TestSmallGalleryIsMadeFromNothing(t *testing.T) {
	t.Parallel()
	d := empty(t)
	d.must(t, "apply")
	d.ordered(t)
	d.mayDo(t, everywhere, outsideOfClusters, onCloudRun, measured)
	d.isClosed(t)
	d.delivers(t, true)
	d.settled(t)
}

// A large one behind Cloud IAP, watched, with its own name and passwords to the
// database.
func TestLargeGalleryIsMadeFromNothing(t *testing.T) {
	t.Parallel()
	d := empty(
		t, `size = "large"`, `public_origin = "https://photos.example.org"`, `sign_in = "iap"`, `viewers = ["user:ada@example.org"]`,
		`database_connection = "socket"`, `alert_email = "ada@example.org"`, `billing_account = "012345-6789AB-CDEF01"`,
	)
	d.must(t, "apply")
	d.ordered(t)
	d.mayDo(t, everywhere, outsideOfClusters, onCloudRun, measured, []string{
		"catalog: secretmanager.secretAccessor of sajin-database-url-catalog",
		"web: secretmanager.secretAccessor of sajin-database-url-web",
		"migrate: secretmanager.secretAccessor of sajin-database-url-migrate-catalog",
		"migrate: secretmanager.secretAccessor of sajin-database-url-migrate-web",
		"Google's gcp-sa-iap: run.invoker of sajin-web",
		"user:ada@example.org: iap.httpsResourceAccessor of sajin-web",
	})
	d.isClosed(t)
	web := d.service("web")
	if web["iapEnabled"] != true || web["invokerIamDisabled"] == true {
		t.Error("people reach web past Cloud IAP")
	}
	if standby := text(d.thing("projects/"+project+"/instances/sajin"), "settings", "availabilityType"); standby != "REGIONAL" {
		t.Errorf("the database is %s", standby)
	}
	d.settled(t)
	d.isKept(t)
}

// What App Engine's services need, which fetch their events.
func TestAppEngineIsPrepared(t *testing.T) {
	t.Parallel()
	d := empty(t, `delivery = "pull"`, `public_origin = "https://photos.example.org"`, `telemetry = false`)
	d.must(t, "apply")
	d.ordered(t)
	d.mayDo(t, everywhere, outsideOfClusters, pulled)
	d.delivers(t, false)
	d.settled(t)
	d.isRemoved(t)
}

// What a cluster's services need. The cluster comes after the network that it is
// in, and before the names of its accounts, which are there with the first one of
// a project.
func TestClusterIsPrepared(t *testing.T) {
	t.Parallel()
	d := empty(t, `delivery = "pull"`, `cluster = true`, `public_origin = "https://photos.example.org"`)
	d.must(t, "apply", "-target", "google_compute_subnetwork.sajin")
	d.mu.Lock()
	d.things[cluster] = object{}
	d.mu.Unlock()
	d.must(t, "apply")
	d.ordered(t)
	var workloads []string
	for _, name := range []string{"upload", "catalog", "web", "migrate", "collector"} {
		workloads = append(workloads, project+".svc.id.goog[sajin/"+name+"]: iam.workloadIdentityUser of sajin-"+name)
	}
	d.mayDo(t, everywhere, pulled, workloads, []string{
		"collector: cloudtrace.agent of the project",
		"collector: monitoring.metricWriter of the project",
	})
	d.delivers(t, false)
	d.settled(t)
}

// isClosed sees that nobody reaches what is not for everybody.
func (d *deployment) isClosed(t *testing.T) {
	t.Helper()
	for _, name := range []string{"upload", "catalog"} {
		if service := d.service(name); text(service, "ingress") != "INGRESS_TRAFFIC_INTERNAL_ONLY" || service["invokerIamDisabled"] == true {
			t.Errorf("%s is reached from outside: %v", name, service["ingress"])
		}
	}
	for _, name := range []string{"media", "static"} {
		guard, _ := d.thing("b/" + project + "-" + name)["iamConfiguration"].(object)
		if at(guard, "uniformBucketLevelAccess", "enabled") != true {
			t.Errorf("an object of %s may have rights of its own", name)
		}
		if name == "media" && text(guard, "publicAccessPrevention") != "enforced" {
			t.Errorf("the pictures can be given to everybody")
		}
	}
	address, _ := at(d.thing("projects/"+project+"/instances/sajin"), "settings", "ipConfiguration").(object)
	if address["ipv4Enabled"] != false || text(address, "privateNetwork") == "" || text(address, "sslMode") != "ENCRYPTED_ONLY" {
		t.Errorf("the database is reached from outside, or in the clear: %v", address)
	}
}

// delivers sees that an event comes again, is set aside in the end, and comes
// signed where it is pushed.
func (d *deployment) delivers(t *testing.T, pushed bool) {
	t.Helper()
	for subscription, service := range map[string]string{"upload-objects": "upload", "upload-purges": "upload", "catalog-images": "catalog"} {
		o := d.thing("projects/" + project + "/subscriptions/" + subscription)
		if topic := text(o, "deadLetterPolicy", "deadLetterTopic"); topic != "projects/"+project+"/topics/"+subscription+"-dead" {
			t.Errorf("%s sets aside to %q", subscription, topic)
		}
		if kept := text(d.thing("projects/"+project+"/subscriptions/"+subscription+"-dead"), "topic"); !strings.HasSuffix(kept, subscription+"-dead") {
			t.Errorf("what %s sets aside is kept by nobody", subscription)
		}
		if text(o, "retryPolicy", "minimumBackoff") == "" {
			t.Errorf("%s tries again at once, forever", subscription)
		}
		endpoint, audience := text(o, "pushConfig", "pushEndpoint"), text(o, "pushConfig", "oidcToken", "audience")
		origin := "https://sajin-" + service + "-" + number + "." + region + ".run.app"
		if pushed && (endpoint != origin+"/events/"+subscription || audience != origin) || !pushed && endpoint != "" {
			t.Errorf("%s pushes to %q, for %q", subscription, endpoint, audience)
		}
	}
}

func (d *deployment) thing(name string) object {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.things[name]
}

func (d *deployment) service(name string) object {
	return d.thing("projects/" + project + "/locations/" + region + "/services/sajin-" + name)
}

// since are the things that happened, after so many before.
func (d *deployment) since(before int) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.happened[before:])
}
