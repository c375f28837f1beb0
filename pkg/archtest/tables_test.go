package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
	"os"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// tables are the pages that say which test is for which row, and the rows that
// each must have.
var tables = map[string][]string{
	"attacks.md": append(append(append(rows("U", 1, 48), rows("A", 1, 7)...), rows("S", 5, 10)...), "A15", "P17", "S01", "S02", "W10"),
	"faults.md": append(append(append(append(rows("F", 1, 7), "F10"), rows("F", 19, 31)...), rows("F", 33, 39)...),
		"F41", "F43", "F44"),
}

func rows(letter string, first, last int) []string {
	var out []string
	for n := first; n <= last; n++ {
		out = append(out, fmt.Sprintf("%s%02d", letter, n))
	}
	return out
}

// named is a test of a package, and perhaps a case of it.
var named = regexp.MustCompile("`([a-z/0-9]+)\\.((?:Test|Fuzz)[A-Za-z0-9_]+)(?:/([A-Za-z0-9_]+))?`")

// Every row of the tables names tests, and they exist.
func TestTablesNameWhatThereIs(t *testing.T) {
	known := tests(sajin(t))
	for page, wanted := range tables {
		text, err := os.ReadFile(path.Join("../../docs", page))
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]bool{}
		for line := range strings.Lines(string(text)) {
			cells := strings.Split(line, "|")
			if len(cells) < 4 {
				continue
			}
			row := strings.TrimSpace(cells[1])
			for _, name := range named.FindAllStringSubmatch(cells[3], -1) {
				found[row] = true
				if !known[name[1]+"."+name[2]] || name[3] != "" && !known[name[1]+" "+name[3]] {
					t.Errorf("%s: %s names %s, which is not there", page, row, name[0])
				}
			}
		}
		for _, row := range wanted {
			if !found[row] {
				t.Errorf("%s: no test is named for %s", page, row)
			}
		}
	}
}

// tests are the tests of every package, as "package.Name", and what its test
// files say in quotes, as "package text": the cases.
func tests(pkgs []pkg) map[string]bool {
	out := map[string]bool{}
	for _, p := range pkgs {
		for _, f := range p.files {
			if !f.test {
				continue
			}
			ast.Inspect(f.syntax, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.FuncDecl:
					out[p.path+"."+n.Name.Name] = true
				case *ast.BasicLit:
					if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
						out[p.path+" "+text] = true
					}
				}
				return true
			})
		}
	}
	return out
}
