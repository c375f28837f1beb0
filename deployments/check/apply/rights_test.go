package apply

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// everywhere are the rights that the gallery's accounts have however events are
// delivered. A line is who may do what, and to what.
var everywhere = []string{
	"upload: storage.objectUser of some-photos-media",
	"upload: pubsub.publisher of sajin-images",
	"upload: pubsub.publisher of upload-objects-dead",
	"upload: pubsub.publisher of upload-purges-dead",
	"catalog: cloudsql.client of the project",
	"catalog: cloudsql.instanceUser of the project",
	"catalog: pubsub.publisher of sajin-purges",
	"catalog: pubsub.publisher of catalog-images-dead",
	"web: cloudsql.client of the project",
	"web: cloudsql.instanceUser of the project",
	"web: storage.objectViewer of some-photos-media",
	"migrate: cloudsql.client of the project",
	"migrate: cloudsql.instanceUser of the project",

	"Google's gs-project-accounts: pubsub.publisher of sajin-objects",
	"Google's gcp-sa-pubsub: pubsub.publisher of upload-objects-dead",
	"Google's gcp-sa-pubsub: pubsub.publisher of upload-purges-dead",
	"Google's gcp-sa-pubsub: pubsub.publisher of catalog-images-dead",
	"Google's gcp-sa-pubsub: pubsub.subscriber of upload-objects",
	"Google's gcp-sa-pubsub: pubsub.subscriber of upload-purges",
	"Google's gcp-sa-pubsub: pubsub.subscriber of catalog-images",
}

// outsideOfClusters are those where Google runs the programs.
var outsideOfClusters = []string{
	"upload: secretmanager.secretAccessor of sajin-service-keys",
	"catalog: secretmanager.secretAccessor of sajin-service-keys",
	"web: secretmanager.secretAccessor of sajin-service-keys",
	"web: secretmanager.secretAccessor of sajin-setup-token",
	"static: storage.objectUser of some-photos-static",
	"allUsers: storage.objectViewer of some-photos-static",
}

// onCloudRun are those where Pub/Sub calls the services there.
var onCloudRun = []string{
	"web: run.invoker of sajin-upload",
	"web: run.invoker of sajin-catalog",
	"push: run.invoker of sajin-upload",
	"push: run.invoker of sajin-catalog",
	"Google's gcp-sa-pubsub: iam.serviceAccountTokenCreator of sajin-push",
	"scheduler: run.invoker of sajin-sweep",
	"scheduler: run.invoker of sajin-sweep-all",
	"scheduler: run.invoker of sajin-purge",
}

// measured are those of the collectors beside the services.
var measured = []string{
	"upload: secretmanager.secretAccessor of sajin-collector",
	"catalog: secretmanager.secretAccessor of sajin-collector",
	"web: secretmanager.secretAccessor of sajin-collector",
	"upload: cloudtrace.agent of the project",
	"catalog: cloudtrace.agent of the project",
	"web: cloudtrace.agent of the project",
	"upload: monitoring.metricWriter of the project",
	"catalog: monitoring.metricWriter of the project",
	"web: monitoring.metricWriter of the project",
}

// pulled are those where the services fetch their events.
var pulled = []string{
	"upload: pubsub.subscriber of upload-objects",
	"upload: pubsub.subscriber of upload-purges",
	"catalog: pubsub.subscriber of catalog-images",
}

// mayDo sees that what everybody may do is this and nothing else.
func (d *deployment) mayDo(t *testing.T, tables ...[]string) {
	t.Helper()
	want := slices.Sorted(slices.Values(slices.Concat(tables...)))
	d.mu.Lock()
	var got []string
	for right := range maps.Keys(d.rights) {
		got = append(got, sentence(right))
	}
	d.mu.Unlock()
	slices.Sort(got)
	for _, right := range got {
		if !slices.Contains(want, right) {
			t.Errorf("too much is allowed: %s", right)
		}
	}
	for _, right := range want {
		if !slices.Contains(got, right) {
			t.Errorf("not allowed: %s", right)
		}
	}
}

// sentence says a right as the tables do.
func sentence(right string) string {
	name, rest, _ := strings.Cut(right, "/roles/")
	role, member, _ := strings.Cut(rest, "/")
	who := strings.TrimPrefix(member, "serviceAccount:")
	if account, domain, ok := strings.Cut(who, "@"); ok && domain == project+".iam.gserviceaccount.com" {
		who = strings.TrimPrefix(account, "sajin-")
	} else if ok && strings.HasPrefix(account, "service-"+number) {
		who = "Google's " + strings.TrimSuffix(domain, ".iam.gserviceaccount.com")
	}
	what := name[strings.LastIndex(name, "/")+1:]
	what, _, _ = strings.Cut(what, "@")
	if name == project {
		what = "the project"
	}
	return who + ": " + role + " of " + what
}
