// Package openapitest holds a service to its OpenAPI file: the routes that it
// serves are the routes described, and what goes over the wire in a test is
// what the file says.
//
// It is for tests only. It knows no service.
package openapitest

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// Router is what tells its routes, as httpx.Router does: patterns
// "METHOD /path" of http.ServeMux.
type Router interface{ Routes() []string }

// Routes fails t when router and the OpenAPI file do not have the same
// operations. The patterns in except are served on purpose without being
// described (pages, static files); one that is not served fails as well.
func Routes(t testing.TB, router Router, file []byte, except ...string) {
	t.Helper()
	served := map[string]bool{}
	for _, pattern := range router.Routes() {
		served[pattern] = true
	}
	for _, pattern := range except {
		if !served[pattern] {
			t.Errorf("%q is excepted from the OpenAPI file, but not served", pattern)
		}
		delete(served, pattern)
	}
	described := operations(Load(t, file))
	for pattern := range served {
		operation := templateOf(pattern)
		if !described[operation] {
			t.Errorf("%q is served, but not described in the OpenAPI file", pattern)
		}
		delete(described, operation)
	}
	for operation := range described {
		t.Errorf("%q is described in the OpenAPI file, but not served", operation)
	}
}

// Load reads and checks an OpenAPI file, its examples included. Its servers are
// dropped, so that it describes the paths on whatever host a test uses.
func Load(t testing.TB, file []byte) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(file)
	if err != nil {
		t.Fatalf("the OpenAPI file cannot be read: %v", err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		t.Fatalf("the OpenAPI file is not valid: %v", err)
	}
	doc.Servers = nil
	return doc
}

// operations are the described operations as "METHOD /path".
func operations(doc *openapi3.T) map[string]bool {
	out := map[string]bool{}
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			out[method+" "+path] = true
		}
	}
	return out
}

// templateOf writes a ServeMux pattern as OpenAPI does: "/{$}" is "/", and a
// wildcard for the rest of the path has no dots.
func templateOf(pattern string) string {
	segments := strings.Split(strings.TrimSuffix(pattern, "{$}"), "/")
	for i, segment := range segments {
		segments[i] = strings.Replace(segment, "...}", "}", 1)
	}
	return strings.Join(segments, "/")
}

// undescribed names the members of value that its schema does not have. A
// consumer ignores what it does not know, so schemas stay open; what our own
// service sends must still be written down. Schemas composed of several are
// left to the validator.
func undescribed(schema *openapi3.Schema, value any, at string) []string {
	if schema == nil || len(schema.AllOf)+len(schema.OneOf)+len(schema.AnyOf) > 0 {
		return nil
	}
	var out []string
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			out = append(out, undescribedMember(schema, name, member, at+"/"+name)...)
		}
	case []any:
		for _, item := range value {
			if schema.Items != nil {
				out = append(out, undescribed(schema.Items.Value, item, at+"/*")...)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func undescribedMember(schema *openapi3.Schema, name string, member any, at string) []string {
	if property := schema.Properties[name]; property != nil {
		return undescribed(property.Value, member, at)
	}
	if extra := schema.AdditionalProperties; extra.Schema != nil || extra.Has != nil && *extra.Has {
		return nil
	}
	return []string{at}
}
