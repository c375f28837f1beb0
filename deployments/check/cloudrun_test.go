package check

import (
	"bytes"
	"encoding/json"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	run "google.golang.org/api/run/v1"
	corev1 "k8s.io/api/core/v1"
	"knative.dev/pkg/apis"
	"knative.dev/serving/pkg/apis/config"
	serving "knative.dev/serving/pkg/apis/serving/v1"
	"sigs.k8s.io/yaml"
)

const cloudRun = "deployments/cloudrun/"

// container is what a service and a job of Cloud Run have in common.
type container struct {
	file    string // by its base name, such as job-sweep
	account string
	corev1.Container
}

// service decodes a service's file into Knative's type, which is Cloud Run's,
// and has Knative judge it.
func service(t *testing.T, name string) serving.Service {
	t.Helper()
	var s serving.Service
	if err := yaml.UnmarshalStrict(read(t, name), &s); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	// Cloud Run asks sidecars how they are, which Knative does only if it is told to.
	defaults := config.FromContextOrDefaults(t.Context())
	defaults.Features.MultiContainerProbing = config.Enabled
	ctx := config.ToContext(t.Context(), defaults)
	judged := s.DeepCopy()
	judged.SetDefaults(ctx)
	// Cloud Run's accounts are addresses, where Knative's have names.
	account := &judged.Spec.Template.Spec.ServiceAccountName
	*account, _, _ = strings.Cut(*account, "@")
	if err := judged.Validate(ctx).Filter(apis.ErrorLevel); err != nil {
		t.Errorf("%s: %v", name, err)
	}
	return s
}

// job decodes a job's file into Cloud Run's own type.
func job(t *testing.T, name string) run.Job {
	t.Helper()
	text, err := yaml.YAMLToJSONStrict(read(t, name))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var j run.Job
	if err := decoder.Decode(&j); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return j
}

func services(t *testing.T) map[string]serving.Service {
	t.Helper()
	out := map[string]serving.Service{}
	for _, name := range []string{"upload", "catalog", "web"} {
		out[name] = service(t, cloudRun+name+".yaml")
	}
	return out
}

func jobs(t *testing.T) map[string]run.Job {
	t.Helper()
	out := map[string]run.Job{}
	for _, file := range glob(t, cloudRun+"job-*.yaml") {
		out[strings.TrimSuffix(path.Base(file), ".yaml")] = job(t, file)
	}
	return out
}

// containers are the programs' containers of all services and jobs. What a job's
// says is decoded again as Kubernetes has it, whose words these are.
func containers(t *testing.T) []container {
	t.Helper()
	var out []container
	for name, s := range services(t) {
		out = append(out, container{name, s.Spec.Template.Spec.ServiceAccountName, s.Spec.Template.Spec.Containers[0]})
	}
	for name, j := range jobs(t) {
		spec := j.Spec.Template.Spec.Template.Spec
		for _, c := range spec.Containers {
			text, err := json.Marshal(c)
			if err != nil {
				t.Fatal(err)
			}
			var k corev1.Container
			if err := json.Unmarshal(text, &k); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			out = append(out, container{name, spec.ServiceAccountName, k})
		}
	}
	return out
}

func TestCloudRunHasAFileForEachService(t *testing.T) {
	for _, file := range glob(t, cloudRun+"*.yaml") {
		name := strings.TrimSuffix(path.Base(file), ".yaml")
		if _, ok := programs[name]; !ok && !strings.HasPrefix(name, "job-") {
			t.Errorf("%s is of no service", file)
		}
	}
	for name, s := range services(t) {
		if s.Kind != "Service" || s.APIVersion != "serving.knative.dev/v1" || s.Name != "sajin-"+name {
			t.Errorf("%s.yaml is %s %s %s", name, s.APIVersion, s.Kind, s.Name)
		}
	}
	for name, j := range jobs(t) {
		if j.Kind != "Job" || j.ApiVersion != "run.googleapis.com/v1" || j.Metadata.Name != "sajin-"+strings.TrimPrefix(name, "job-") {
			t.Errorf("%s.yaml is %s %s %s", name, j.ApiVersion, j.Kind, j.Metadata.Name)
		}
	}
}

func TestCloudRunNamesWhatTheProgramsHave(t *testing.T) {
	for _, c := range containers(t) {
		if _, ok := programs[c.Image]; !ok {
			t.Errorf("%s: no program is built as %q", c.file, c.Image)
			continue
		}
		checkEnvironment(t, c.file, c.Image, names(c.Env))
		checkPort(t, c)
		for _, p := range []*corev1.Probe{c.StartupProbe, c.LivenessProbe} {
			if p != nil && (p.HTTPGet == nil || !slices.Contains(probes(t), p.HTTPGet.Path) || p.HTTPGet.Port.IntVal != 8080) {
				t.Errorf("%s: the probe %+v asks for nothing that is there", c.file, p.HTTPGet)
			}
		}
		if c.Image == "sajin" && (len(c.Args) == 0 || !slices.Contains(commands(t), c.Args[0])) {
			t.Errorf("%s: sajin has no command %v", c.file, c.Args)
		}
	}
}

// names are the variables of an environment.
func names(env []corev1.EnvVar) []string {
	var out []string
	for _, variable := range env {
		out = append(out, variable.Name)
	}
	return out
}

// checkEnvironment reports variables that a program does not read, and those
// that are given twice.
func checkEnvironment(t *testing.T, file, program string, given []string) {
	t.Helper()
	known := append(variables(t, program), googleVariables...)
	for i, name := range given {
		if !slices.Contains(known, name) && !strings.HasPrefix(name, "OTEL_") {
			t.Errorf("%s: %s does not read %s", file, program, name)
		}
		if slices.Contains(given[:i], name) {
			t.Errorf("%s: %s is given twice", file, name)
		}
	}
}

// checkPort holds the port of a service to the address that it listens on.
func checkPort(t *testing.T, c container) {
	t.Helper()
	if strings.HasPrefix(c.file, "job-") {
		return
	}
	if len(c.Ports) != 1 || value(c, "SAJIN_ADDR") != ":"+strconv.Itoa(int(c.Ports[0].ContainerPort)) {
		t.Errorf("%s: it listens on %s, and is asked at %v", c.file, value(c, "SAJIN_ADDR"), c.Ports)
	}
}

// googleVariables are those of Google's that our programs heed.
var googleVariables = []string{"GOOGLE_CLOUD_PROJECT"}

// value is what a variable is set to, "" where a secret holds it or it is not.
func value(c container, name string) string {
	for _, variable := range c.Env {
		if variable.Name == name {
			return variable.Value
		}
	}
	return ""
}

func TestCloudRunServicesAreBounded(t *testing.T) {
	for name, s := range services(t) {
		annotations := s.Spec.Template.Annotations
		if annotations["autoscaling.knative.dev/minScale"] != "0" {
			t.Errorf("%s costs something while nobody uses it", name)
		}
		if most, err := strconv.Atoi(annotations["autoscaling.knative.dev/maxScale"]); err != nil || most < 1 {
			t.Errorf("%s has no bound", name)
		}
		if annotations["run.googleapis.com/startup-cpu-boost"] != "true" {
			t.Errorf("%s starts slowly", name)
		}
		if spec := s.Spec.Template.Spec; spec.ContainerConcurrency == nil || *spec.ContainerConcurrency == 0 || spec.TimeoutSeconds == nil {
			t.Errorf("%s has no limit on requests or on their time", name)
		}
		c := s.Spec.Template.Spec.Containers[0]
		if c.Resources.Limits.Cpu().IsZero() || c.Resources.Limits.Memory().IsZero() || c.StartupProbe == nil || c.LivenessProbe == nil {
			t.Errorf("%s has no limits or no probes", name)
		}
	}
}

// Nobody from outside reaches upload and catalog; everybody reaches web, which
// asks who is there.
func TestCloudRunOpensTheEdgeOnly(t *testing.T) {
	for name, s := range services(t) {
		ingress, open := s.Annotations["run.googleapis.com/ingress"], s.Annotations["run.googleapis.com/invoker-iam-disabled"] == "true"
		if (name == "web") != (ingress == "all") || (name == "web") != open || (name != "web" && ingress != "internal") {
			t.Errorf("%s: ingress %q, open %t", name, ingress, open)
		}
	}
	for _, c := range containers(t) {
		switch {
		case c.file == "web" && value(c, "SAJIN_AUTH") != "password":
			t.Error("web asks nobody who they are")
		case (c.file == "upload" || c.file == "catalog") && value(c, "SAJIN_SERVICE_AUTH") != "google":
			t.Errorf("%s asks nobody who they are", c.file)
		}
	}
}

func TestCloudRunProgramsHaveAccountsOfTheirOwn(t *testing.T) {
	seen := map[string]string{}
	for name, s := range services(t) {
		account := s.Spec.Template.Spec.ServiceAccountName
		if !strings.HasPrefix(account, "sajin-"+name+"@") || seen[account] != "" {
			t.Errorf("%s runs as %s, as does %s", name, account, seen[account])
		}
		seen[account] = name
	}
}

// Whoever is called believes those who call, under the address by which they do.
func TestCloudRunServicesKnowEachOther(t *testing.T) {
	byName := map[string]container{}
	for _, c := range containers(t) {
		byName[c.file] = c
	}
	web := byName["web"]
	for callee, variable := range map[string]string{"upload": "SAJIN_UPLOAD_URL", "catalog": "SAJIN_CATALOG_URL"} {
		c := byName[callee]
		at := "https://sajin-" + callee + "-123456789012.europe-west1.run.app"
		if value(web, variable) != at || value(c, "SAJIN_SERVICE_AUDIENCE") != at || value(c, "SAJIN_EVENTS_PUSH_AUDIENCE") != at {
			t.Errorf("web calls %s at %s; it takes tokens for %s, and of Pub/Sub for %s", callee,
				value(web, variable), value(c, "SAJIN_SERVICE_AUDIENCE"), value(c, "SAJIN_EVENTS_PUSH_AUDIENCE"))
		}
		if !slices.Contains(strings.Split(value(c, "SAJIN_SERVICE_CALLERS"), ","), web.account) {
			t.Errorf("%s does not believe web, which is %s", callee, web.account)
		}
	}
	for _, name := range []string{"SAJIN_MEDIA_URL", "SAJIN_EVENTS_URL"} {
		for _, c := range byName {
			if given := value(c, name); given != "" && given != value(byName["upload"], name) {
				t.Errorf("%s: %s is %s", c.file, name, given)
			}
		}
	}
}

// A database that a job migrates is not migrated by those who use it.
func TestCloudRunMigratesBeforeItServes(t *testing.T) {
	for _, c := range containers(t) {
		switch c.file {
		case "catalog":
			if value(c, "SAJIN_CATALOG_MIGRATE") != "false" {
				t.Error("catalog migrates by itself")
			}
		case "web":
			if value(c, "SAJIN_WEB_MIGRATE") != "false" {
				t.Error("web migrates by itself")
			}
		}
	}
}
