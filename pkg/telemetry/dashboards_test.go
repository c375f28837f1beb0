package telemetry_test

import (
	"encoding/json"
	"io/fs"
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

var series = regexp.MustCompile(`\b(?:sajin|http|db|messaging)_[a-z_]+_(?:total|bucket|count|sum)\b|\bsajin_[a-z]+_[a-z_]+\b`)

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

// expressions are all that the dashboard and the alerts ask for, by where.
func expressions(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	text, err := os.ReadFile(files + "dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Panels []struct {
			Title   string
			Targets []struct{ RefID, Expr string }
		}
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	for _, p := range d.Panels {
		for _, target := range p.Targets {
			out[p.Title+" "+target.RefID] = target.Expr
		}
	}
	if text, err = os.ReadFile(files + "alerts.yaml"); err != nil {
		t.Fatal(err)
	}
	for _, alert := range strings.Split(string(text), "- alert: ")[1:] {
		name, rest, _ := strings.Cut(alert, "\n")
		expr, _, _ := strings.Cut(rest, "\n        labels:")
		expr, _, _ = strings.Cut(expr, "\n        for:")
		out[name] = strings.TrimPrefix(strings.TrimSpace(expr), "expr:")
	}
	return out
}

var (
	grouped = regexp.MustCompile(`\bby \(([^)]*)\)`)
	matched = regexp.MustCompile(`[{,]\s*([a-z_]+)\s*(?:=~|!~|!=|=)`)
)

// asked are the labels that an expression groups and selects by.
func asked(expr string) []string {
	var out []string
	for _, m := range grouped.FindAllStringSubmatch(expr, -1) {
		for name := range strings.SplitSeq(m[1], ",") {
			out = append(out, strings.TrimSpace(name))
		}
	}
	for _, m := range matched.FindAllStringSubmatch(expr, -1) {
		out = append(out, m[1])
	}
	return out
}

// recorded are the attributes that somewhere are recorded, as Prometheus has them,
// and the labels that it makes itself.
func recorded(t *testing.T) []string {
	t.Helper()
	attribute := regexp.MustCompile(`attribute\.(?:String|Int|Bool)\("([a-z_.]+)"`)
	out := []string{"job", "le"}
	for _, top := range []string{"../../pkg", "../../services"} {
		err := filepath.WalkDir(top, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() && entry.Name() == "node_modules" {
				return fs.SkipDir
			}
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, m := range attribute.FindAllStringSubmatch(string(text), -1) {
				out = append(out, strings.ReplaceAll(m[1], ".", "_"))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// The labels that they ask for are attributes that somewhere are recorded.
func TestDashboardsAndAlertsAskForWhatIsRecorded(t *testing.T) {
	known := recorded(t)
	for where, expr := range expressions(t) {
		labels := asked(expr)
		for _, label := range labels {
			if !slices.Contains(known, label) {
				t.Errorf("%s asks for %s, which nobody records", where, label)
			}
		}
		if !series.MatchString(expr) || len(labels) == 0 && strings.ContainsAny(expr, "{[") {
			t.Errorf("%s was not understood: %s", where, expr)
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
