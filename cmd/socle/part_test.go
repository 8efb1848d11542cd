package main

import (
	"strings"
	"testing"
)

func TestPart(t *testing.T) {
	_, flags := rack(t)
	for line, want := range map[string]struct{ has, lacks string }{
		"part show s2":         {"dimm  S2      M393", "no inspection"},
		"part show xyz":        {`no inspection has seen a part with the serial "xyz"`, "SERVER"},
		"part list":            {"GONE\ndimm", "13:00"},
		"part show s2 -o json": {`"gone": "2026-11-23T12:00:00Z"`, "SERVER"},
		"part list -o json":    {`"serial": "S2"`, `"gone"`},
	} {
		got, err := run(t.Context(), append(strings.Fields(line), flags...)...)
		if err != nil || !strings.Contains(got, want.has) || strings.Contains(got, want.lacks) {
			t.Errorf("%s: %v\n%s", line, err, got)
		}
	}
	if _, err := run(t.Context(), append([]string{"part", "list", "--machine", "nobody"}, flags...)...); err == nil {
		t.Error("a machine that is not there has parts")
	}
}
