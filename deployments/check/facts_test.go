package check

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// root is the top of the tree, and module the path of what is there.
const (
	root   = "../.."
	module = "github.com/sajin-gallery/sajin/"
)

// programs are the images that are deployed, by name, and where the main
// package of each is.
var programs = map[string]string{
	"upload":  "services/upload/cmd/upload",
	"catalog": "services/catalog/cmd/catalog",
	"web":     "services/web/cmd/web",
	"sajin":   "services/sajin",
}

// read gives a file of the tree.
func read(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// glob lists the files of the tree that match, by their names from the root.
func glob(t *testing.T, pattern string) []string {
	t.Helper()
	names, err := fs.Glob(os.DirFS(root), pattern)
	if err != nil {
		t.Fatal(err)
	}
	if len(names) == 0 {
		t.Fatalf("no file is named %s", pattern)
	}
	return names
}

// pkg is one package of the product, as its sources say.
type pkg struct {
	dir     string
	files   []*ast.File
	structs map[string]*ast.StructType
	makers  map[string]string // functions, and the type of ours that each gives
}

func parse(t *testing.T, dir string) pkg {
	t.Helper()
	p := pkg{dir: dir, structs: map[string]*ast.StructType{}, makers: map[string]string{}}
	names, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(dir), "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		p.files = append(p.files, file)
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.TypeSpec:
				if s, ok := n.Type.(*ast.StructType); ok {
					p.structs[n.Name.Name] = s
				}
			case *ast.FuncDecl:
				if n.Recv == nil && n.Type.Results.NumFields() > 0 {
					if made, ok := n.Type.Results.List[0].Type.(*ast.Ident); ok {
						p.makers[n.Name.Name] = made.Name
					}
				}
			}
			return true
		})
	}
	return p
}

// imported gives the directory of an imported package of ours, by the name that
// a file knows it by, or "".
func imported(file *ast.File, name string) string {
	for _, spec := range file.Imports {
		full, err := strconv.Unquote(spec.Path.Value)
		dir, ours := strings.CutPrefix(full, module)
		known := path.Base(full)
		if spec.Name != nil {
			known = spec.Name.Name
		}
		if err == nil && ours && known == name {
			return dir
		}
	}
	return ""
}

// variables are the SAJIN_ variables that a program reads: those of the
// configurations that its main package names.
func variables(t *testing.T, program string) []string {
	t.Helper()
	var out []string
	main := parse(t, programs[program])
	for _, file := range main.files {
		out = append(out, mentioned(t, file, file)...)
	}
	for name := range main.structs { // such as what only commands read
		out = append(out, tagged(t, main, name)...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// mentioned are the variables of the structs of our packages that a part of a
// file names.
func mentioned(t *testing.T, file *ast.File, part ast.Node) []string {
	t.Helper()
	var out []string
	ast.Inspect(part, func(n ast.Node) bool {
		selector, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if left, ok := selector.X.(*ast.Ident); ok {
			if dir := imported(file, left.Name); dir != "" {
				out = append(out, tagged(t, parse(t, dir), selector.Sel.Name)...)
			}
		}
		return true
	})
	return out
}

// tagged are the variables that fill the fields of a struct, or of the one that a
// function makes, and of the structs that it consists of.
func tagged(t *testing.T, p pkg, name string) []string {
	t.Helper()
	s, ok := p.structs[name]
	if made, maker := p.makers[name]; maker {
		s, ok = p.structs[made]
	}
	if !ok {
		return nil
	}
	var out []string
	for _, field := range s.Fields.List {
		if field.Tag != nil {
			tag, _ := strconv.Unquote(field.Tag.Value)
			if variable, _, _ := strings.Cut(reflect.StructTag(tag).Get("env"), ","); variable != "" {
				out = append(out, "SAJIN_"+variable)
				continue
			}
		}
		if len(field.Names) > 0 {
			continue
		}
		if ident, ok := field.Type.(*ast.Ident); ok {
			out = append(out, tagged(t, p, ident.Name)...)
		} else if file := p.fileOf(s); file != nil {
			out = append(out, mentioned(t, file, field.Type)...)
		}
	}
	return out
}

// fileOf is the file that a node is in.
func (p pkg) fileOf(node ast.Node) *ast.File {
	for _, file := range p.files {
		found := false
		ast.Inspect(file, func(n ast.Node) bool { found = found || n == node; return !found })
		if found {
			return file
		}
	}
	return nil
}

// commands are what sajin can be asked to do.
func commands(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, file := range parse(t, programs["sajin"]).files {
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Names) != 1 || spec.Names[0].Name != "commands" || len(spec.Values) != 1 {
				return true
			}
			for _, element := range spec.Values[0].(*ast.CompositeLit).Elts {
				name, _ := strconv.Unquote(element.(*ast.KeyValueExpr).Key.(*ast.BasicLit).Value)
				out = append(out, name)
			}
			return false
		})
	}
	return out
}

// literals gives the string literals of a package.
func literals(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	for _, file := range parse(t, dir).files {
		ast.Inspect(file, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if text, err := strconv.Unquote(lit.Value); err == nil {
					out = append(out, text)
				}
			}
			return true
		})
	}
	return out
}

var probe = regexp.MustCompile(`^(?:GET )?(/healthz/[a-z]+)$`)

// probes are the paths that tell the health of every service.
func probes(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, text := range literals(t, "pkg/httpx") {
		if match := probe.FindStringSubmatch(text); match != nil {
			out = append(out, match[1])
		}
	}
	return out
}

func TestTheFactsAreFound(t *testing.T) {
	for name, want := range map[string]string{
		"upload": "SAJIN_UPLOAD_MEMORY_BYTES", "catalog": "SAJIN_CATALOG_MIGRATE", "web": "SAJIN_PUBLIC_ORIGIN", "sajin": "SAJIN_DATA_DIR",
	} {
		found := variables(t, name)
		if !slices.Contains(found, want) || !slices.Contains(found, "SAJIN_ADDR") || (name != "sajin" && slices.Contains(found, "SAJIN_SERVER")) {
			t.Errorf("%s reads %v, with %s?", name, found, want)
		}
	}
	if found := commands(t); !slices.Contains(found, "sweep") {
		t.Errorf("the commands of sajin are %v", found)
	}
	if found := probes(t); len(found) != 3 {
		t.Errorf("the probes are %v", found)
	}
}
