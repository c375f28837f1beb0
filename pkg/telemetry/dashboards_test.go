package telemetry_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// files are what operators load into their tools.
const files = "../../deployments/telemetry/"

// measured are the names of everything that is measured, as Prometheus has them:
// https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/
func measured(t *testing.T) map[string]bool {
	t.Helper()
	source, err := os.ReadFile("metrics.go")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for _, m := range regexp.MustCompile(`= (histogram|counter|gauge)\("([a-z.]+)", ?"?([^",]*)`).FindAllStringSubmatch(string(source), -1) {
		name := strings.ReplaceAll(m[2], ".", "_")
		switch {
		case m[1] == "counter":
			out[name+"_total"] = true
		case m[1] == "gauge" && m[3] == "s":
			out[name+"_seconds"] = true
		case m[1] == "gauge":
			out[name] = true
		default:
			out[name+"_seconds_bucket"], out[name+"_seconds_count"] = true, true
		}
	}
	return out
}

var (
	series = regexp.MustCompile(`\b(?:sajin|http|db|messaging)_[a-z_]+_(?:total|bucket|count|sum)\b|\bsajin_[a-z]+_[a-z_]+\b`)
	labels = regexp.MustCompile(`\b(?:http|server|db|messaging)_(?:response|request|route|address|operation|collection|destination)[a-z_]*\b`)
)

// Dashboards and alerts name what there is, and each thing that is measured can
// be seen.
func TestDashboardsAndAlertsNameWhatIsMeasured(t *testing.T) {
	known, shown := measured(t), map[string]bool{}
	for _, name := range []string{"dashboard.json", "alerts.yaml"} {
		text, err := os.ReadFile(filepath.Join(files, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, metric := range series.FindAllString(string(text), -1) {
			shown[strings.TrimSuffix(strings.TrimSuffix(metric, "_bucket"), "_count")] = true
			if !known[metric] {
				t.Errorf("%s names %s, which nobody measures", name, metric)
			}
		}
	}
	for metric := range known {
		if !shown[strings.TrimSuffix(strings.TrimSuffix(metric, "_bucket"), "_count")] {
			t.Errorf("%s is measured and shown nowhere", metric)
		}
	}
}

// The labels that they ask for are attributes that somewhere are recorded.
func TestDashboardsAndAlertsAskForWhatIsRecorded(t *testing.T) {
	recorded := regexp.MustCompile(`attribute\.(?:String|Int|Bool)\("([a-z_.]+)"`)
	var known []string
	for _, pattern := range []string{"../httpx/*.go", "../gormdb/*.go", "../event/traced/*.go"} {
		sources, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, source := range sources {
			text, err := os.ReadFile(source)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range recorded.FindAllStringSubmatch(string(text), -1) {
				known = append(known, strings.ReplaceAll(m[1], ".", "_"))
			}
		}
	}
	for _, name := range []string{"dashboard.json", "alerts.yaml"} {
		text, err := os.ReadFile(filepath.Join(files, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, label := range labels.FindAllString(series.ReplaceAllString(string(text), ""), -1) {
			if !slices.Contains(known, label) {
				t.Errorf("%s asks for %s, which nobody records", name, label)
			}
		}
	}
}

// Grafana takes a dashboard whose panels do not lie on each other.
func TestTheDashboardCanBeLoaded(t *testing.T) {
	text, err := os.ReadFile(files + "dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		UID, Title string
		Panels     []struct {
			ID      int
			Title   string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ Expr, RefID string }
		}
	}
	if err := json.Unmarshal(text, &d); err != nil || d.UID == "" || d.Title == "" || len(d.Panels) == 0 {
		t.Fatalf("%v, %+v", err, d)
	}
	places := map[[2]int]string{}
	for _, p := range d.Panels {
		if p.ID == 0 || p.Title == "" || len(p.Targets) == 0 || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("panel %+v", p)
		}
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if other, taken := places[at]; taken {
					t.Fatalf("%q lies on %q", p.Title, other)
				}
				places[at] = p.Title
			}
		}
	}
}
