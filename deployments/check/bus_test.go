package check

import (
	"go/ast"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// subscription is one that the code makes or expects.
type subscription struct {
	service, topic string
	deadline       time.Duration
	attempts       int
}

func TestTerraformSubscribesAsTheCodeDoes(t *testing.T) {
	want := subscriptions(t)
	if len(want) != 3 {
		t.Fatalf("the code has the subscriptions %v", want)
	}
	most := number(constant(t, within(t, block(t, "google_pubsub_subscription", "subscription"), "dead_letter_policy").Attributes["max_delivery_attempts"].Expr))
	got := local(t, "subscriptions").AsValueMap()
	for name, s := range got {
		w, ok := want[name]
		deadline := time.Duration(number(s.GetAttr("seconds"))) * time.Second
		if !ok || w.service != s.GetAttr("service").AsString() || w.topic != s.GetAttr("topic").AsString() || w.deadline != deadline {
			t.Errorf("%s: Terraform has %#v, the code %+v", name, s, w)
		}
		if w.attempts >= most {
			t.Errorf("%s: Pub/Sub gives up after %d attempts, before the service does after %d", name, most, w.attempts)
		}
	}
	for name := range want {
		if _, ok := got[name]; !ok {
			t.Errorf("Terraform does not make the subscription %s", name)
		}
	}
	for _, topic := range topics(t) {
		if !slices.Contains(said(t), topic) {
			t.Errorf("Terraform does not make the topic %s", topic)
		}
	}
}

// topics are those of the contract, by their constants.
func topics(t *testing.T) map[string]string {
	t.Helper()
	return constants(t, "pkg/contract", func(name string) bool { return strings.HasPrefix(name, "Topic") })
}

// constants are the constants of a package that are literals.
func constants(t *testing.T, dir string, which func(string) bool) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, file := range parse(t, dir).files {
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Names) != 1 || len(spec.Values) != 1 || !which(spec.Names[0].Name) {
				return true
			}
			if lit, ok := spec.Values[0].(*ast.BasicLit); ok {
				out[spec.Names[0].Name] = strings.Trim(lit.Value, `"`)
			}
			return true
		})
	}
	return out
}

// subscriptions reads what the services subscribe to from their composition.
func subscriptions(t *testing.T) map[string]subscription {
	t.Helper()
	out := map[string]subscription{}
	known := topics(t)
	for _, service := range []string{"upload", "catalog", "web"} {
		p := parse(t, "services/"+service)
		named := constants(t, "services/"+service, func(string) bool { return true })
		for _, file := range p.files {
			ast.Inspect(file, func(n ast.Node) bool {
				literal, ok := n.(*ast.CompositeLit)
				if !ok || !isSelector(literal.Type, "event", "Subscription") {
					return true
				}
				s, name := subscription{service: service, deadline: time.Minute}, ""
				for _, element := range literal.Elts {
					field := element.(*ast.KeyValueExpr)
					switch field.Key.(*ast.Ident).Name {
					case "Name":
						name = text(field.Value, named)
					case "Topic":
						s.topic = known[field.Value.(*ast.SelectorExpr).Sel.Name]
					case "AckDeadline":
						s.deadline = duration(t, field.Value)
					case "MaxAttempts":
						s.attempts, _ = strconv.Atoi(text(field.Value, named))
					}
				}
				out[name] = s
				return true
			})
		}
	}
	return out
}

func isSelector(e ast.Expr, x, name string) bool {
	selector, ok := e.(*ast.SelectorExpr)
	if !ok || selector.Sel.Name != name {
		return false
	}
	left, ok := selector.X.(*ast.Ident)
	return ok && left.Name == x
}

// text is a literal, or the constant that an expression names.
func text(e ast.Expr, named map[string]string) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		return strings.Trim(e.Value, `"`)
	case *ast.Ident:
		return named[e.Name]
	}
	return ""
}

// duration evaluates n * time.Unit.
func duration(t *testing.T, e ast.Expr) time.Duration {
	t.Helper()
	units := map[string]time.Duration{"Second": time.Second, "Minute": time.Minute}
	switch e := e.(type) {
	case *ast.SelectorExpr:
		return units[e.Sel.Name]
	case *ast.BinaryExpr:
		if e.Op == token.MUL {
			n, _ := strconv.Atoi(text(e.X, nil))
			return time.Duration(n) * duration(t, e.Y)
		}
	}
	t.Fatalf("%v is no duration that can be read here", e)
	return 0
}
