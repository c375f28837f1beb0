package check

import (
	"bytes"
	"go/ast"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"sigs.k8s.io/yaml"
)

const terraform = "deployments/terraform/"

// configuration parses Terraform's files.
func configuration(t *testing.T) []*hclsyntax.Body {
	t.Helper()
	var out []*hclsyntax.Body
	for _, name := range append(glob(t, terraform+"*.tf"), glob(t, terraform+"tests/*.tftest.hcl")...) {
		file, problems := hclparse.NewParser().ParseHCL(read(t, name), name)
		if problems.HasErrors() {
			t.Fatal(problems)
		}
		out = append(out, file.Body.(*hclsyntax.Body))
	}
	return out
}

// local evaluates a local value that is made of constants.
func local(t *testing.T, name string) cty.Value {
	t.Helper()
	for _, body := range configuration(t) {
		for _, block := range body.Blocks {
			if attribute := block.Body.Attributes[name]; block.Type == "locals" && attribute != nil {
				return constant(t, attribute.Expr)
			}
		}
	}
	t.Fatalf("there is no local value %s", name)
	return cty.NilVal
}

func constant(t *testing.T, expression hcl.Expression) cty.Value {
	t.Helper()
	value, problems := expression.Value(nil)
	if problems.HasErrors() {
		t.Fatal(problems)
	}
	return value
}

// block is the resource of a type and a name.
func block(t *testing.T, labels ...string) *hclsyntax.Body {
	t.Helper()
	for _, body := range configuration(t) {
		for _, b := range body.Blocks {
			if b.Type == "resource" && slices.Equal(b.Labels, labels) {
				return b.Body
			}
		}
	}
	t.Fatalf("there is no resource %v", labels)
	return nil
}

// source is an expression as it is written.
func source(t *testing.T, expression hclsyntax.Expression) string {
	t.Helper()
	at := expression.Range()
	return string(read(t, at.Filename)[at.Start.Byte:at.End.Byte])
}

// within is the block of a type in another.
func within(t *testing.T, body *hclsyntax.Body, kind string) *hclsyntax.Body {
	t.Helper()
	for _, b := range body.Blocks {
		if b.Type == kind {
			return b.Body
		}
	}
	t.Fatalf("there is no block %s", kind)
	return nil
}

// said are the strings that Terraform's files hold, in whole.
func said(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, body := range configuration(t) {
		_ = hclsyntax.VisitAll(body, func(node hclsyntax.Node) hcl.Diagnostics {
			if template, ok := node.(*hclsyntax.TemplateExpr); ok && template.IsStringLiteral() {
				out = append(out, constant(t, template).AsString())
			}
			return nil
		})
	}
	return out
}

func TestTerraformIsFormatted(t *testing.T) {
	for _, name := range append(glob(t, terraform+"*.tf"), glob(t, terraform+"tests/*.tftest.hcl")...) {
		if text := read(t, name); !bytes.Equal(hclwrite.Format(text), text) {
			t.Errorf("%s is not formatted: terraform fmt", name)
		}
	}
}

// Also where people look first.
func TestTerraformSaysWhatItsVariablesAre(t *testing.T) {
	readme := string(read(t, terraform+"README.md"))
	for _, body := range configuration(t) {
		for _, b := range body.Blocks {
			if (b.Type == "variable" || b.Type == "output") && b.Body.Attributes["description"] == nil {
				t.Errorf("%s %s is not described", b.Type, b.Labels[0])
				continue
			}
			if b.Type == "variable" && !strings.Contains(readme, row(t, b)) {
				t.Errorf("README.md does not have the line\n%s", row(t, b))
			}
		}
	}
}

// row is how the table says what a variable is.
func row(t *testing.T, variable *hclsyntax.Block) string {
	t.Helper()
	attributes := variable.Body.Attributes
	value := "must be said"
	if attributes["default"] != nil {
		value = strings.Trim(source(t, attributes["default"].Expr), `"`)
		if value = "`" + value + "`"; value == "``" || value == "`[]`" {
			value = ""
		}
	}
	return "| `" + variable.Labels[0] + "` | " + value + " | " + constant(t, attributes["description"].Expr).AsString() + " |\n"
}

func TestTerraformReadsEveryCloudRunFile(t *testing.T) {
	var files []string
	for _, file := range glob(t, cloudRun+"job-*.yaml") {
		files = append(files, strings.TrimSuffix(strings.TrimPrefix(path.Base(file), "job-"), ".yaml"))
	}
	known := elements(t, "jobs")
	slices.Sort(files)
	slices.Sort(known)
	if !slices.Equal(files, known) {
		t.Errorf("Terraform makes the jobs %v; there are files for %v", known, files)
	}
	for name := range services(t) {
		if !local(t, "names").Type().HasAttribute(name) {
			t.Errorf("Terraform does not make %s", name)
		}
	}
	before, clocks := elements(t, "before"), local(t, "schedule").AsValueMap()
	for _, name := range known {
		if _, clock := clocks[name]; clock == slices.Contains(before, name) {
			t.Errorf("the job %s runs before the services or on a clock: one of them", name)
		}
	}
}

// elements are the strings of a local value that is toset([…]).
func elements(t *testing.T, name string) []string {
	t.Helper()
	for _, body := range configuration(t) {
		for _, b := range body.Blocks {
			if attribute := b.Body.Attributes[name]; b.Type == "locals" && attribute != nil {
				return elementsOf(constant(t, attribute.Expr.(*hclsyntax.FunctionCallExpr).Args[0]))
			}
		}
	}
	t.Fatalf("there is no local value %s", name)
	return nil
}

func elementsOf(list cty.Value) []string {
	var out []string
	for _, value := range list.AsValueSlice() {
		out = append(out, value.AsString())
	}
	return out
}

func TestTerraformMakesWhatTheFilesName(t *testing.T) {
	literal := said(t)
	accounts := local(t, "accounts").AsValueMap()
	for _, c := range containers(t) {
		name, domain, _ := strings.Cut(c.account, "@")
		if _, ok := accounts[strings.TrimPrefix(name, "sajin-")]; !ok || domain != "sajin-example.iam.gserviceaccount.com" {
			t.Errorf("%s: nobody makes the account %s", c.file, c.account)
		}
		for _, variable := range c.Env {
			if from := variable.ValueFrom; from != nil && from.SecretKeyRef != nil && !slices.Contains(literal, from.SecretKeyRef.Name) {
				t.Errorf("%s: nobody makes the secret %s", c.file, from.SecretKeyRef.Name)
			}
			if bucket, ok := strings.CutPrefix(variable.Value, "gs://sajin-example-"); ok && !slices.Contains([]string{"media", "static"}, bucket) {
				t.Errorf("%s: nobody makes the bucket of %s", c.file, variable.Value)
			}
		}
	}
	for _, bucket := range []string{"media", "static"} {
		block(t, "google_storage_bucket", bucket)
	}
}

// The services' connections, twice while two revisions serve, and those of the
// jobs beside them, are fewer than the database takes; in a cluster, those of all
// pods that there may be, one more of each while they are replaced, and of the job.
func TestTerraformLeavesTheDatabaseConnections(t *testing.T) {
	const jobsAtOnce = 3
	pool := connections(t)
	for size, s := range local(t, "sizes").AsValueMap() {
		instances := s.GetAttr("instances").AsValueMap()
		used := 2*pool*(number(instances["catalog"])+number(instances["web"])) + jobsAtOnce*pool
		if most := number(s.GetAttr("connections")); used >= most {
			t.Errorf("%s: %d connections of %d", size, used, most)
		}
	}
	pods := 1
	for _, name := range []string{"catalog", "web"} {
		scaled, ok := named[*autoscalingv2.HorizontalPodAutoscaler](render(t, gke), name)
		if !ok {
			t.Fatalf("nothing scales %s", name)
		}
		pods += int(scaled.Spec.MaxReplicas) + 1
	}
	if most := number(local(t, "sizes").GetAttr("small").GetAttr("connections")); pods*pool >= most {
		t.Errorf("in a cluster: %d connections of %d", pods*pool, most)
	}
	small := local(t, "sizes").GetAttr("small").GetAttr("instances").AsValueMap()
	for name, s := range services(t) {
		if most := s.Spec.Template.Annotations["autoscaling.knative.dev/maxScale"]; most != strconv.Itoa(number(small[name])) {
			t.Errorf("%s.yaml goes up to %s, the small size to %d", name, most, number(small[name]))
		}
	}
}

func number(v cty.Value) int {
	n, _ := v.AsBigFloat().Int64()
	return int(n)
}

// connections is how many connections a program opens at most.
func connections(t *testing.T) int {
	t.Helper()
	found := 0
	for _, file := range parse(t, "pkg/gormdb").files {
		ast.Inspect(file, func(n ast.Node) bool {
			assign, ok := n.(*ast.AssignStmt)
			if !ok || len(assign.Lhs) != 1 {
				return true
			}
			if field, ok := assign.Lhs[0].(*ast.SelectorExpr); ok && field.Sel.Name == "MaxOpenConns" {
				if lit, ok := assign.Rhs[0].(*ast.BasicLit); ok {
					found, _ = strconv.Atoi(lit.Value)
				}
			}
			return true
		})
	}
	if found == 0 {
		t.Fatal("pkg/gormdb does not say how many connections it opens")
	}
	return found
}

// What is said in a file of Cloud Run and is read by no line of Terraform would
// have no effect there.
func TestTerraformHeedsAllThatTheFilesSay(t *testing.T) {
	var code strings.Builder
	for _, name := range []string{"locals.tf", "services.tf", "jobs.tf"} {
		code.Write(read(t, terraform+name))
	}
	for _, file := range glob(t, cloudRun+"*.yaml") {
		var document map[string]any
		if err := yaml.Unmarshal(read(t, file), &document); err != nil {
			t.Fatal(err)
		}
		delete(document, "apiVersion")
		delete(document, "kind")
		for _, key := range keys(document) {
			if key == "autoscaling.knative.dev/maxScale" {
				continue // the sizes say it, and the test of the connections compares
			}
			if !strings.Contains(code.String(), key) {
				t.Errorf("%s says %s, and Terraform does not read it", file, key)
			}
		}
	}
}

// keys are the names of all fields below a value. Labels, limits and variables
// are passed on whole.
func keys(value any) []string {
	var out []string
	switch value := value.(type) {
	case map[string]any:
		for key, below := range value {
			out = append(out, key)
			if !slices.Contains([]string{"labels", "limits", "env"}, key) {
				out = append(out, keys(below)...)
			}
		}
	case []any:
		for _, below := range value {
			out = append(out, keys(below)...)
		}
	}
	return out
}

func TestAlertsWatchSubscriptionsThatAreThere(t *testing.T) {
	watched := regexp.MustCompile(`(?:upload|catalog)-[a-z]+`).FindAllString(string(read(t, terraform+"alerts.tf")), -1)
	known := local(t, "subscriptions").AsValueMap()
	if len(watched) == 0 {
		t.Error("no subscription is watched")
	}
	for _, name := range watched {
		if _, ok := known[name]; !ok {
			t.Errorf("an alert watches %s, which is not there", name)
		}
	}
}

// A line of the log that an alert waits for is one that a program writes.
func TestAlertsReadLinesThatAreWritten(t *testing.T) {
	for code := range local(t, "lines").AsValueMap() {
		if !slices.ContainsFunc(glob(t, "services/*/internal/*/*.go"), func(name string) bool {
			return bytes.Contains(read(t, name), []byte(`"`+code+`"`))
		}) {
			t.Errorf("an alert waits for the code %s, which is nobody's", code)
		}
	}
}
