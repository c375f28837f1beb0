package main

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sajin-gallery/sajin/pkg/config"
	"github.com/sajin-gallery/sajin/pkg/platform"
	"github.com/sajin-gallery/sajin/services/catalog"
	"github.com/sajin-gallery/sajin/services/upload"
	"github.com/sajin-gallery/sajin/services/web"
)

// variables are those that some program reads.
func variables() []string {
	var out []string
	for _, c := range []any{config.Common{}, platform.Config{}, platform.Peers{}, platform.Door{}, upload.Config{}, catalog.Config{}, web.Config{}, clientConfig{}} {
		for _, field := range reflect.VisibleFields(reflect.TypeOf(c)) {
			if name, _, _ := strings.Cut(field.Tag.Get("env"), ","); name != "" {
				out = append(out, config.Prefix+name)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out) // web tells people some of upload's limits
}

var named = regexp.MustCompile(config.Prefix + `[A-Z_]*[A-Z]`)

// mentioned are the variables that a document names; SAJIN_TEST_ is the tests'.
func mentioned(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	out := slices.DeleteFunc(named.FindAllString(string(text), -1), func(name string) bool {
		return strings.HasPrefix(name, config.Prefix+"TEST_")
	})
	slices.Sort(out)
	return slices.Compact(out)
}

// What the documents name is read, and docs/operations.md names all that is.
func TestTheDocumentedVariablesAreThoseThatAreRead(t *testing.T) {
	known := variables()
	for _, file := range []string{"README.md", "docs/operations.md", "docs/architecture.md", "services/upload/api/openapi.yaml"} {
		for _, name := range mentioned(t, "../../"+file) {
			if !slices.Contains(known, name) {
				t.Errorf("%s names %s, which no program reads", file, name)
			}
		}
	}
	documented := mentioned(t, "../../docs/operations.md")
	for _, name := range known {
		if !slices.Contains(documented, name) {
			t.Errorf("docs/operations.md does not name %s", name)
		}
	}
}
