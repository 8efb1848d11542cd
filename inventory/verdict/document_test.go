package verdict

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/why.md anew")

// TestDocumentIsCurrent compares the tables in docs/why.md with the rules, and with the tests that provoke them.
func TestDocumentIsCurrent(t *testing.T) {
	checkPart(t, "<!-- generated from package inventory/verdict by `make generate` -->\n", "<!-- end -->", Table())
	proofs, err := proofs("../../e2e/why")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("| verdict | tests in `e2e/why` |\n|---|---|\n")
	for _, r := range Rules() {
		tests := proofs[r.ID]
		if len(tests) == 0 {
			t.Errorf("no test in e2e/why provokes %s", r.ID)
		}
		fmt.Fprintf(&b, "| `%s` | %s |\n", r.ID, strings.Join(tests, ", "))
		delete(proofs, r.ID)
	}
	for id, tests := range proofs {
		t.Errorf("%v want the verdict %q, which there is not", tests, id)
	}
	checkPart(t, "<!-- tests by `make generate` -->\n", "<!-- tests end -->", b.String())
}

// checkPart compares the part of docs/why.md between two marks with what it is to be, or writes it.
func checkPart(t *testing.T, from, to, want string) {
	t.Helper()
	const path = "../../docs/why.md"
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, found := strings.Cut(string(b), from)
	old, tail, ended := strings.Cut(rest, to)
	if !found || !ended {
		t.Fatalf("%s has no place for the table after %s", path, from)
	}
	if old == want {
		return
	}
	if !*update {
		t.Fatalf("%s is not what the rules and the tests say: run make generate", path)
	}
	if err := os.WriteFile(path, []byte(head+from+want+to+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}

// proofs reads from the tests which of them want which verdict: the second argument of wantVerdict where it is
// written out, else the fields "id" of the test's table. A verdict that is only named somewhere is not proven.
func proofs(dir string) (map[string][]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		return nil, err
	}
	out := map[string][]string{}
	for _, path := range files {
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv != nil || !strings.HasPrefix(fn.Name.Name, "Test") || fn.Body == nil {
				continue
			}
			for _, id := range wanted(fn.Body) {
				if !slices.Contains(out[id], fn.Name.Name) {
					out[id] = append(out[id], fn.Name.Name)
				}
			}
		}
	}
	return out, nil
}

// wanted are the verdicts that a test's body waits for.
func wanted(body *ast.BlockStmt) (ids []string) {
	var table []string
	byField := false
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if s, ok := n.Fun.(*ast.SelectorExpr); !ok || s.Sel.Name != "wantVerdict" || len(n.Args) < 2 {
				return true
			}
			if id, ok := text(n.Args[1]); ok {
				ids = append(ids, id)
			} else if s, ok := n.Args[1].(*ast.SelectorExpr); ok && s.Sel.Name == "id" {
				byField = true
			}
		case *ast.KeyValueExpr:
			if k, ok := n.Key.(*ast.Ident); ok && k.Name == "id" {
				if id, ok := text(n.Value); ok {
					table = append(table, id)
				}
			}
		}
		return true
	})
	if byField {
		ids = append(ids, table...)
	}
	return ids
}

func text(e ast.Expr) (string, bool) {
	l, ok := e.(*ast.BasicLit)
	if !ok || l.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(l.Value)
	return s, err == nil
}

// TestProofs: what is not waited for proves nothing.
func TestProofs(t *testing.T) {
	dir := t.TempDir()
	const src = "package x\nfunc TestOne(t *T) {\n r.wantVerdict(soon, \"one\", \"no-id\")\n s := \"named\"\n for range []c{{id: \"unused\"}} {}\n}\n" +
		"func TestTwo(t *T) {\n for _, c := range []c{{id: \"two\"}} { r.wantVerdict(soon, c.id) }\n}\nfunc helper() { r.wantVerdict(soon, \"three\") }\n"
	if err := os.WriteFile(filepath.Join(dir, "x_test.go"), []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := proofs(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || !slices.Equal(got["one"], []string{"TestOne"}) || !slices.Equal(got["two"], []string{"TestTwo"}) {
		t.Errorf("proofs are %v", got)
	}
}
