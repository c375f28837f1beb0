package archtest

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// tree makes a module of files; a text without a package clause gets one.
func tree(t *testing.T, files map[string]string) []pkg {
	t.Helper()
	fsys := fstest.MapFS{}
	for name, text := range files {
		if strings.HasSuffix(name, ".go") && !strings.Contains(text, "package ") {
			text = "package x\n" + text
		}
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	pkgs, err := load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return pkgs
}

func uses(imports ...string) string {
	var text strings.Builder
	for _, imported := range imports {
		text.WriteString("import _ \"" + imported + "\"\n")
	}
	return text.String()
}

// expect wants one complaint for each text, in any order, that contains it.
func expect(t *testing.T, found complaints, texts ...string) {
	t.Helper()
	for _, text := range texts {
		i := slices.IndexFunc(found, func(c string) bool { return strings.Contains(c, text) })
		if i < 0 {
			t.Errorf("no complaint about %q", text)
			continue
		}
		found = slices.Delete(found, i, i+1)
	}
	for _, complaint := range found {
		t.Errorf("unexpected: %s", complaint)
	}
}

func TestLoadLeavesOutWhatIsNotTheModule(t *testing.T) {
	pkgs := tree(t, map[string]string{
		"a/a.go": "", "a/a_test.go": "", "a/linux.go": "//go:build linux\n\npackage x\n", "a/README.md": "text",
		"tools/go.mod": "module tools", "tools/x.go": "", "tools/below/x.go": "",
		"b/testdata/x.go": "no Go at all", "ui/node_modules/x/x.go": "", ".git/x.go": "", "_old/x.go": "",
	})
	if len(pkgs) != 1 || pkgs[0].path != "a" || len(pkgs[0].files) != 3 {
		t.Errorf("%+v", pkgs)
	}
	if _, err := load(fstest.MapFS{"a.go": {Data: []byte("no Go at all")}}); err == nil {
		t.Error("a file that cannot be read was passed over")
	}
}

func TestMatches(t *testing.T) {
	cases := []struct {
		name, pattern string
		want          bool
	}{
		{"pkg/blob", "pkg/blob", true},
		{"pkg/blob/fileblob", "pkg/blob", false},
		{"pkg/blob", "pkg/*", true},
		{"pkg/blob/fileblob", "pkg/*", false},
		{"pkg/blob/fileblob", "pkg/*/*", true},
		{"pkg/blob/fileblob", "pkg/...", true},
		{"pkg", "pkg/...", true},
		{"pkgs/blob", "pkg/...", false},
		{"services/web/cmd/web", "services/*/cmd/...", true},
		{"services/web", "services/*/cmd/...", false},
		{"services/catalog/catalogclient", "services/*/*client", true},
	}
	for _, c := range cases {
		if got := matches(c.name, c.pattern); got != c.want {
			t.Errorf("%s, %s: %v", c.name, c.pattern, got)
		}
	}
}

func TestCheckLayers(t *testing.T) {
	rules := []layer{
		{packages: []string{"pkg/..."}, may: []string{"pkg/..."}, why: "because of pkg"},
		{packages: []string{"services/*/internal/core"}, may: []string{"pkg/port"}, mayNot: []string{"net/http"}, why: "because of cores"},
		{packages: []string{"services/*"}, may: []string{"services/$/...", "services/*/*client"}, why: "because of roots"},
		{packages: []string{"services/b/bclient", "services/a"}, why: "because of clients"},
	}
	expect(t, checkLayers(tree(t, map[string]string{
		"pkg/port/p.go":                   uses("context", "net/http", "example.org/x"),
		"pkg/port/bad.go":                 uses(module + "services/b/bclient"),
		"pkg/port/p_test.go":              uses(module + "services/b/bclient"),
		"services/b/internal/core/c.go":   uses("context", module+"pkg/port", module+"pkg/other", "net/http"),
		"services/b/internal/core/d.go":   "//go:build never\n\npackage x\n" + uses(module+"services/b/bclient"),
		"services/b/internal/core/_no.go": uses(module + "pkg/other"),
		"services/b/bclient/b.go":         "",
		"services/b/c_test.go":            uses(module+"pkg/port", "net/http"),
		"services/c/c.go":                 uses(module+"services/c/internal/core", module+"services/b/bclient", module+"services/b"),
		"services/a/a.go":                 "",
		"services/b/unknown/u.go":         "",
	}), rules),
		"pkg/port/bad.go may not import services/b/bclient: because of pkg",
		"pkg/port/p_test.go imports services/b/bclient",
		"services/b/internal/core/c.go may not import pkg/other: because of cores",
		"services/b/internal/core/c.go may not import net/http: because of cores",
		"services/b/internal/core/d.go may not import services/b/bclient: because of cores",
		"services/c/c.go may not import services/b: because of roots",
		"services/a is in 2 layers",
		"services/b/unknown is in 0 layers",
	)
}

func TestCheckDependencies(t *testing.T) {
	rules := []dependency{
		{prefixes: []string{"example.org/sdk"}, users: []string{"pkg/adapter"}, why: "because of ports"},
		{prefixes: []string{"example.org/assert"}, tests: true, why: "because of tests"},
	}
	expect(t, checkDependencies(tree(t, map[string]string{
		"pkg/adapter/a.go":    uses("example.org/sdk/v2", "net/http"),
		"pkg/core/a.go":       uses("example.org/sdk", "example.org/assert"),
		"pkg/core/a_test.go":  uses("example.org/sdk", "example.org/assert"),
		"pkg/coretest/c.go":   uses("example.org/assert", "example.org/sdk"),
		"pkg/core/similar.go": uses("example.org/sdkother"),
	}), rules),
		"pkg/core/a.go may not import example.org/sdk: because of ports",
		"pkg/core/a.go may not import example.org/assert: because of tests",
		"pkg/coretest/c.go may not import example.org/sdk: because of ports",
		"pkg/core/similar.go imports example.org/sdkother, which has no home",
	)
}

func TestCheckNeed(t *testing.T) {
	pkgs := tree(t, map[string]string{"pkg/a/a.go": uses("example.org/sdk/v2"), "pkg/a/a_test.go": uses("example.org/assert")})
	expect(t, checkNeed(pkgs,
		[]layer{{packages: []string{"pkg/gone", "pkg/a"}}, {packages: []string{"gone/..."}}},
		[]dependency{{prefixes: []string{"example.org/sdk"}}, {prefixes: []string{"example.org/assert"}}, {prefixes: []string{"example.org/gone"}}},
	), `no package "pkg/gone"`, `no package "gone/..."`, `nobody imports ["example.org/gone"]`)
}

func TestCheckTestPackages(t *testing.T) {
	expect(t, checkTestPackages(tree(t, map[string]string{
		"pkg/a/a.go":                         uses(module+"pkg/blobtest", "net/http/httptest"),
		"pkg/a/a_test.go":                    uses(module + "pkg/blobtest"),
		"pkg/atest/a.go":                     uses(module + "pkg/blobtest"),
		"services/sajin/internal/stack/a.go": uses(module + "pkg/blobtest"),
	})), "pkg/a/a.go imports pkg/blobtest")
}

func TestCheckNames(t *testing.T) {
	expect(t, checkNames(tree(t, map[string]string{
		"pkg/util/a.go": "", "pkg/mutual/a.go": "",
		"pkg/a/a.go": "type StoreImpl struct{}\ntype IStore interface{}\ntype Imager interface{}\ntype IPNet struct{}\nfunc f() { type localImpl int }\n",
	})), "pkg/util:", "StoreImpl", "IStore", "localImpl")
}

func TestCheckDocs(t *testing.T) {
	expect(t, checkDocs(tree(t, map[string]string{
		"none/a.go":   "",
		"one/a.go":    "// Package one is one.\npackage one\n",
		"one/b.go":    "",
		"twice/a.go":  "// Package twice is one.\npackage twice\n",
		"twice/b.go":  "// Package twice is two.\npackage twice\n",
		"odd/a.go":    "// This is odd.\npackage odd\n",
		"main/a.go":   "// Command main starts.\npackage main\n",
		"far/a.go":    "// Package far is separated.\n\npackage far\n",
		"t/a_test.go": "",
	})), "none has 0", "twice has 2", "odd:", "far has 0")
}

func TestCheckLengths(t *testing.T) {
	lines := func(n int) string { return "package x\n" + strings.Repeat("\n", n-1) }
	expect(t, checkLengths(tree(t, map[string]string{
		"a/a.go": lines(maxSource), "a/b.go": lines(maxSource + 1),
		"a/a_test.go": lines(maxTest), "a/b_test.go": lines(maxTest + 1),
		"services/a/cmd/a/a.go": lines(maxMain), "services/a/cmd/a/b.go": lines(maxMain + 1),
	})), "a/b.go has 401", "a/b_test.go has 601", "cmd/a/b.go has 41")
}
