package check

import (
	"path"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

const appEngine = "deployments/appengine/"

// app is what we use of app.yaml in the flexible environment. Google publishes
// no type for it.
// https://cloud.google.com/appengine/docs/flexible/reference/app-yaml
type app struct {
	Service        string `json:"service"`
	Runtime        string `json:"runtime"`
	Env            string `json:"env"`
	ServiceAccount string `json:"service_account"`
	Network        struct {
		Name           string `json:"name"`
		Subnetwork     string `json:"subnetwork_name"`
		InstanceIPMode string `json:"instance_ip_mode"`
	} `json:"network"`
	Resources struct {
		CPU      float64 `json:"cpu"`
		MemoryGB float64 `json:"memory_gb"`
		DiskGB   int     `json:"disk_size_gb"`
	} `json:"resources"`
	Scaling struct {
		Min            int `json:"min_num_instances"`
		Max            int `json:"max_num_instances"`
		CoolDownPeriod int `json:"cool_down_period_sec"`
		CPU            struct {
			Target float64 `json:"target_utilization"`
		} `json:"cpu_utilization"`
	} `json:"automatic_scaling"`
	Readiness appCheck          `json:"readiness_check"`
	Liveness  appCheck          `json:"liveness_check"`
	Variables map[string]string `json:"env_variables"`
}

type appCheck struct {
	Path            string `json:"path"`
	Interval        int    `json:"check_interval_sec"`
	Timeout         int    `json:"timeout_sec"`
	Failures        int    `json:"failure_threshold"`
	Successes       int    `json:"success_threshold"`
	AppStartTimeout int    `json:"app_start_timeout_sec"`
	InitialDelay    int    `json:"initial_delay_sec"`
}

type dispatch struct {
	Rules []struct {
		URL     string `json:"url"`
		Service string `json:"service"`
	} `json:"dispatch"`
}

// apps are the services of App Engine, by program.
func apps(t *testing.T) map[string]app {
	t.Helper()
	out := map[string]app{}
	for _, name := range []string{"upload", "catalog", "web"} {
		var a app
		if err := yaml.UnmarshalStrict(read(t, appEngine+name+".yaml"), &a); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out[name] = a
	}
	return out
}

func TestAppEngineNamesWhatTheProgramsHave(t *testing.T) {
	for name, a := range apps(t) {
		var given []string
		for variable := range a.Variables {
			given = append(given, variable)
		}
		checkEnvironment(t, "appengine/"+name, name, given)
		for _, p := range []string{a.Readiness.Path, a.Liveness.Path} {
			if !slices.Contains(probes(t), p) {
				t.Errorf("%s: nothing is at %q", name, p)
			}
		}
		// The flexible environment asks on this port, and no other.
		if a.Variables["SAJIN_ADDR"] != ":8080" {
			t.Errorf("%s listens on %s", name, a.Variables["SAJIN_ADDR"])
		}
		if a.Runtime != "custom" || a.Env != "flex" || a.Scaling.Min < 1 || a.Scaling.Max < a.Scaling.Min || a.Network.InstanceIPMode != "internal" {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

// On App Engine a program is told what it is told on Cloud Run, but for the
// addresses, and for events, which are pulled where nobody sleeps.
func TestAppEngineSaysWhatCloudRunSays(t *testing.T) {
	differ := []string{
		"SAJIN_CATALOG_URL", "SAJIN_UPLOAD_URL", "SAJIN_SERVICE_AUDIENCE", "SAJIN_PUBLIC_ORIGIN", // addresses
		"SAJIN_SERVICE_KEYS", "SAJIN_SETUP_TOKEN", // put in where it is deployed
		"GOOGLE_CLOUD_PROJECT",        // set by App Engine
		"OTEL_EXPORTER_OTLP_ENDPOINT", // it has no place for a collector
		"SAJIN_EVENTS_PUSH_AUDIENCE", "SAJIN_EVENTS_PUSH_ACCOUNT", "SAJIN_CATALOG_TIDY_EVERY", "SAJIN_UPLOAD_SWEEP_EVERY", "SAJIN_UPLOAD_TEMP_BYTES",
	}
	here := apps(t)
	for _, c := range containers(t) {
		a, ok := here[c.file]
		if !ok {
			continue
		}
		if a.ServiceAccount != c.account {
			t.Errorf("%s runs as %s, and on Cloud Run as %s", c.file, a.ServiceAccount, c.account)
		}
		for _, variable := range c.Env {
			if !slices.Contains(differ, variable.Name) && a.Variables[variable.Name] != variable.Value {
				t.Errorf("%s: %s is %q, and on Cloud Run %q", c.file, variable.Name, a.Variables[variable.Name], variable.Value)
			}
		}
		for name := range a.Variables {
			if !slices.Contains(names(c.Env), name) {
				t.Errorf("%s: %s is not given on Cloud Run", c.file, name)
			}
		}
	}
	web := here["web"]
	for callee, variable := range map[string]string{"upload": "SAJIN_UPLOAD_URL", "catalog": "SAJIN_CATALOG_URL"} {
		if web.Variables[variable] != here[callee].Variables["SAJIN_SERVICE_AUDIENCE"] {
			t.Errorf("web calls %s at %s, which takes tokens for %s", callee, web.Variables[variable], here[callee].Variables["SAJIN_SERVICE_AUDIENCE"])
		}
	}
}

func TestAppEngineDispatchesToServicesThatAreThere(t *testing.T) {
	var d dispatch
	if err := yaml.UnmarshalStrict(read(t, appEngine+"dispatch.yaml"), &d); err != nil {
		t.Fatal(err)
	}
	known := map[string]app{}
	for _, a := range apps(t) {
		known[a.Service] = a
	}
	for i, rule := range d.Rules {
		a, ok := known[rule.Service]
		if !ok {
			t.Errorf("%s goes to %s, which is not there", rule.URL, rule.Service)
		}
		host, _, _ := strings.Cut(rule.URL, "/")
		if at := a.Variables["SAJIN_SERVICE_AUDIENCE"]; at != "" && at != "https://"+host {
			t.Errorf("%s goes to %s, which is at %s", rule.URL, rule.Service, at)
		}
		if (rule.URL == "*/*") != (i == len(d.Rules)-1) {
			t.Errorf("%s hides what is below it, or what is last is not for all", rule.URL)
		}
	}
	if last := d.Rules[len(d.Rules)-1]; path.Base(last.Service) != "default" || known["default"].Variables["SAJIN_AUTH"] == "" {
		t.Errorf("%s is what everybody reaches", last.Service)
	}
}
