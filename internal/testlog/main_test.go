package main

import (
	"strings"
	"testing"
)

func TestDigest(t *testing.T) {
	const good = `{"Action":"output","Package":"a","Test":"T1","Output":"noise\n"}
{"Action":"pass","Package":"a","Test":"T1","Elapsed":19.9}
{"Action":"pass","Package":"a","Test":"T4","Elapsed":61.25}
{"Action":"skip","Package":"a","Test":"T2"}
{"Action":"pass","Package":"a","Elapsed":1.25}
`
	for _, tc := range []struct {
		name, in string
		failed   bool
		has      []string
		hasNot   []string
	}{
		{"all well", good, false, []string{"ok    a", "  61.2 s  T4\n", "2 passed, 0 failed, 1 skipped"}, []string{"noise", "T1"}},
		{"one failed", good + `{"Action":"output","Package":"b","Test":"T3","Output":"x_test.go:1: wrong\n"}
{"Action":"fail","Package":"b","Test":"T3"}
{"Action":"fail","Package":"b"}`, true, []string{"x_test.go:1: wrong", "2 passed, 1 failed, 1 skipped"}, []string{"noise"}},
		{"does not build", `{"ImportPath":"c","Action":"build-output","Output":"syntax error\n"}
{"ImportPath":"c","Action":"build-fail"}`, true, []string{"syntax error", "0 passed"}, nil},
		{"not JSON", "FATAL: no go\n", false, []string{"FATAL: no go"}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out strings.Builder
			failed, err := digest(strings.NewReader(tc.in), &out)
			if err != nil || failed != tc.failed {
				t.Errorf("failed %v, error %v", failed, err)
			}
			for _, s := range tc.has {
				if !strings.Contains(out.String(), s) {
					t.Errorf("%q is missing:\n%s", s, out.String())
				}
			}
			for _, s := range tc.hasNot {
				if strings.Contains(out.String(), s) {
					t.Errorf("%q is shown:\n%s", s, out.String())
				}
			}
		})
	}
}
