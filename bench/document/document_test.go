package document

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRewrite(t *testing.T) {
	file := filepath.Join(t.TempDir(), "doc.md")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("before\n<!-- x: written by make x -->\nold\n<!-- /x -->\nafter\n")
	for _, now := range []string{"first", "second"} {
		var was string
		if err := Rewrite(file, "x", func(old string) string { was = old; return now }); err != nil {
			t.Fatal(err)
		}
		text, _ := os.ReadFile(file)
		if want := "before\n<!-- x: written by make x -->\n\n" + now + "\n\n<!-- /x -->\nafter\n"; string(text) != want {
			t.Errorf("the document is now\n%s", text)
		}
		if last := map[string]string{"first": "old", "second": "first"}[now]; strings.TrimSpace(was) != last {
			t.Errorf("the old part was %q and not %q", was, last)
		}
	}
	write("nothing here")
	if err := Rewrite(file, "x", strings.ToUpper); err == nil || !strings.Contains(err.Error(), "no place") {
		t.Errorf("a document without marks: %v", err)
	}
	if text, _ := os.ReadFile(file); string(text) != "nothing here" {
		t.Errorf("it was changed all the same: %s", text)
	}
}
