// Package document keeps what a benchmark measured in a page for people: the part between two marks is the program's.
package document

import (
	"fmt"
	"os"
	"strings"
)

// Rewrite replaces what stands between the marks of a program in a file by what change makes of it. The marks are
// "<!-- NAME: written by make NAME -->" and "<!-- /NAME -->".
func Rewrite(file, name string, change func(old string) string) error {
	begin, end := fmt.Sprintf("<!-- %s: written by make %s -->", name, name), fmt.Sprintf("<!-- /%s -->", name)
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, ok := strings.Cut(string(text), begin)
	old, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return fmt.Errorf("%s has no place for what was measured: it lacks the line %q or %q after it", file, begin, end)
	}
	return os.WriteFile(file, []byte(before+begin+"\n\n"+strings.TrimSpace(change(old))+"\n\n"+end+after), 0o644) //nolint:gosec // a document
}
