package search_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"socle/inventory/search"
)

var update = flag.Bool("update", false, "write the list of fields in docs/search.md anew")

// TestDocs: the list of fields in the documentation is that of the code.
func TestDocs(t *testing.T) {
	const page, from, to = "../../docs/search.md", "make generate. -->\n", "<!-- end -->"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(text), from)
	_, foot, closed := strings.Cut(rest, to)
	if !ok || !closed {
		t.Fatalf("%s has no place for the list", page)
	}
	var b strings.Builder
	b.WriteString("| field | is | what | example |\n|---|---|---|---|\n")
	for _, f := range search.Fields() {
		unit := string(f.Unit)
		if unit == "" {
			unit = "text"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | `%s:%s` |\n", f.Name, unit, f.Doc, f.Name, f.Example)
	}
	want := head + from + b.String() + to + foot
	if want == string(text) {
		return
	}
	if !*update {
		t.Fatalf("%s is not what the code makes now: make generate", page)
	}
	if err := os.WriteFile(page, []byte(want), 0o600); err != nil {
		t.Fatal(err)
	}
}
