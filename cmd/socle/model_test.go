package main

import (
	"slices"
	"strings"
	"testing"
)

// TestModel puts, takes and shows models, and compares servers with them.
func TestModel(t *testing.T) {
	_, flags := rack(t)
	file := files(t)
	good, bad := file("good.yaml", "name: r650\nitems: []\n"), file("bad.yaml", "name: r650\n")
	for _, tc := range []struct {
		line string
		code int
		has  []string
	}{
		{"model show r650", 3, nil},
		{"model put " + bad, 2, []string{"a model has items"}},
		{"model put " + good, 0, []string{"MODEL", "r650", "1"}},
		{"model take r650", 2, []string{"from"}},
		{"model take r650 --from nobody", 3, nil},
		{"model take r650 --from hv01", 0, []string{"as in hv01"}},
		{"model take r650 --from hv01 -o json", 0, []string{`"version": 3`}},
		{"model list", 0, []string{"r650", "token:admin"}},
		{"model list -o json", 0, []string{`"models": [`}},
		{"model show r650 --version 1", 0, []string{"name: r650\nitems: []\n"}},
		{"model diff st01", 0, []string{"nothing was found; looked: parts at 1"}},
		{"model diff hv01", 1, []string{"missing", "the slot is empty", "put one in"}},
		{"model diff st01 --model none", 3, nil},
	} {
		out, err := run(t.Context(), slices.Concat(strings.Fields(tc.line), flags)...)
		if exitCode(err) != tc.code {
			t.Errorf("%s: exit code %d (%v), want %d", tc.line, exitCode(err), err, tc.code)
		}
		if err != nil {
			out += err.Error()
		}
		for _, has := range tc.has {
			if !strings.Contains(out, has) {
				t.Errorf("%s: no %q in\n%s", tc.line, has, out)
			}
		}
	}
}
