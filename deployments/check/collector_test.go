package check

import (
	"encoding/json"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

const collectorFile = "deployments/telemetry/collector.yaml"

// collectorConfig is what we use of the OpenTelemetry collector's configuration;
// https://opentelemetry.io/docs/collector/configuration/.
type collectorConfig struct {
	Extensions struct {
		HealthCheck struct {
			Endpoint string `json:"endpoint"`
		} `json:"health_check"`
	} `json:"extensions"`
	Receivers struct {
		OTLP struct {
			Protocols struct {
				HTTP struct {
					Endpoint string `json:"endpoint"`
				} `json:"http"`
			} `json:"protocols"`
		} `json:"otlp"`
	} `json:"receivers"`
	Processors struct {
		Batch         struct{} `json:"batch"`
		MemoryLimiter struct {
			CheckInterval        string `json:"check_interval"`
			LimitPercentage      int    `json:"limit_percentage"`
			SpikeLimitPercentage int    `json:"spike_limit_percentage"`
		} `json:"memory_limiter"`
		ResourceDetection struct {
			Detectors []string `json:"detectors"`
		} `json:"resourcedetection"`
	} `json:"processors"`
	Exporters struct {
		GoogleCloud             struct{} `json:"googlecloud"`
		GoogleManagedPrometheus struct{} `json:"googlemanagedprometheus"`
	} `json:"exporters"`
	Service struct {
		Extensions []string `json:"extensions"`
		Telemetry  struct {
			Logs struct {
				Encoding string `json:"encoding"`
			} `json:"logs"`
		} `json:"telemetry"`
		Pipelines map[string]struct {
			Receivers  []string `json:"receivers"`
			Processors []string `json:"processors"`
			Exporters  []string `json:"exporters"`
		} `json:"pipelines"`
	} `json:"service"`
}

func collector(t *testing.T) collectorConfig {
	t.Helper()
	var c collectorConfig
	if err := strictly(read(t, collectorFile), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// The pipelines consist of what is configured, and all of that is in one: the
// collector refuses the one, and would say nothing of the other.
func TestTheCollectorsPipelinesFit(t *testing.T) {
	c := collector(t)
	var used []string
	for _, name := range []string{"traces", "metrics"} {
		p, ok := c.Service.Pipelines[name]
		if !ok || len(p.Exporters) == 0 || len(p.Processors) == 0 || p.Processors[0] != "memory_limiter" {
			t.Errorf("the pipeline %s: %+v; what bounds the memory comes first", name, p)
		}
		used = append(used, slices.Concat(p.Receivers, p.Processors, p.Exporters)...)
	}
	used = append(used, c.Service.Extensions...)
	var all map[string]any
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"extensions", "receivers", "processors", "exporters"} {
		for name := range all[kind].(map[string]any) {
			if !slices.Contains(used, name) {
				t.Errorf("%s is in no pipeline", name)
			}
			used = slices.DeleteFunc(used, func(each string) bool { return each == name })
		}
	}
	if len(used) > 0 || len(c.Service.Pipelines) != 2 {
		t.Errorf("pipelines name %q, which are not configured, or are others than two", used)
	}
}

var image = regexp.MustCompile(`^us-docker\.pkg\.dev/cloud-ops-agents-artifacts/google-cloud-opentelemetry-collector/otelcol-google:\d+\.\d+\.\d+$`)

// sidecar is the collector beside a service of Cloud Run.
func sidecar(t *testing.T, name string) (corev1.Container, []corev1.Volume) {
	t.Helper()
	spec := services(t)[name].Spec.Template.Spec
	if len(spec.Containers) != 2 || spec.Containers[1].Name != "collector" {
		t.Fatalf("%s has no collector beside it", name)
	}
	return spec.Containers[1], spec.Volumes
}

// collectorImage is the one image of the collector, in every file.
func collectorImage(t *testing.T) string {
	t.Helper()
	return service(t, cloudRun+"web.yaml").Spec.Template.Spec.Containers[1].Image
}

// Every service of Cloud Run sends to the collector beside it, which is there
// first, reads the configuration that Terraform puts into the secret, and is asked
// how it is where it answers.
func TestCloudRunServicesHaveCollectors(t *testing.T) {
	config := collector(t)
	for name, s := range services(t) {
		c, volumes := sidecar(t, name)
		if !image.MatchString(c.Image) || c.Image != collectorImage(t) {
			t.Errorf("%s: the collector is %s", name, c.Image)
		}
		var after map[string][]string
		if err := json.Unmarshal([]byte(s.Spec.Template.Annotations["run.googleapis.com/container-dependencies"]), &after); err != nil ||
			len(after) != 1 || !slices.Equal(after[name], []string{"collector"}) {
			t.Errorf("%s starts after %v: %v", name, after, err)
		}
		checkCollector(t, name, c, config)
		checkExport(t, name, s.Spec.Template.Spec.Containers[0], config, "127.0.0.1")
		if len(volumes) != 1 || volumes[0].Secret == nil || volumes[0].Secret.SecretName != "sajin-collector" || len(volumes[0].Secret.Items) != 1 ||
			volumes[0].Name != c.VolumeMounts[0].Name || configured(c) != path.Join(c.VolumeMounts[0].MountPath, volumes[0].Secret.Items[0].Path) {
			t.Errorf("%s: the collector reads %s, and has %+v", name, configured(c), volumes)
		}
		if c.Resources.Limits.Cpu().IsZero() || c.Resources.Limits.Memory().IsZero() {
			t.Errorf("%s: the collector has no limits", name)
		}
	}
	content := source(t, block(t, "google_secret_manager_secret_version", "collector").Attributes["secret_data"].Expr)
	if !strings.Contains(content, `"${path.module}/../telemetry/`+path.Base(collectorFile)) {
		t.Errorf("the secret holds %s", content)
	}
}

// In a cluster it is one for all, by the same configuration.
func TestTheClusterHasACollector(t *testing.T) {
	objects, config := render(t, gke), collector(t)
	d, ok := named[*appsv1.Deployment](objects, "collector")
	if !ok {
		t.Fatal("there is no collector")
	}
	c := d.Spec.Template.Spec.Containers[0]
	if c.Image != collectorImage(t) {
		t.Errorf("the cluster's collector is %s, Cloud Run's %s", c.Image, collectorImage(t))
	}
	checkCollector(t, "the cluster", c, config)
	volume := d.Spec.Template.Spec.Volumes[0]
	m, ok := named[*corev1.ConfigMap](objects, volume.ConfigMap.Name)
	if file := path.Base(configured(c)); !ok || m.Data[file] != string(read(t, collectorFile)) || path.Dir(configured(c)) != c.VolumeMounts[0].MountPath {
		t.Errorf("it reads %s, and has %s", configured(c), volume.ConfigMap.Name)
	}
	variable, _, _ := strings.Cut(strings.TrimPrefix(config.Receivers.OTLP.Protocols.HTTP.Endpoint, "${env:"), ":")
	if i := slices.IndexFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name == variable }); i < 0 || c.Env[i].Value != ":"+port(config) {
		t.Errorf("it listens to nobody else: %+v", c.Env)
	}
	for _, name := range []string{"upload", "catalog", "web"} {
		service, _ := named[*appsv1.Deployment](objects, name)
		checkExport(t, name, service.Spec.Template.Spec.Containers[0], config, "collector")
	}
	if s, ok := named[*corev1.Service](objects, "collector"); !ok || itoa(s.Spec.Ports[0].Port) != port(config) {
		t.Error("it is not reached by its name")
	}
}

// checkCollector holds the probes of a collector to where it answers.
func checkCollector(t *testing.T, where string, c corev1.Container, config collectorConfig) {
	t.Helper()
	_, answers, _ := strings.Cut(config.Extensions.HealthCheck.Endpoint, ":")
	for _, p := range []*corev1.Probe{c.StartupProbe, c.LivenessProbe} {
		if p == nil || p.HTTPGet == nil || p.HTTPGet.Path != "/" || asked(c, p) != answers {
			t.Errorf("%s: the collector answers at %s and is asked by %+v", where, answers, p)
		}
	}
}

// asked is the port that a probe asks, by its number.
func asked(c corev1.Container, p *corev1.Probe) string {
	for _, port := range c.Ports {
		if port.Name == p.HTTPGet.Port.StrVal && port.Name != "" {
			return itoa(port.ContainerPort)
		}
	}
	return p.HTTPGet.Port.String()
}

// checkExport holds where a program sends to where the collector listens.
func checkExport(t *testing.T, name string, c corev1.Container, config collectorConfig, host string) {
	t.Helper()
	for _, e := range c.Env {
		if e.Name != "OTEL_EXPORTER_OTLP_ENDPOINT" {
			continue
		}
		if u, err := url.Parse(e.Value); err != nil || u.Scheme != "http" || u.Hostname() != host || u.Port() != port(config) {
			t.Errorf("%s sends to %s", name, e.Value)
		}
		return
	}
	t.Errorf("%s sends to nobody", name)
}

// port is where the collector takes what programs send.
func port(config collectorConfig) string {
	endpoint := strings.TrimSuffix(config.Receivers.OTLP.Protocols.HTTP.Endpoint, "}")
	return endpoint[strings.LastIndex(endpoint, ":")+1:]
}

// configured is the file that a collector is told to read.
func configured(c corev1.Container) string {
	file, _ := strings.CutPrefix(strings.Join(c.Args, " "), "--config=")
	return file
}
