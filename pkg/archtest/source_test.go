package archtest

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"iter"
	"path"
	"slices"
	"strconv"
	"strings"
)

// module is where the imports of the tree's own packages begin.
const module = "github.com/sajin-gallery/sajin/"

// file is a Go source file.
type file struct {
	path    string // slash-separated, from the module's root
	test    bool
	lines   int
	imports []string // in full
	syntax  *ast.File
}

// pkg is the files of one directory, those behind build tags included.
type pkg struct {
	path  string // from the module's root, such as "pkg/fault"
	files []file
}

// load reads the module at the root of tree. Nested modules, what the go tool
// ignores, and generated directories do not belong to it.
func load(tree fs.FS) ([]pkg, error) {
	byPath := map[string]*pkg{}
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && foreign(tree, name):
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".go" || ignored(path.Base(name)):
			return nil
		}
		f, err := parse(tree, name)
		if err != nil {
			return err
		}
		dir := path.Dir(name)
		if byPath[dir] == nil {
			byPath[dir] = &pkg{path: dir}
		}
		byPath[dir].files = append(byPath[dir].files, f)
		return nil
	})
	var out []pkg
	for _, p := range byPath {
		out = append(out, *p)
	}
	slices.SortFunc(out, func(a, b pkg) int { return strings.Compare(a.path, b.path) })
	return out, err
}

func foreign(tree fs.FS, dir string) bool {
	if base := path.Base(dir); ignored(base) || base == "testdata" || base == "node_modules" {
		return true
	}
	_, err := fs.Stat(tree, path.Join(dir, "go.mod"))
	return err == nil
}

func ignored(base string) bool { return strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") }

func parse(tree fs.FS, name string) (file, error) {
	text, err := fs.ReadFile(tree, name)
	if err != nil {
		return file{}, err
	}
	syntax, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return file{}, err
	}
	f := file{path: name, test: strings.HasSuffix(name, "_test.go"), lines: bytes.Count(text, []byte("\n")), syntax: syntax}
	for _, spec := range syntax.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return file{}, err
		}
		f.imports = append(f.imports, imported)
	}
	return f, nil
}

// imports yields every import of every file.
func imports(pkgs []pkg) iter.Seq2[file, string] {
	return func(yield func(file, string) bool) {
		for _, p := range pkgs {
			for _, f := range p.files {
				for _, imported := range f.imports {
					if !yield(f, imported) {
						return
					}
				}
			}
		}
	}
}

// matches reports whether a package is one of the patterns: slash-separated,
// "*" for one element or a part of it, "/..." for everything at and below.
func matches(name string, patterns ...string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		if above, below := strings.CutSuffix(pattern, "/..."); below {
			elements := strings.Split(name, "/")
			depth := strings.Count(above, "/") + 1
			return len(elements) >= depth && matches(strings.Join(elements[:depth], "/"), above)
		}
		ok, err := path.Match(pattern, name)
		return ok && err == nil
	})
}

// within puts the service that a package belongs to for "$" in the patterns.
func within(name string, patterns []string) []string {
	service := "$"
	if elements := strings.Split(name, "/"); elements[0] == "services" && len(elements) > 1 {
		service = elements[1]
	}
	out := make([]string, len(patterns))
	for i, pattern := range patterns {
		out[i] = strings.ReplaceAll(pattern, "$", service)
	}
	return out
}

// standard reports whether an import is the standard library's.
func standard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}
