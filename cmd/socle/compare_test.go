package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"socle/api"
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
		{"compare -o csv", []string{"machine,delivery,model,verdict,subject,ordered,racked,detected,serial,reason\nhv01,PO-1,r650,wrong-place,place,", `"DIMM A1: 16.0 GiB M393 ordered, the slot is empty"`}, "DELIVERY"},
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
	for line, words := range map[string]string{"compare -o xml": "use table, csv, json or yaml", "outliers -o csv": "use table, json or yaml"} {
		if _, err := run(t.Context(), append(strings.Fields(line), flags...)...); exitCode(err) != exitUsage || !strings.HasSuffix(err.Error(), words) {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// TestComparedRows: servers of which the same is to be said share a line, also when their serials differ and nothing is wrong; what is wrong comes first.
func TestComparedRows(t *testing.T) {
	open := func(serial string) []api.ComparedRow {
		return []api.ComparedRow{{Subject: "server", Detected: "r650", Serial: serial, Verdict: "open", Reason: "nobody racked it"}}
	}
	bad := func(serial string) []api.ComparedRow {
		return []api.ComparedRow{{Subject: "server", Detected: "r650", Serial: serial, Verdict: "wrong-part"}}
	}
	var rows []string
	comparedRows(api.Comparison{Servers: []api.ComparedServer{{Machine: "n1", Rows: open("1")}, {Machine: "n2", Rows: bad("2")}, {Machine: "n3", Rows: open("3")}, {Machine: "n4", Rows: bad("4")}}},
		func(cells ...string) { rows = append(rows, strings.Join(cells, "|")) })
	want := []string{"VERDICT|WHAT|ORDERED|RACKED|DETECTED|WHY|MACHINES", "wrong-part|server|-|-|r650 2|-|n2", "wrong-part|server|-|-|r650 4|-|n4", "open|server|-|-|r650|nobody racked it|n[1,3]"}
	if d := cmp.Diff(want, rows); d != "" {
		t.Error(d)
	}
	rows = nil
	comparedRows(api.Comparison{Compared: 1}, func(cells ...string) { rows = append(rows, strings.Join(cells, "|")) })
	if d := cmp.Diff([]string{want[0], "right|||||of 1 server nothing is otherwise than it was ordered|"}, rows); d != "" {
		t.Error(d)
	}
}
