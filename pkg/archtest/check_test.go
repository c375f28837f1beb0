package archtest

import (
	"fmt"
	"go/ast"
	"path"
	"regexp"
	"slices"
	"strings"
)

// layer is a rule about a kind of package: what of this module it may import,
// and what of the standard library it may not. Other layers' tests are free,
// but for pkg's, which must not need a service.
type layer struct {
	packages []string // patterns
	may      []string // patterns, "$" for the importer's own service
	mayNot   []string // standard packages
	why      string
}

// dependency is a rule about a module from outside: who may import it. With
// tests, nobody may but tests and what serves them.
type dependency struct {
	prefixes []string // of import paths
	users    []string // patterns
	tests    bool
	why      string
}

// complaints collects what is wrong.
type complaints []string

func (c *complaints) add(format string, args ...any) { *c = append(*c, fmt.Sprintf(format, args...)) }

// checkLayers wants every package in exactly one layer, importing what that one
// may.
func checkLayers(pkgs []pkg, layers []layer) (out complaints) {
	for _, p := range pkgs {
		mine := slices.DeleteFunc(slices.Clone(layers), func(l layer) bool { return !matches(p.path, l.packages...) })
		if len(mine) != 1 {
			out.add("%s is in %d layers: say in rules_test.go where it belongs", p.path, len(mine))
			continue
		}
		for _, f := range p.files {
			out = append(out, checkImports(p, f, mine[0])...)
		}
	}
	return out
}

func checkImports(p pkg, f file, l layer) (out complaints) {
	for _, imported := range f.imports {
		own, inModule := strings.CutPrefix(imported, module)
		switch {
		case f.test && inModule && matches(p.path, "pkg/...") && matches(own, "services/..."):
			out.add("%s imports %s: pkg must not need a service, not even to be tested", f.path, own)
		case f.test:
		case inModule && !matches(own, within(p.path, l.may)...):
			out.add("%s may not import %s: %s", f.path, own, l.why)
		case slices.Contains(l.mayNot, imported):
			out.add("%s may not import %s: %s", f.path, imported, l.why)
		}
	}
	return out
}

// checkDependencies wants every import from outside to have a home.
func checkDependencies(pkgs []pkg, dependencies []dependency) (out complaints) {
	for f, imported := range imports(pkgs) {
		if standard(imported) || strings.HasPrefix(imported, module) {
			continue
		}
		i := slices.IndexFunc(dependencies, func(d dependency) bool { return d.covers(imported) })
		if i < 0 {
			out.add("%s imports %s, which has no home: say in rules_test.go who may use it, and why", f.path, imported)
			continue
		}
		d, importer := dependencies[i], path.Dir(f.path)
		if !f.test && !(d.tests && forTests(importer)) && !matches(importer, d.users...) {
			out.add("%s may not import %s: %s", f.path, imported, d.why)
		}
	}
	return out
}

// checkNeed wants every rule to be about something that is there.
func checkNeed(pkgs []pkg, layers []layer, dependencies []dependency) (out complaints) {
	for _, l := range layers {
		for _, pattern := range l.packages {
			if !slices.ContainsFunc(pkgs, func(p pkg) bool { return matches(p.path, pattern) }) {
				out.add("there is no package %q any more: remove it from its layer", pattern)
			}
		}
	}
	for _, d := range dependencies {
		needed := false
		for _, imported := range imports(pkgs) {
			needed = needed || d.covers(imported)
		}
		if !needed {
			out.add("nobody imports %q any more: remove the rule", d.prefixes)
		}
	}
	return out
}

func (d dependency) covers(imported string) bool {
	return slices.ContainsFunc(d.prefixes, func(prefix string) bool {
		return imported == prefix || strings.HasPrefix(imported, prefix+"/")
	})
}

// forTests reports whether a package serves tests and development: its name
// ends so, or it is one of the stack that runs the services beside engines of
// their own.
func forTests(name string) bool {
	return strings.HasSuffix(name, "test") || matches(name,
		"services/sajin/internal/stack", "services/sajin/cmd/stack", "services/sajin/cmd/storage",
		"services/sajin/internal/audit", "services/sajin/internal/chaos", "services/sajin/cmd/chaos")
}

// checkTestPackages keeps what serves tests out of what is shipped.
func checkTestPackages(pkgs []pkg) (out complaints) {
	for f, imported := range imports(pkgs) {
		own, inModule := strings.CutPrefix(imported, module)
		if inModule && forTests(own) && !f.test && !forTests(path.Dir(f.path)) {
			out.add("%s imports %s, which serves tests only", f.path, own)
		}
	}
	return out
}

var vagueNames = []string{"base", "common", "domain", "helper", "helpers", "lib", "misc", "model", "models", "shared", "util", "utils"}

var hungarian = regexp.MustCompile(`^I[A-Z][a-z]`)

// checkNames refuses packages named for no purpose and types named for being an
// interface or an implementation.
func checkNames(pkgs []pkg) (out complaints) {
	for _, p := range pkgs {
		if slices.Contains(vagueNames, path.Base(p.path)) {
			out.add("%s: a package is named for what it provides", p.path)
		}
		for _, f := range p.files {
			ast.Inspect(f.syntax, func(n ast.Node) bool {
				spec, ok := n.(*ast.TypeSpec)
				if !ok {
					return true
				}
				_, isInterface := spec.Type.(*ast.InterfaceType)
				if strings.HasSuffix(spec.Name.Name, "Impl") || isInterface && hungarian.MatchString(spec.Name.Name) {
					out.add("%s: type %s: name a type for what it is, an interface for what it does", f.path, spec.Name.Name)
				}
				return true
			})
		}
	}
	return out
}

// checkDocs wants every package to say once what it is for.
func checkDocs(pkgs []pkg) (out complaints) {
	for _, p := range pkgs {
		var docs []string
		sources := 0
		for _, f := range p.files {
			if f.test {
				continue
			}
			sources++
			if f.syntax.Doc != nil {
				docs = append(docs, f.syntax.Doc.Text())
			}
		}
		switch {
		case sources == 0:
		case len(docs) != 1:
			out.add("%s has %d package comments: write one, that says what the package is for and what it must not know", p.path, len(docs))
		case !strings.HasPrefix(docs[0], "Package ") && !strings.HasPrefix(docs[0], "Command "):
			out.add("%s: a package comment begins with \"Package\" or \"Command\" and the name", p.path)
		}
	}
	return out
}

// Limits on the length of files, in lines. What is longer does more than one
// thing; a main does nothing but start.
const (
	maxSource = 400
	maxTest   = 600
	maxMain   = 40
)

func checkLengths(pkgs []pkg) (out complaints) {
	for _, p := range pkgs {
		for _, f := range p.files {
			limit := maxSource
			switch {
			case f.test:
				limit = maxTest
			case matches(p.path, "services/*/cmd/*"):
				limit = maxMain
			case forTests(p.path):
				limit = maxTest
			}
			if f.lines > limit {
				out.add("%s has %d lines, more than %d", f.path, f.lines, limit)
			}
		}
	}
	return out
}
