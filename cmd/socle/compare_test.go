package main

import (
	"strings"
	"testing"
)

// TestCompare shows what is not right, and everything when that is asked for; something wrong is an exit code.
func TestCompare(t *testing.T) {
	_, flags := rack(t)
	for _, c := range []struct {
		line string
		has  []string
		not  string
	}{
		{"compare", []string{"PO-1      1     r650   4        4          3       3", "missing      DIMM A1  16.0 GiB M393  -             -             DIMM A1: 16.0 GiB M393 ordered, the slot is empty", "place", "wrong-place"}, "DIMM A2"},
		{"compare hv01 --all", []string{"16.0 GiB M393 D2  -"}, "PO-1 "},
		{"compare --rack r1 -o json", []string{`"verdict": "missing"`}, "DIMM A2"},
	} {
		out, err := run(t.Context(), append(strings.Fields(c.line), flags...)...)
		if exitCode(err) != exitBelow || !strings.Contains(err.Error(), "not as ordered: hv01") {
			t.Errorf("%s: %v", c.line, err)
		}
		for _, want := range c.has {
			if !strings.Contains(out, want) {
				t.Errorf("%s: no %q in\n%s", c.line, want, out)
			}
		}
		if strings.Contains(out, c.not) {
			t.Errorf("%s: %q in\n%s", c.line, c.not, out)
		}
	}
}
