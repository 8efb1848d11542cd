package main

import (
	"strings"
	"testing"
)

func TestSearch(t *testing.T) {
	_, flags := rack(t)
	for _, tc := range []struct {
		line []string
		code int
		has  []string
	}{
		{[]string{"search", "hv*", "name:hv01"}, 0, nil},
		{[]string{"search", "name:hv*"}, 0, []string{"hv01", "hv[01-"}},
		{[]string{"search", "name:hv01", "or", "name:st01", "-o", "json"}, 0, []string{`"range": "hv01,st01"`, `"count": 2`}},
		{[]string{"search", "name:hv*", "--names"}, 0, []string{"hv[01-"}},
		{[]string{"search", "name:nobody"}, 0, []string{"0: -"}},
		{[]string{"search", "--fields"}, 0, []string{"disk.size", "bytes", "disk.size:3TB"}},
		{[]string{"search", "name:hv01", "--save", "first"}, 0, nil},
		{[]string{"search", "--saved"}, 0, []string{"first", "name:hv01", "token:admin"}},
		{[]string{"search", "@first", "--names"}, 0, []string{"hv01\n"}},
		{[]string{"test", "results", "@first"}, 0, []string{"hv01  nothing was measured"}},
		{[]string{"test", "results", "@{name:hv*},-@first"}, 0, []string{"hv02  nothing was measured"}},
		{[]string{"test", "results", "@{name:nobody}"}, 2, nil},
		{[]string{"test", "results", "@{name:hv01"}, 2, nil},
		{[]string{"test", "results", "@{nam:hv01}"}, 2, nil},
		{[]string{"test", "results", "@second"}, 3, nil},
		{[]string{"search", "@second"}, 3, nil},
		{[]string{"search", "--forget", "first"}, 0, nil},
		{[]string{"search", "--forget", "first"}, 3, nil},
		{[]string{"search", "modl:R650"}, 2, nil},
		{[]string{"search"}, 2, nil},
		{[]string{"search", "x", "--saved"}, 2, nil},
		{[]string{"search", "--fields", "-o", "xml"}, 2, nil},
	} {
		out, err := run(t.Context(), append(tc.line, flags...)...)
		if got := exitCode(err); got != tc.code {
			t.Errorf("%q: exit %d, want %d: %s %v", tc.line, got, tc.code, out, err)
		}
		for _, want := range tc.has {
			if !strings.Contains(out, want) {
				t.Errorf("%q: no %q in\n%s", tc.line, want, out)
			}
		}
	}
	_, err := run(t.Context(), "search", "rack:r1", "modl:R650")
	if err == nil || !strings.Contains(err.Error(), "did you mean model?") || !strings.Contains(err.Error(), "\n  rack:r1 modl:R650\n          ^") {
		t.Errorf("%v", err)
	}
}
